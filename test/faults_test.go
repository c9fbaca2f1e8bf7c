package test

import (
	"bufio"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	testFunction = regexp.MustCompile(`^func (Test\w+)\(t \*testing\.T\)`)
	faultNumber  = regexp.MustCompile(`[AB][0-9]+`)
	// numbersOfTest, numbersOfScript and numberOfRow match the fault numbers at the beginning of a name.
	numbersOfTest   = regexp.MustCompile(`^Test((?:[AB][0-9]+)+)`)
	numbersOfScript = regexp.MustCompile(`^((?:[AB][0-9]+_)+)`)
	numberOfRow     = regexp.MustCompile(`^\s*\{"([AB][0-9]+) `)
	faultRow        = regexp.MustCompile(`(?m)^\| ([AB][0-9]+) \|.+\|.+\| ([\w, ]+) \|$`)
)

// testsAndScripts returns the names of all tests of the module and of all scripts, and for each fault number the tests
// and scripts that have it in their names or in the names of their rows.
func testsAndScripts(t *testing.T) (names map[string]bool, byFault map[string][]string) {
	t.Helper()
	names, byFault = map[string]bool{}, map[string][]string{}
	add := func(name string, match []string) {
		if match == nil {
			return
		}
		for _, number := range faultNumber.FindAllString(match[1], -1) {
			byFault[number] = append(byFault[number], name)
		}
	}
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		code, err := os.ReadFile(path)
		name := ""
		for lines := bufio.NewScanner(bytes.NewReader(code)); lines.Scan(); {
			if m := testFunction.FindStringSubmatch(lines.Text()); m != nil {
				name = m[1]
				names[name] = true
				add(name, numbersOfTest.FindStringSubmatch(name))
			}
			add(name, numberOfRow.FindStringSubmatch(lines.Text()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, script := range scripts {
		name := strings.TrimSuffix(filepath.Base(script), ".txtar")
		names[name] = true
		add(name, numbersOfScript.FindStringSubmatch(name))
	}
	return names, byFault
}

// TestFaultNumbers: FAULTS.md has a row for each fault number in the name of a test, of a row of a test or of a script,
// and the row names it. Rows name only tests and scripts that exist.
func TestFaultNumbers(t *testing.T) {
	text, err := os.ReadFile("FAULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	names, byFault := testsAndScripts(t)
	rows := map[string][]string{}
	for _, m := range faultRow.FindAllStringSubmatch(string(text), -1) {
		number, shownBy := m[1], strings.Split(m[2], ", ")
		if rows[number] != nil {
			t.Errorf("FAULTS.md has two rows for %s, expected one", number)
		}
		rows[number] = shownBy
		for _, name := range shownBy {
			if !names[name] {
				t.Errorf("FAULTS.md, row %s: there is no test or script %q", number, name)
			}
		}
	}
	if got := strings.Count(string(text), "\n| A") + strings.Count(string(text), "\n| B"); got != len(rows) || got == 0 {
		t.Errorf("%d of %d rows of FAULTS.md can be read", len(rows), got)
	}
	for number, tests := range byFault {
		for _, name := range tests {
			if !slices.Contains(rows[number], name) {
				t.Errorf("%s has the fault number %s; FAULTS.md, row %s, does not name it: %q", name, number, number, rows[number])
			}
		}
	}
}

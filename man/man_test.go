package man

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the pages in plain text")

func TestNames(t *testing.T) {
	want := []string{"jobs.d", "jobsd", "jobsd-control", "jobsd-state"}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("Names() = %q, want %q", got, want)
	}
}

func TestPage(t *testing.T) {
	for _, name := range []string{"jobsd", "jobsd.8", "jobs.d", "jobs.d.5", "jobsd-state", "jobsd-state.5", "jobsd-control.7"} {
		page, ok := Page(name)
		if !ok || !bytes.Contains(page, []byte("\n.Sh NAME\n")) {
			t.Errorf("Page(%q) = %d bytes, %t: not a manual page", name, len(page), ok)
		}
	}
	for _, name := range []string{"", "jobsd.", "jobs", "jobsd.5", "man.go"} {
		if _, ok := Page(name); ok {
			t.Errorf("Page(%q) was found", name)
		}
	}
}

func TestLint(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	for _, name := range Names() {
		page, _ := Page(name)
		lint := exec.Command(mandoc, "-T", "lint", "-W", "warning")
		lint.Stdin = bytes.NewReader(page)
		if out, err := lint.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", name, err, strings.TrimSpace(string(out)))
		}
	}
}

// TestText compares the pages in plain text with what mandoc makes of their sources.
func TestText(t *testing.T) {
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("mandoc is not installed")
	}
	for _, name := range Names() {
		page, _ := Page(name)
		render := exec.Command(mandoc, "-T", "ascii", "-I", "os=jobsd")
		render.Stdin = bytes.NewReader(page)
		out, err := render.Output()
		if err != nil {
			t.Fatal(err)
		}
		want := overstruck.ReplaceAllString(string(out), "") // mandoc makes text bold with backspaces
		if *update {
			if err := os.WriteFile(fileOf(name)+".txt", []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		} else if got, _ := Text(name); got != want {
			t.Errorf("the text of %s differs from what mandoc prints; to write it again: go test ./man -update", name)
		}
	}
}

var overstruck = regexp.MustCompile(".\b")

func TestTextWidth(t *testing.T) {
	for _, name := range Names() {
		text, _ := Text(name)
		page, _ := Page(name)
		for line := range strings.SplitSeq(text, "\n") {
			literal := bytes.Contains(page, []byte(strings.TrimSpace(line)))
			if len(line) > 80 && !literal {
				t.Errorf("%s: %d characters: %q", name, len(line), line)
			}
		}
	}
	if _, ok := Text("nothing"); ok {
		t.Error("found a page that does not exist")
	}
}

package cli

import (
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// logOf makes the log of a job whose live file begins at offset base. texts are the live file, .1, .2 and so on.
func logOf(t *testing.T, base int64, texts ...string) *jobLog {
	t.Helper()
	l := &jobLog{path: filepath.Join(t.TempDir(), "x.log"), base: base}
	for i, text := range texts {
		path := l.path
		if i > 0 {
			path += "." + string(rune('0'+i))
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}

func read(t *testing.T, l *jobLog, from, to int64) string {
	t.Helper()
	b, err := io.ReadAll(l.reader(from, to))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestJobLog(t *testing.T) {
	l := logOf(t, 100, "live\n", "older\n", "oldest\n")
	if l.from() != 87 || l.to() != 105 {
		t.Errorf("from %d to %d, want 87 to 105", l.from(), l.to())
	}
	for _, test := range []struct {
		from, to int64
		want     string
	}{
		{0, math.MaxInt64, "oldest\nolder\nlive\n"},
		{94, 100, "older\n"},
		{92, 102, "t\nolder\nli"},
		{100, 100, ""},
		{105, 200, ""},
		{0, 87, ""},
	} {
		if got := read(t, l, test.from, test.to); got != test.want {
			t.Errorf("%d to %d: got %q, want %q", test.from, test.to, got, test.want)
		}
	}
}

func TestJobLogWithoutLiveFile(t *testing.T) {
	l := logOf(t, 100, "live\n", "older\n")
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	gone := &jobLog{path: l.path, base: 100}
	if err := gone.open(); err != nil {
		t.Fatal(err)
	}
	defer gone.close()
	if got := read(t, gone, 0, 1000); got != "older\n" || gone.from() != 94 || gone.to() != 100 {
		t.Errorf("got %q from %d to %d", got, gone.from(), gone.to())
	}
	never := &jobLog{path: l.path + "x"}
	if err := never.open(); err != nil || !never.empty() || never.from() != 0 || never.to() != 0 {
		t.Errorf("no log: %v, %+v", err, never)
	}
}

func TestLastLines(t *testing.T) {
	many := strings.Repeat("a long line of output\n", 10_000)
	for _, test := range []struct {
		text string
		n    int
		want string
	}{
		{"a\nb\nc\n", all, "a\nb\nc\n"},
		{"a\nb\nc\n", 0, ""},
		{"a\nb\nc\n", 1, "c\n"},
		{"a\nb\nc\n", 2, "b\nc\n"},
		{"a\nb\nc\n", 3, "a\nb\nc\n"},
		{"a\nb\nc\n", 9, "a\nb\nc\n"},
		{"a\nb\nno end", 1, "no end"},
		{"a\n\n\n", 2, "\n\n"},
		{"", 3, ""},
		{many + "last\n", 1, "last\n"},
		{many, 9999, many[len("a long line of output\n"):]},
	} {
		l := logOf(t, 50, test.text)
		from, err := l.lastLines(l.from(), l.to(), test.n)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, l, from, l.to()); got != test.want {
			t.Errorf("%.20q, %d: got %.80q, want %.80q", test.text, test.n, got, test.want)
		}
	}
}

func TestRunAt(t *testing.T) {
	l := &jobLog{runs: []logRun{{number: 1, from: 0, to: 10}, {number: 2, from: 15, to: 20}, {number: 3, from: 20, to: math.MaxInt64}}}
	for offset, want := range map[int64]uint64{0: 1, 9: 1, 10: 0, 14: 0, 15: 2, 19: 2, 20: 3, 1 << 40: 3} {
		var got uint64
		if r := l.runAt(offset); r != nil {
			got = *r
		}
		if got != want {
			t.Errorf("%d: got run %d, want %d", offset, got, want)
		}
	}
}

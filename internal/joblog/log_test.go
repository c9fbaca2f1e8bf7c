package joblog

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// logOf makes a log; texts are the live file, .1, .2 and so on.
func logOf(t *testing.T, texts ...string) *Log {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.log")
	for n, text := range texts {
		if err := os.WriteFile(pathOf(path, n), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return reopen(t, path)
}

func reopen(t *testing.T, path string) *Log {
	t.Helper()
	l, err := OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func read(t *testing.T, l *Log, from, to int64) string {
	t.Helper()
	b, err := io.ReadAll(l.Reader(from, to))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLog(t *testing.T) {
	l := logOf(t, "live\n", "older\n", "oldest\n")
	if l.Size() != 18 {
		t.Errorf("size %d, want 18", l.Size())
	}
	for _, test := range []struct {
		from, to int64
		want     string
	}{
		{0, math.MaxInt64, "oldest\nolder\nlive\n"},
		{7, 13, "older\n"},
		{5, 15, "t\nolder\nli"},
		{13, 13, ""},
		{18, 200, ""},
	} {
		if got := read(t, l, test.from, test.to); got != test.want {
			t.Errorf("%d to %d: got %q, want %q", test.from, test.to, got, test.want)
		}
	}
}

func TestLogWithoutLiveFile(t *testing.T) {
	l := logOf(t, "live\n", "older\n")
	if err := os.Remove(l.path); err != nil {
		t.Fatal(err)
	}
	if gone := reopen(t, l.path); read(t, gone, 0, 1000) != "older\n" {
		t.Errorf("got %q", read(t, gone, 0, 1000))
	}
	if never := reopen(t, l.path+"x"); !never.Empty() || never.Size() != 0 {
		t.Errorf("no log: %+v", never)
	}
}

func TestStart(t *testing.T) {
	text := "== run 7 started\nx\n"
	l := logOf(t, text+"== run 8 started\n", "== run 6 started\n")
	live, old := l.parts[1].inode, l.parts[0].inode
	for _, test := range []struct {
		p    Position
		run  uint64
		want int64
		ok   bool
	}{
		{Position{old, 0}, 6, 0, true},
		{Position{live, 0}, 7, 17, true},
		{Position{live, int64(len(text))}, 8, 17 + int64(len(text)), true},
		{Position{live, 0}, 8, 0, false},   // it is another run's
		{Position{live, 5}, 7, 0, false},   // it is no marker
		{Position{live, 999}, 7, 0, false}, // the file is shorter
		{Position{999, 0}, 7, 0, false},    // there is no such file
	} {
		got, ok := l.Start(test.p, test.run)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("%+v: got %d %v", test, got, ok)
		}
	}
}

// TestFindReusedInode: the file that has the end of a run is gone, and its inode now has another file, as file systems do
// at once.
func TestFindReusedInode(t *testing.T) {
	l := logOf(t, "== run 2 started\nof run 2\n== run 2 exited\n", "== run 1 started\na\n")
	place := Place{From: Position{l.parts[0].inode, 0}, To: &Position{l.parts[1].inode, 20}}
	if from, to, ok := l.Find(place, 1); ok {
		t.Errorf("found %q", read(t, l, from, to))
	}
	if text, _, err := Tail(l.path, 1, place, 1000); err != ErrGone {
		t.Errorf("the tail is %q, %v", text, err)
	}
}

// TestRest: what is left of a run whose beginning is gone has no line of an earlier run.
func TestRest(t *testing.T) {
	const copied = "== run 1 started\nof run 1\n== run 1 exited\n== run 2 started\na\n"
	const live = "b\n== run 2 exited\n"
	for _, test := range []struct {
		files []string
		run   uint64
		mixed bool
		want  string
	}{
		{[]string{live, copied}, 2, false, "== run 2 started\na\n" + live},
		{[]string{live}, 2, false, live},
		{[]string{live + "== run 3 started\nc\n", copied}, 2, false, "== run 2 started\na\n" + live},
		{[]string{live, copied}, 2, true, copied + live}, // its lines have labels
		{[]string{"== run 3 started\n== run 3 exited\n", copied}, 2, false, ""},
	} {
		l := logOf(t, test.files...)
		to := Position{l.parts[len(l.parts)-1].inode, int64(len(live))}
		place := Place{From: Position{1, 0}, To: &to, Alone: !test.mixed}
		if test.mixed {
			place.Mixed = &Position{1, 0}
		}
		from, end, ok := l.Rest(place, test.run, 0)
		if got := read(t, l, from, end); ok != (test.want != "") || ok && got != test.want {
			t.Errorf("%q: got %q, %v", test.files, got, ok)
		}
	}
}

func TestLastLines(t *testing.T) {
	many := strings.Repeat("a long line of output\n", 10_000)
	for _, test := range []struct {
		text string
		n    int
		want string
	}{
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
		l := logOf(t, test.text)
		from, err := l.LastLines(0, l.Size(), test.n)
		if err != nil {
			t.Fatal(err)
		}
		if got := read(t, l, from, l.Size()); got != test.want {
			t.Errorf("%.20q, %d: got %.80q, want %.80q", test.text, test.n, got, test.want)
		}
	}
}

// TestLastLinesOfHoles: the end of a log of a terabyte, most of which is a hole, is found at once.
func TestLastLinesOfHoles(t *testing.T) {
	l := logOf(t, "first\n")
	f, err := os.OpenFile(l.path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte("\nlast\n"), 1<<40)
	}
	if err != nil {
		t.Skip(err)
	}
	f.Close()
	l = reopen(t, l.path)
	from, err := l.LastLines(0, l.Size(), 1)
	if got := read(t, l, from, l.Size()); err != nil || got != "last\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestFollow tests everything that can happen to a log between two looks at it.
func TestFollow(t *testing.T) {
	l := logOf(t, "one\n")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := l.Follow(l.Size())
	must(err)
	add := func(path, text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		must(err)
		_, err = f.WriteString(text)
		must(err)
		must(f.Close())
	}
	look := func(want string) {
		t.Helper()
		var out bytes.Buffer
		must(f.More(&out))
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	}
	look("")
	add(l.path, "two\n")
	look("two\n")
	look("")

	// The file is renamed and still written to. The new file appears later.
	must(Rotate(l.path, 9))
	add(l.path+".1", "last\n")
	look("last\n")
	add(l.path, "new\n")
	look("new\n")

	// It is rotated several times between two looks.
	add(l.path, "a\n")
	for n := range 3 {
		must(Rotate(l.path, 9))
		add(l.path, fmt.Sprintf("%d\n", n))
	}
	look("a\n0\n1\n2\n")

	// The old logs are not kept.
	must(os.Remove(l.path))
	add(l.path, "other\n")
	look("other\n")

	// Somebody empties the file.
	must(os.Truncate(l.path, 0))
	look("")
	add(l.path, "again\n")
	look("again\n")

	// The file does not exist yet.
	must(os.Remove(l.path))
	for n := 1; os.Remove(Archive(l.path, n)) == nil; n++ {
	}
	empty := reopen(t, l.path)
	f, err = empty.Follow(0)
	must(err)
	look("")
	add(l.path, "first\n")
	look("first\n")
}

func TestRotate(t *testing.T) {
	for _, test := range []struct {
		files []string
		keep  int
		want  string
	}{
		{[]string{"live"}, 2, " live"},
		{[]string{"live", "a", "b"}, 2, " live a"},
		{[]string{"live", "a", "b"}, 5, " live a b"},
		{[]string{"live"}, 0, ""},
		{[]string{"live", "", "b"}, 5, " live b"},
	} {
		path := filepath.Join(t.TempDir(), "x.log")
		for n, text := range test.files {
			if text == "" {
				continue
			}
			if err := os.WriteFile(pathOf(path, n), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := Rotate(path, test.keep); err != nil {
			t.Fatal(err)
		}
		got := ""
		for n := range 9 {
			if text, err := os.ReadFile(pathOf(path, n)); err == nil {
				got += " " + string(text)
			}
		}
		if got != test.want {
			t.Errorf("%v, keep %d: got %q, want %q", test.files, test.keep, got, test.want)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.log")
	f, err := Open(path, -1)
	if err != nil || f.Size != 0 {
		t.Fatal(f, err)
	}
	f.Close()
	if st, err := os.Stat(path); err != nil || st.Mode() != 0o640 {
		t.Error(st, err)
	}
	if err := os.Symlink(path, path+"2"); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{path + "2", dir, "/dev/null", filepath.Join(dir, "no", "x")} {
		if f, err := Open(bad, -1); err == nil {
			t.Errorf("%s is opened", bad)
			f.Close()
		} else if !strings.HasPrefix(err.Error(), "cannot open log: ") {
			t.Error(err)
		}
	}
}

package cli

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"jobsd/internal/jobfile"
)

// TestMore tests everything that can happen to a log between two looks at it.
func TestMore(t *testing.T) {
	l := logOf(t, 0, "one\n")
	l.site = &site{Dirs: jobfile.Dirs{State: t.TempDir()}} // without a journal, the base does not change
	live, err := l.live()
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	add := func(path, text string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		must(err)
		_, err = f.WriteString(text)
		must(err)
		must(f.Close())
	}
	var out bytes.Buffer
	a := &app{out: &out}
	look := func(want string) {
		t.Helper()
		out.Reset()
		live, err = a.more(l, live)
		must(err)
		if out.String() != want {
			t.Errorf("got %q, want %q", out.String(), want)
		}
	}
	look("")
	add(l.path, "two\n")
	look("two\n")
	look("")

	// The file is renamed and then still written to. The new file appears later.
	must(os.Rename(l.path, l.path+".1"))
	add(l.path+".1", "last\n")
	look("last\n")
	add(l.path, "new\n")
	look("")
	look("new\n")

	// The front is moved away once, and then twice between two looks, with lines that nobody has read yet.
	rest := func(path, front, behind string) {
		t.Helper()
		for n := 5; n > 1; n-- {
			os.Rename(fmt.Sprintf("%s.%d", path, n-1), fmt.Sprintf("%s.%d", path, n))
		}
		must(os.WriteFile(path+".1", []byte(front), 0o600))
		must(os.WriteFile(path, []byte(behind), 0o600))
	}
	add(l.path, "a\nb\n")
	look("a\nb\n")
	rest(l.path, "new\na\n", "b\nc\nd\ne\nf\ng\nh\n")
	look("c\nd\ne\nf\ng\nh\n")
	rest(l.path, "b\nc\nd\ne\nf\ng\nh\ni\n", "j\nk\n")
	rest(l.path, "j\n", "k\nl\n")
	look("i\nj\nk\nl\n")

	// Somebody empties the file.
	must(os.Truncate(l.path, 0))
	look("")
	add(l.path, "again\n")
	look("again\n")
	live.Close()

	// The file does not exist yet.
	must(os.Remove(l.path))
	live = nil
	look("")
	add(l.path, "first\n")
	look("")
	look("first\n")
	live.Close()
}

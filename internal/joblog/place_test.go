package joblog

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// placed is a log, and the places in it of which the tests speak.
type placed struct {
	*Log
	path, text string
}

func place(t *testing.T, text string) *placed {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := OpenLog(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return &placed{l, path, text}
}

// at returns the position of a text, or the one behind it.
func (p *placed) at(text string, behind bool) *Position {
	i := strings.Index(p.text, text)
	if i < 0 {
		panic("no " + text)
	}
	if behind {
		i += len(text)
	}
	return &Position{Inode: p.parts[0].inode, At: int64(i)}
}

// of returns the lines of a run.
func (p *placed) of(t *testing.T, run uint64, where Place) string {
	t.Helper()
	from, to, ok := p.Find(where, run)
	if !ok {
		t.Fatalf("no run %d", run)
	}
	lines := p.LinesOf(where, run)
	var out []byte
	for line := range bytes.Lines([]byte(p.text[from:to])) {
		if own, ok := lines.Own(line, from); ok {
			out = append(out, own...)
		}
		from += int64(len(line))
	}
	return string(out)
}

// TestLinesOf: a run has its own lines and no others, whatever is known about its place.
func TestLinesOf(t *testing.T) {
	p := place(t, "== run 1 started\n== run 9 started\n[1] mine\n== run 2 started\n[1] one\n[2] two\n[2] [1] forged\n[1] one\n"+
		"== run 1 exited 0\n[1] late\n== run 2 exited 0\n== run 3 started\n[2] late\n[3] three\n== run 3 exited 0\n")
	one := Place{From: *p.at("== run 1 s", false), To: p.at("== run 1 exited 0\n", true), Mixed: p.at("== run 2 s", false)}
	two := Place{From: *p.at("== run 2 s", false), To: p.at("== run 2 exited 0\n", true), Mixed: p.at("== run 2 s", false)}
	three := Place{From: *p.at("== run 3 s", false), To: p.at("== run 3 exited 0\n", true), Mixed: p.at("== run 3 s", false)}
	const all = "== run 1 started\n== run 9 started\n[1] mine\none\none\n== run 1 exited 0\n"
	unknown, guess := one, one
	unknown.To = nil
	guess.Mixed = nil
	for _, test := range []struct {
		run   uint64
		place Place
		want  string
	}{
		{1, one, all},
		{1, unknown, all + "late\n"},
		{1, guess, "== run 1 started\nmine\none\none\n== run 1 exited 0\n"}, // it printed a marker itself
		{2, two, "== run 2 started\ntwo\n[1] forged\n== run 2 exited 0\n"},
		{3, three, "== run 3 started\nthree\n== run 3 exited 0\n"},
	} {
		if got := p.of(t, test.run, test.place); got != test.want {
			t.Errorf("run %d at %+v: %q, want %q", test.run, test.place, got, test.want)
		}
	}
}

// TestTail: the end of the output of a run has its own lines, also if another one began near the end, or wrote much
// more.
func TestTail(t *testing.T) {
	const size = 1000
	mine := strings.Repeat("mine\n", 2000)
	p := place(t, "== run 1 started\n"+mine+"== run 2 started\n[1] last\n== run 1 exited 0\n"+strings.Repeat("[2] other\n", 3000)+"== run 2 exited 0\n")
	one := Place{From: *p.at("== run 1 s", false), To: p.at("== run 1 exited 0\n", true), Mixed: p.at("== run 2 s", false)}
	long := Place{From: one.From, To: p.at("== run 2 exited 0\n", true), Mixed: one.Mixed}
	for _, where := range []Place{one, long} {
		text, cut, err := Tail(p.path, 1, where, size)
		if err != nil || !cut || len(text) < size/2 || len(text) > size || !strings.HasSuffix(string(text), "mine\nlast\n") ||
			strings.Trim(strings.ReplaceAll(string(text), "mine\n", ""), "\n") != "last" {
			t.Errorf("%v, %v, %q", err, cut, text)
		}
	}
	unknown := Place{From: one.From, To: one.To} // the marker of the other run tells
	if text, cut, err := Tail(p.path, 1, unknown, size); err != nil || !cut || !strings.HasSuffix(string(text), "mine\nlast\n") {
		t.Errorf("%v, %v, %q", err, cut, text)
	}
	alone := Place{From: one.From, To: p.at("== run 2 s", false), Alone: true}
	if text, cut, err := Tail(p.path, 1, alone, size); err != nil || !cut || strings.Trim(string(text), "mine\n") != "" || len(text) < size/2 {
		t.Errorf("%v, %v, %q", err, cut, text)
	}
}

// TestTailAfterCrash: a crash may leave the place of an output without some parts. If other runs may have written to the log
// too, it must not be too long to search. If its beginning is not known, nobody removed it.
func TestTailAfterCrash(t *testing.T) {
	p := place(t, "== run 1 started\n"+strings.Repeat("mine\n", 2000)+"== run 1 exited 0\n== run 2 started\n"+
		strings.Repeat("x", maxUnknown)+"\n== run 2 exited 0\n")
	one := Place{From: *p.at("== run 1 s", false), To: p.at("== run 1 exited 0\n", true)}
	if text, cut, err := Tail(p.path, 1, one, 1000); err != nil || !cut || strings.Trim(string(text), "mine\n") != "" || len(text) < 500 {
		t.Errorf("%v, %v, %q", err, cut, text)
	}
	two := Place{From: *p.at("== run 2 s", false), To: p.at("== run 2 exited 0\n", true)}
	if _, _, err := Tail(p.path, 2, two, 1000); err != ErrMixed {
		t.Errorf("too long to search, but the error is %v", err)
	}
	if _, _, err := Tail(p.path, 1, Place{To: one.To}, 1000); err != ErrUnplaced {
		t.Errorf("the beginning is not known, but the error is %v", err)
	}
}

// TestLinesOfRotated: if the place from which on lines are mixed was rotated away, all that is left stood behind it.
func TestLinesOfRotated(t *testing.T) {
	p := place(t, "[1] one\n[2] two\n== run 1 exited 0\n")
	lines := p.LinesOf(Place{Mixed: &Position{Inode: p.parts[0].inode + 1, At: 7}}, 1)
	for i, want := range []string{"one\n", "", "== run 1 exited 0\n"} {
		line := strings.SplitAfter(p.text, "\n")[i]
		own, ok := lines.Own([]byte(line), int64(strings.Index(p.text, line)))
		if ok != (want != "") || ok && string(own) != want {
			t.Errorf("line %d: %q, %v", i, own, ok)
		}
	}
}

// TestTailKeepsHeadings: a line that a job wrote is no marker because it begins with the same characters.
func TestTailKeepsHeadings(t *testing.T) {
	p := place(t, "== run 1 started\n== Building ==\n== slow: told\n== on_failure of run 0: told\n== run 1 exited 0\n")
	where := Place{From: *p.at("== run 1 s", false), To: p.at("== run 1 exited 0\n", true), Alone: true}
	if text, _, err := Tail(p.path, 1, where, 1000); err != nil || string(text) != "== Building ==\n" {
		t.Errorf("%q, %v", text, err)
	}
}

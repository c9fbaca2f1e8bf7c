package recorder

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMixed: the recorder says from which start marker on the lines of a run have its number, and that all lines belong
// to it if none has.
func TestMixed(t *testing.T) {
	d := newDaemon(t)
	d.start()
	one := d.begin(1, Log{})
	if m := d.wait(Began, 1); m.Mixed != nil {
		t.Errorf("run 1 is alone, but mixed from %+v", m.Mixed)
	}
	writeTo(t, one, "alone\n")
	d.until(func() bool { return strings.Contains(d.log(), "alone") })
	two := d.begin(2, Log{})
	began := d.wait(Began, 2)
	if began.Mixed == nil || *began.Mixed != *began.From {
		t.Errorf("run 2 began while run 1 was alive: %+v, mixed from %+v", began.From, began.Mixed)
	}
	if m := d.wait(Began, 1); m.Mixed == nil || *m.Mixed != *began.From {
		t.Errorf("run 1 is mixed from %+v, want %+v", m.Mixed, began.From)
	}
	writeTo(t, one, "kept") // by a process that outlives the run
	if m := d.finish(1); m.Alone || m.Closed || *m.Mixed != *began.From {
		t.Errorf("run 1: %+v", m)
	}
	two.Close()
	d.finish(2)

	// The process can still write, so run 3 is not alone either.
	three := d.begin(3, Log{})
	if m := d.wait(Began, 3); m.Mixed == nil || *m.Mixed != *m.From {
		t.Errorf("run 3 is not mixed")
	}
	writeTo(t, one, "late\n")
	d.until(func() bool { return strings.Contains(d.log(), "[1] late\n") })
	one.Close()
	d.wait(Closed, 1)
	writeTo(t, three, "three\n")
	three.Close()
	d.finish(3)
	four := d.begin(4, Log{})
	four.Close()
	if m := d.finish(4); !m.Alone || m.Mixed != nil {
		t.Errorf("run 4: %+v", m)
	}
	const want = "== run 1 started\nalone\n== run 2 started\n[1] kept\n== run 1 exited 0\n== run 2 exited 0\n== run 3 started\n[1] late\n" +
		"[3] three\n== run 3 exited 0\n== run 4 started\n== run 4 exited 0\n"
	if got := d.log(); got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
}

// TestTornLine: what follows a line that another run has broken begins a line, also if the slot of that run is used
// again.
func TestTornLine(t *testing.T) {
	d := newDaemon(t)
	d.start()
	long := strings.Repeat("x", 2*maxUnfinished)
	one := d.begin(1, Log{})
	writeTo(t, one, long)
	d.until(func() bool { return strings.Contains(d.log(), "xx") })
	two := d.begin(2, Log{})
	writeTo(t, two, long)
	d.until(func() bool { return strings.Contains(d.log(), "[2] xx") })
	one.Close()
	d.finish(1) // its line is not the last one, so nothing ends it
	three := d.begin(3, Log{})
	writeTo(t, three, "zzz")
	d.wait(Began, 3)
	writeTo(t, two, "y\n")
	two.Close()
	d.finish(2)
	three.Close()
	d.finish(3)
	want := "== run 1 started\n" + long + "\n== run 2 started\n[2] " + long + "\n== run 1 exited 0\n== run 3 started\n[2] y\n== run 2 exited 0\n" +
		"[3] zzz\n== run 3 exited 0\n"
	if got := d.log(); got != want {
		t.Errorf("the log is\n%s\nwant\n%s", shorter(got), shorter(want))
	}
}

func shorter(text string) string {
	return strings.ReplaceAll(text, strings.Repeat("x", 2*maxUnfinished), "x..x")
}

// TestLongPath: the path of a log may be as long as the kernel accepts. A longer one is trouble, and the run goes on.
func TestLongPath(t *testing.T) {
	d := newDaemon(t)
	base := t.TempDir()
	t.Chdir(base) // the whole path is too long for one call while it is made
	dir := base
	for len(dir) < pathSize-300 {
		name := strings.Repeat("d", 200)
		d.must(os.Mkdir(name, 0o700))
		d.must(os.Chdir(name))
		dir += "/" + name
	}
	d.must(os.Chdir(base))
	fits := dir + "/" + strings.Repeat("a", pathSize-1-len(dir)-1-4) + ".log"
	if len(filepath.Base(fits)) > 255 {
		t.Fatalf("a name of %d bytes", len(filepath.Base(fits)))
	}
	d.start()
	p := d.beginIn(1, Log{Path: fits})
	writeTo(t, p, "output\n")
	p.Close()
	d.finish(1)
	if got, err := os.ReadFile(fits); err != nil || string(got) != "== run 1 started\noutput\n== run 1 exited 0\n" {
		t.Errorf("the log is %q, %v", got, err)
	}
	p = d.beginIn(2, Log{Path: fits + "x"})
	writeTo(t, p, "output\n")
	p.Close()
	if m := d.wait(Trouble, 0); !strings.Contains(m.Text, "file name too long") || m.Job != "a" {
		t.Errorf("the trouble is %+v", m)
	}
	d.finish(2)
}

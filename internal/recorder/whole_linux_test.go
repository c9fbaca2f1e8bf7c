package recorder

import (
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
)

// A run that is over before its start marker is written costs one write, and the log has all of it in order.
func TestWholeRun(t *testing.T) {
	var writes atomic.Int32
	oldMoment := moment
	moment, step = 0, func(name string) {
		if name == "writing" {
			writes.Add(1)
		}
	}
	t.Cleanup(func() { moment, step = oldMoment, func(string) {} })
	fd, err := NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	d := &crashed{TB: t, dir: memoryDir(t), memory: fd, killed: make(chan bool), runs: map[uint64]*crashedRun{}, places: map[uint64]joblog.Place{}}
	defer d.end()
	d.start()
	d.ready()
	d.whole(1, "one\ntwo")
	d.whole(2, "")
	text, err := os.ReadFile(filepath.Join(d.dir, "a.log"))
	if err != nil {
		t.Fatal(err)
	}
	const want = "== run 1 started\none\ntwo\n== run 1 exited 0\n== run 2 started\n== run 2 exited 0\n"
	if string(text) != want || writes.Load() != 2 {
		t.Errorf("the log is %q after %d writes, want %q after 2", text, writes.Load(), want)
	}
	// Another run of the same log begins before the second one of these ends.
	d.prepare(3)
	d.whole(4, "four\n")
	unix.Close(d.runs[3].write)
	d.over(3)
	text, _ = os.ReadFile(filepath.Join(d.dir, "a.log"))
	const then = want + "== run 3 started\n== run 4 started\n[4] four\n== run 4 exited 0\n== run 3 exited 0\n"
	if string(text) != then {
		t.Errorf("the log is %q, want %q", text, then)
	}
	if len(d.runs) > 0 {
		t.Errorf("runs are left: %v", d.runs)
	}
}

// TestWholeRunFits: a run that is over at once makes no log larger than its maximum.
func TestWholeRunFits(t *testing.T) {
	r := &run{start: "run 1 started", end: "run 1 exited 0", log: &logFile{Log: Log{MaxSize: 100}}}
	for n, want := range map[int]bool{0: true, 64: true, 65: false} {
		if got := r.fitsWhole(n); got != want {
			t.Errorf("%d bytes fit: %t, want %t", n, got, want)
		}
	}
	r.log.Timestamps = true
	if !r.fitsWhole(1) || r.fitsWhole(2) {
		t.Error("each byte may be a line with a timestamp")
	}
	if r.log.MaxSize = 0; !r.fitsWhole(maxWhole) {
		t.Error("there is no limit")
	}
}

package runner

import (
	"testing"
	"time"

	"jobsd/spawn"
)

// TestKeepAge: the recorder gets the pidfd of a run that lives for a second. Runs that end before wake nobody, and neither
// do runs whose end a pidfd does not tell.
func TestKeepAge(t *testing.T) {
	l, k := testLoop(t, 0)
	l.recording.retry = k.clock.Mono + time.Hour // no recorder is started
	fork := func(run uint64, p spawn.Process) *process {
		q := &process{Process: p, run: run}
		l.byRun[run] = q
		l.keeping.grow(q, k.clock.Mono+keepAge)
		return q
	}
	short := fork(1, spawn.Process{PID: 11, FD: 100, Inode: 1})
	fork(2, spawn.Process{PID: 12, FD: -1})  // another system
	fork(3, spawn.Process{PID: 13, FD: 101}) // Linux before 6.9
	reaped := fork(4, spawn.Process{PID: 14, FD: 102, Inode: 4})
	if got := l.keepWait(k.clock.Mono); got != keepAge {
		t.Errorf("got a wait of %v, want %v", got, keepAge)
	}
	k.pass(keepAge / 2)
	fork(5, spawn.Process{PID: 15, FD: 103, Inode: 5})
	delete(l.byRun, short.run)
	reaped.exit = &spawn.Exit{}
	if got := l.keepWait(k.clock.Mono); got != keepAge {
		t.Errorf("got a wait of %v after the short runs have ended, want %v", got, keepAge)
	}
	k.pass(keepAge)
	l.keep()
	if len(l.recording.kept) != 1 || l.recording.kept[5] != 103 {
		t.Errorf("got %v, want the pidfd of run 5", l.recording.kept)
	}
	if got := l.keepWait(k.clock.Mono); got >= 0 {
		t.Errorf("got a wait of %v, want none", got)
	}
	l.recording.unkeep(5)
	if len(l.recording.kept) != 0 || len(l.recording.takePlaced()) != 1 {
		t.Error("the recorder does not learn that run 5 is over")
	}
}

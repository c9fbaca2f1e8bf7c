package runner

import (
	"syscall"
	"testing"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// doubtful is a loop whose journal knows of a run only that it was about to start, and which has no leaf. The kernel says
// nothing of it without a look at all processes.
func doubtful(t *testing.T) (*loop, *fakeKernel) {
	l, k := testLoop(t, 0)
	facts := statefile.NewFacts("id")
	facts.Apply(statefile.Entry{Record: &statefile.Intent{Job: "a", Run: 1, Reason: "manual", Attempt: 1}})
	l.core = core.New(core.Options{Strict: true, BootID: "boot"}, facts, k.clock)
	l.core.Begin(k.clock, statefile.Start{BootID: "boot"})
	k.survivors = map[uint64]survivor{1: {fate: sought}}
	l.adopt()
	return l, k
}

// The look at all processes may take long. The loop turns meanwhile, and only the first load, which tells what is lost,
// waits for it.
func TestAdoptionDoesNotWaitForTheHunter(t *testing.T) {
	for _, c := range []struct {
		name    string
		leaders foundLeaders
		running int
	}{
		{"found", foundLeaders{"id/a/1": spawn.Process{PID: 77, FD: -1, Inode: 5}}, 1},
		{"gone", foundLeaders{}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, _ := doubtful(t)
			l.pump.Post(core.Loaded{Set: &jobfile.Set{Config: &jobfile.Config{}}})
			l.turn()
			if _, ready := l.core.Ready(); ready {
				t.Fatal("the first load did not wait: the run would be lost")
			}
			quests := l.hunter.in.take()
			if len(quests) != 1 || len(quests[0].seek) != 1 {
				t.Fatalf("the hunter was asked for %+v", quests)
			}
			l.pump.Post(c.leaders)
			l.turn()
			if _, ready := l.core.Ready(); !ready {
				t.Fatal("the load is not in force")
			}
			if len(l.byRun) != c.running {
				t.Errorf("%d runs, want %d", len(l.byRun), c.running)
			}
		})
	}
}

// A daemon that is told to end before it knows what lives waits for that, too.
func TestShutdownWaitsForAdoption(t *testing.T) {
	l, k := doubtful(t)
	l.handle(core.Shutdown{By: "TERM"})
	l.turn()
	if l.exit != nil {
		t.Fatal("it left a run alone that may live")
	}
	l.pump.Post(foundLeaders{"id/a/1": spawn.Process{PID: 77, FD: -1, Inode: 5}})
	l.pump.Post(core.Loaded{Set: &jobfile.Set{Config: &jobfile.Config{}}})
	l.turn()
	if len(k.calls) == 0 || k.calls[0] != "signal 77 "+spawn.SignalName(syscall.SIGTERM) {
		t.Errorf("calls %q", k.calls)
	}
}

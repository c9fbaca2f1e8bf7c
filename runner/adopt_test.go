package runner

import (
	"encoding/json"
	"fmt"
	"syscall"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// doubtful returns a loop whose journal only knows that a run was about to start, and the run has no leaf. Only a look
// at all processes can tell more.
func doubtful(t *testing.T) (*loop, *fakeKernel) {
	l, k := testLoop(t, 0)
	facts := statefile.NewFacts("id")
	facts.Apply(statefile.Entry{Record: &statefile.Intent{Job: "a", Identity: statefile.Identity{Run: 1, Reason: statefile.ReasonManual, Attempt: 1}}})
	l.core = core.New(core.Options{Strict: true, BootID: "boot"}, facts, k.clock)
	l.core.Begin(k.clock, statefile.Start{BootID: "boot"})
	k.survivors = map[uint64]survivor{1: {fate: sought}}
	l.adopt(false)
	return l, k
}

// The look at all processes may take long. The loop keeps turning meanwhile. Only the first load, which decides what is
// lost, waits for it.
func TestAdoptionDoesNotWaitForTheSearch(t *testing.T) {
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
			requests := l.searcher.in.Take()
			if len(requests) != 1 || len(requests[0].leaders) != 1 {
				t.Fatalf("the searcher was asked for %+v", requests)
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

// A daemon that is told to end during that look waits for it, too.
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

// BenchmarkAdopt adopts runs of many jobs, for which the first turn of the loop waits. It cannot be faster than reading
// the facts of these runs, as each start does.
func BenchmarkAdopt(b *testing.B) {
	for _, n := range []int{1000, 8000} {
		facts := statefile.NewFacts("id")
		for i := range n {
			run, job := uint64(i+1), fmt.Sprintf("job%05d", i)
			facts.Apply(statefile.Entry{Record: &statefile.Intent{Job: job, Identity: statefile.Identity{Run: run, Reason: statefile.ReasonManual, Attempt: 1}}})
			facts.Apply(statefile.Entry{Record: &statefile.Started{Job: job, Run: run, PID: 1<<22 + i, Inode: run, BootID: "boot"}})
		}
		text, err := json.Marshal(facts)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprint("runs=", n), func(b *testing.B) {
			var floor, took time.Duration
			for b.Loop() {
				began := time.Now()
				var read statefile.Facts
				if err := json.Unmarshal(text, &read); err != nil {
					b.Fatal(err)
				}
				floor += time.Since(began)
				l := &loop{sys: &kernel{bootID: "boot"}, byRun: map[uint64]*process{}, byPID: map[int]*process{}}
				l.core = core.New(core.Options{BootID: "boot"}, &read, l.sys.now())
				began = time.Now()
				l.adopt(false)
				took += time.Since(began)
			}
			b.ReportMetric(float64(took.Microseconds())/float64(b.N)/float64(n), "us/run")
			b.ReportMetric(float64(took)/float64(floor), "x/floor")
		})
	}
}

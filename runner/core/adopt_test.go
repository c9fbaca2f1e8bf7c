package core

import (
	"strings"
	"testing"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// leftBehind returns a world in which the previous daemon crashed while run 1 of job a was alive. The next daemon has
// not found out anything about the run yet.
func leftBehind(t *testing.T) *world {
	w := calmWorld(t, "2026-03-02 12:00:00")
	w.lasts = time.Hour
	w.put(w.define("a", schedule.Keys{}))
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "a"})
	w.run(time.Minute)
	w.crash()
	facts := statefile.NewFacts("0123456789abcdef0123456789abcdef")
	for _, e := range w.journal {
		facts.Apply(e)
	}
	w.c = New(Options{Seed: 1, Visited: w.visited, BootID: w.bootID, Strict: true}, facts, w.now())
	w.c.Begin(w.now(), statefile.Start{PID: 1, BootID: w.bootID})
	for range w.c.Outliving() {
	}
	w.settle()
	return w
}

// TestOutlived checks the state of a run of the previous daemon before and after the first load.
func TestOutlived(t *testing.T) {
	for _, c := range []struct {
		name          string
		answer        Event
		removed       bool // the job's file was removed
		before, after runState
	}{
		{"alive", Found{Run: 1, Leader: Leader{PID: 1001, Inode: 1}}, false, outlived, running},
		{"alive, removed", Found{Run: 1, Leader: Leader{PID: 1001, Inode: 1}}, true, outlived, outlived},
		{"leftovers", Gone{Run: 1, Remains: true}, false, outlived, lingering},
		{"gone", Gone{Run: 1}, false, outlived, done},
		{"gone, removed", Gone{Run: 1}, true, outlived, done},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := leftBehind(t)
			r := w.c.runs[1]
			w.handle(c.answer)
			w.settle()
			if r.state != c.before {
				t.Errorf("before the load it is %s", r.state)
			}
			if c.removed {
				w.defs = nil
			}
			w.load()
			if r.state != c.after {
				t.Errorf("after the load it is %s", r.state)
			}
		})
	}
}

// TestOutlivedComesBack: the run of a job whose file was removed gets the definition of the file that comes back.
func TestOutlivedComesBack(t *testing.T) {
	w := leftBehind(t)
	r := w.c.runs[1]
	w.handle(Found{Run: 1, Leader: Leader{PID: 1001, Inode: 1}})
	defs := w.defs
	w.defs = nil
	w.load()
	if v := w.view("a"); len(v.Running) != 1 || v.Running[0].State != statefile.RunRunning {
		t.Errorf("without a file: %+v", v)
	}
	defs[0].Def.Timeout = 2 * time.Minute
	w.defs = defs
	w.load()
	if r.state != running || r.def != defs[0].Def {
		t.Errorf("it is %s", r.state)
	}
	w.run(90 * time.Second)
	if r.state == running || r.stopBy != "timeout" {
		t.Errorf("after its timeout it is %s", r.state)
	}
}

// TestShutdownBeforeFound: a daemon that ends before it has found a run leaves it to the next daemon.
func TestShutdownBeforeFound(t *testing.T) {
	w := leftBehind(t)
	w.handle(Shutdown{By: "TERM"})
	w.settle()
	if w.exited != nil {
		t.Fatal("it did not wait for the load")
	}
	w.run(time.Minute)
	if w.exited == nil || w.exited.Failed {
		t.Fatalf("it has not ended: %+v", w.exited)
	}
	w.c.Handle(w.now(), Found{Run: 1, Leader: Leader{PID: 1001, Inode: 1}}) // too late
	if live := w.c.facts.Jobs["a"].Live; len(live) != 1 || live[0].Ended {
		t.Errorf("the next daemon does not know of it: %+v", live)
	}
}

// TestOrphanDelayedStart: if nothing is left of a removed job but a delayed start, the log says that it is dropped.
func TestOrphanDelayedStart(t *testing.T) {
	w := calmWorld(t, "2026-03-02 12:00:00")
	w.lasting(time.Second, 0)
	w.leaves = time.Hour
	w.put(w.define("a", schedule.Keys{}))
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "a"})
	w.ordered(Order{ID: 2, Verb: VerbStart, Job: "a", In: time.Hour})
	w.run(1500 * time.Millisecond) // it lingers
	w.reboot(time.Minute)
	w.defs = nil
	w.start()
	if !strings.Contains(strings.Join(w.trace, "\n"), "dropped a delayed start: "+jobRemoved) {
		t.Error(strings.Join(w.trace, "\n"))
	}
	if w.c.jobs["a"] != nil {
		t.Error("the job is still there")
	}
}

// TestLeaveBeforeLoad: a daemon that leaves before its first load also leaves a lost run to the next daemon, which knows
// whether to retry it.
func TestLeaveBeforeLoad(t *testing.T) {
	w := leftBehind(t)
	w.defs[0].Def.Retries, w.defs[0].Def.RetryDelay, w.defs[0].Def.RetryMaxDelay = 1, time.Second, time.Second
	w.handle(Gone{Run: 1})
	w.handle(Shutdown{By: "QUIT", Leave: true})
	w.settle()
	if w.exited == nil {
		t.Fatal("it waits for the load")
	}
	w.crash()
	clear(w.procs)
	w.start()
	w.run(time.Minute)
	if v := w.view("a"); v.LastRun == nil || v.LastRun.Outcome != statefile.OutcomeLost || len(v.Running) != 1 || v.Running[0].Attempt != 2 {
		t.Errorf("%+v", v)
	}
}

package core

import (
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// twoJobs returns a world with the jobs a and b, which run each minute. Its core is not strict: like that of users, it
// continues after internal errors.
func twoJobs(t *testing.T) *world {
	w := calmWorld(t, "2026-03-02 12:00:00")
	for _, name := range []string{"a", "b"} {
		w.put(w.define(name, schedule.Keys{Cron: []string{"* * * * *"}}))
	}
	w.start()
	w.c.o.Strict, w.c.o.Stack = false, debug.Stack
	return w
}

// setAside checks that a is set aside and that b continues.
func (w *world) setAside() {
	w.t.Helper()
	ran := len(w.ran)
	v := w.c.tryView(w.c.jobs["a"])
	if !v.InternalError || v.Error == nil || !strings.Contains(*v.Error, "nil pointer") || len(v.Running) > 0 {
		w.t.Errorf("a is not set aside: %+v", v)
	}
	w.run(10 * time.Minute)
	for _, s := range w.ran[ran:] {
		if s.Job.Name != "b" {
			w.t.Errorf("%s was started", s.Job.Name)
		}
	}
	if len(w.ran) < ran+9 {
		w.t.Errorf("b ran %d times in ten minutes", len(w.ran)-ran)
	}
	said := false
	for _, line := range w.trace {
		said = said || strings.Contains(line, "internal error") && strings.Contains(line, "runner/core")
	}
	if !said {
		w.t.Error("it was not said with its stack")
	}
}

func TestRescueLoad(t *testing.T) {
	w := twoJobs(t)
	bad := w.define("a", schedule.Keys{Cron: []string{"*/5 * * * *"}})
	w.put(bad)
	bad.Schedule = nil
	w.load()
	w.setAside()
	w.put(w.define("a", schedule.Keys{Cron: []string{"*/2 * * * *"}}))
	w.load()
	w.run(5 * time.Minute)
	if v := w.c.view(w.c.jobs["a"]); v.InternalError || v.Runs == 0 {
		t.Errorf("a new definition does not set it free: %+v", v)
	}
}

// TestRescueAll: an internal error over one job does not keep the others from being disabled and enabled.
func TestRescueAll(t *testing.T) {
	w := twoJobs(t)
	w.ordered(Order{ID: 1, Verb: VerbDisable})
	w.c.jobs["a"].def.Schedule = nil
	if a := w.ordered(Order{ID: 1, Verb: VerbEnable}); len(a) != 1 || a[0].Refused != nil {
		t.Errorf("%+v", a)
	}
	w.setAside()
}

// TestRescueDelayed: a delayed start whose run is dropped does not come back with the next daemon.
func TestRescueDelayed(t *testing.T) {
	w := twoJobs(t)
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "a", In: 10 * time.Second})
	l := w.c.jobs["a"].delayed[0]
	w.run(9 * time.Second)
	w.boot, w.wall, w.mono = w.boot+time.Second, w.wall.Add(time.Second), w.mono+time.Second
	w.handle(Due{})
	w.c.runs[l.Run].def = nil
	w.settle()
	w.setAside()
	w.checkDelayed()
	if later := statefile.Items(w.c.facts.Jobs["a"].Delayed); len(later) > 0 {
		t.Errorf("%+v", later)
	}
}

func TestRescueFirstLoad(t *testing.T) {
	w := twoJobs(t)
	bad := w.define("c", schedule.Keys{Cron: []string{"*/5 * * * *"}})
	w.put(bad)
	bad.Schedule = nil
	w.load()
	if v := w.c.tryView(w.c.jobs["c"]); !v.InternalError {
		t.Errorf("%+v", v)
	}
	w.run(5 * time.Minute)
	if len(w.ran) < 8 {
		t.Errorf("%d runs of two jobs in five minutes", len(w.ran))
	}
}

// breakMove makes a cell of the table of runs panic for a during the test.
func breakMove(t *testing.T, state runState, ev runEvent) {
	was := moves[state][ev].do
	moves[state][ev].do = func(c *Core, r *run, e Event) {
		if r.job.name == "a" {
			r = nil
			r.number++
		}
		was(c, r, e)
	}
	t.Cleanup(func() { moves[state][ev].do = was })
}

func TestRescueExit(t *testing.T) {
	breakMove(t, running, evExited)
	w := twoJobs(t)
	w.until("2026-03-02 12:01:05")
	w.setAside()
	w.finishDisk()
	w.replayed()
	if last := w.c.facts.Jobs["a"].LastRun; last == nil || last.Outcome != statefile.OutcomeLost || *last.LostStage != statefile.LostStarted {
		t.Errorf("its run ended as %+v", last)
	}
	w.end()
}

func TestRescueStart(t *testing.T) {
	for _, at := range []struct {
		state runState
		ev    runEvent
	}{{pending, evAdmit}, {intent, evPrepared}, {forking, evForked}} {
		t.Run(at.state.String(), func(t *testing.T) {
			breakMove(t, at.state, at.ev)
			w := twoJobs(t)
			w.until("2026-03-02 12:01:05")
			w.run(10 * time.Second)
			if at.ev == evForked { // it is running, and nothing more is known
				w.until("2026-03-02 12:01:20")
			}
			w.setAside()
			w.finishDisk()
			w.replayed()
			w.end()
		})
	}
}

func TestRescueStop(t *testing.T) {
	w := twoJobs(t)
	w.lasts = 1000 * time.Second
	w.until("2026-03-02 12:01:01")
	breakMove(t, running, evStop)
	w.handle(Order{ID: 1, Verb: VerbStop, Job: "a", By: "uid 0"})
	w.settle()
	w.run(20 * time.Second)
	if v := w.c.view(w.c.jobs["a"]); !v.InternalError || len(v.Running) > 0 || v.LastRun == nil || v.LastRun.Outcome != statefile.OutcomeStopped {
		t.Errorf("%+v", v)
	}
}

func TestRescueOrder(t *testing.T) {
	w := twoJobs(t)
	w.c.jobs["a"].facts = nil
	w.handle(Order{ID: 7, Verb: VerbStart, Job: "a", By: "uid 0"})
	w.settle()
	if len(w.answers) != 1 || w.answers[0].Refused == nil || !strings.Contains(w.answers[0].Refused.Text, "internal error") {
		t.Errorf("answers %+v", w.answers)
	}
}

func TestRescueMail(t *testing.T) {
	w := twoJobs(t)
	w.c.record(&statefile.DaemonNotification{Notifications: []statefile.Notification{{ID: 1, Kind: "daemon", Via: "mail"}}})
	config := w.c.loaded.config
	w.c.loaded.config, w.c.deliveries.look = nil, true
	w.settle()
	w.c.loaded.config = config
	if len(w.c.facts.Notifications) > 0 {
		t.Errorf("still owed: %+v", w.c.facts.Notifications)
	}
}

// TestRescueEveryState: a run in any state is in a state that the table allows after the handling of any event panicked.
func TestRescueEveryState(t *testing.T) {
	for state := range nRunStates {
		for during := range evBroken {
			for _, pid := range []int{0, 1001} {
				w := twoJobs(t)
				w.lasts = time.Minute
				w.until("2026-03-02 12:01:05")
				r := w.c.jobs["a"].runs[0]
				r.state, r.pid, w.c.o.Strict = state, pid, true
				w.c.react(r, evBroken, broken{during})
				if lost := r.state == done; lost && len(w.c.jobs["a"].runs) > 0 || !lost && r.pid == 0 && during != evForked && during != evExecuted {
					t.Errorf("a run that was %s at %q is %s", state, runEvents[during], r.state)
				}
			}
		}
	}
}

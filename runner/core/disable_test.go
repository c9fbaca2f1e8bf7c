package core

import (
	"strings"
	"testing"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

func every(d string) schedule.Keys { return schedule.Keys{Every: &d} }

// order lets a user give an order and returns the answer.
func (w *world) ordered(o Order) []Answer {
	w.answers = nil
	o.By = "uid 7"
	w.handle(o)
	w.settle()
	return w.answers
}

// TestDisabled: a disabled job does nothing by itself, also after restarts. Slots that pass meanwhile are neither
// missed nor caught up.
func TestDisabled(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.put(w.define("cron", clockKeys("0 * * * *")))
	w.put(w.define("wild", clockKeys("*/30 * * * *")))
	w.put(w.define("every", every("1h")))
	w.put(w.define("other", clockKeys("0 8 * * *")))
	follower := w.define("follower", schedule.Keys{})
	follower.After = []string{"other"}
	w.put(follower)
	w.start()
	w.run(time.Minute)
	for _, job := range []string{"cron", "wild", "every", "follower"} {
		if a := w.ordered(Order{ID: 1, Verb: VerbDisable, Job: job, Reason: "moving house"}); len(a) != 1 || a[0].Refused != nil || !a[0].Last {
			t.Fatalf("%+v", a)
		}
	}
	if v := w.view("cron"); !v.Disabled || v.DisabledBy == nil || v.DisabledBy.Who != "uid 7" || v.DisabledBy.Reason != "moving house" || !v.NextRun.IsZero() {
		t.Errorf("%+v", v)
	}
	w.until("2026-06-01 09:10:00")
	w.off(10 * time.Minute)
	w.until("2026-06-01 11:15:00")
	w.want(`cron schedule 01 07:00:00
		wild schedule 01 07:00:00
		other schedule 01 08:00:00`)
	w.ran = nil
	for _, job := range []string{"cron", "wild", "every", "follower"} {
		w.ordered(Order{ID: 1, Verb: VerbEnable, Job: job})
	}
	w.until("2026-06-01 12:10:00")
	w.want(`wild schedule 01 11:30:00
		every schedule 01 11:59:30
		cron schedule 01 12:00:00
		wild schedule 01 12:00:00`)
	for _, job := range []string{"cron", "wild", "every"} {
		if v := w.view(job); v.Missed+v.Skipped > 0 || v.Disabled || v.DisabledBy != nil {
			t.Errorf("%s: %+v", job, v)
		}
	}
	w.replayed()
}

// TestDisabledRuns: running runs continue, a service is stopped, pending runs are skipped, and a person can still start
// the job.
func TestDisabledRuns(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(time.Hour, 0)
	for _, name := range []string{"a", "b"} {
		d := w.define(name, clockKeys("0 * * * *"))
		d.Lock = "one"
		w.put(d)
	}
	w.put(w.service("web"))
	w.start()
	w.run(time.Minute)
	if v := w.view("b"); len(v.Running) != 1 || v.Running[0].State != statefile.RunPending {
		t.Fatalf("%+v", v)
	}
	for _, job := range []string{"a", "b", "web"} {
		w.ordered(Order{ID: 1, Verb: VerbDisable, Job: job})
	}
	w.run(time.Minute)
	if v := w.view("a"); len(v.Running) != 1 || v.Running[0].State != statefile.RunRunning {
		t.Errorf("a: %+v", v)
	}
	if v := w.view("b"); len(v.Running) != 0 || v.Skipped != 1 {
		t.Errorf("b: %+v", v)
	}
	if v := w.view("web"); len(v.Running) != 0 || v.LastRun.Outcome != statefile.OutcomeStopped || *v.LastRun.By != "uid 7" || v.Failures != 0 {
		t.Errorf("web: %+v", v)
	}
	for _, job := range []string{"web", "b"} {
		if a := w.ordered(Order{ID: 1, Verb: VerbStart, Job: job}); a[0].Refused != nil {
			t.Errorf("%+v", a)
		}
	}
	w.run(2 * time.Hour)
	if v := w.view("web"); len(v.Running) != 0 || v.Runs != 2 {
		t.Errorf("web is alive although its only life is over: %+v", v)
	}
	if v := w.view("b"); v.Runs != 1 {
		t.Errorf("b: %+v", v)
	}
	w.ordered(Order{ID: 1, Verb: VerbEnable, Job: "web"})
	if v := w.view("web"); len(v.Running) != 1 {
		t.Errorf("web: %+v", v)
	}
	w.replayed()
}

// TestDisabledAll: this applies to all jobs, including those that are added later. A job that was also disabled by
// itself stays disabled.
func TestDisabledAll(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.put(w.define("a", clockKeys("0 * * * *")))
	w.put(w.define("b", clockKeys("0 * * * *")))
	never := w.define("never", clockKeys("0 * * * *"))
	never.Enabled = false
	w.put(never)
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbDisable, Job: "b"})
	w.ordered(Order{ID: 1, Verb: VerbDisable})
	w.put(w.define("new", clockKeys("0 * * * *")))
	w.load()
	w.off(time.Minute)
	w.until("2026-06-01 09:10:00")
	w.want("")
	a := w.ordered(Order{ID: 1, Verb: VerbEnable, Job: "a"})
	if a[0].Refused == nil || !strings.Contains(a[0].Refused.Text, "--all") {
		t.Errorf("%+v", a[0].Refused)
	}
	w.ordered(Order{ID: 1, Verb: VerbEnable})
	w.until("2026-06-01 10:10:00")
	w.want("a schedule 01 10:00:00\nnew schedule 01 10:00:00")
	if a := w.ordered(Order{ID: 1, Verb: VerbEnable, Job: "never"}); a[0].Refused == nil || !strings.Contains(a[0].Refused.Text, "enabled = false") {
		t.Errorf("%+v", a[0].Refused)
	}
	w.replayed()
}

// TestSetAsideEvery: a job that was set aside and is released does not catch up the slots that passed.
func TestSetAsideEvery(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", every("1h")))
	w.start()
	w.c.setAside(w.c.jobs["j"], "a mistake")
	w.run(5*time.Hour + 30*time.Minute)
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j"})
	w.until("2026-06-01 12:10:00")
	w.want("j manual\nj schedule 01 12:00:00")
	if v := w.view("j"); v.Missed > 0 {
		t.Errorf("%+v", v)
	}
	w.replayed()
}

// TestStartedThenEnabled: a service that a person started while it was disabled is like any other once it is enabled.
func TestStartedThenEnabled(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(50*time.Hour, 0)
	w.put(w.service("web"))
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbDisable, Job: "web"})
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "web"})
	w.run(time.Minute)
	w.ordered(Order{ID: 1, Verb: VerbEnable, Job: "web"})
	w.run(time.Minute)
	d := w.service("web")
	d.ProcessHash = hashOf("other")
	w.put(d)
	w.load()
	w.run(time.Minute)
	if v := w.view("web"); v.Runs != 3 {
		t.Errorf("not restarted: %+v", v)
	}
	d = w.service("web")
	d.ProcessHash = hashOf("other")
	d.Enabled = false
	w.put(d)
	w.load()
	w.run(time.Minute)
	if v := w.view("web"); len(v.Running) != 0 {
		t.Errorf("not stopped: %+v", v)
	}
}

// TestStartedWhileDisabled: a service that a person started while it was disabled stays alive under the next daemon.
func TestStartedWhileDisabled(t *testing.T) {
	for name, disable := range map[string]func(w *world){
		"by name":  func(w *world) { w.ordered(Order{ID: 1, Verb: VerbDisable, Job: "web"}) },
		"all":      func(w *world) { w.ordered(Order{ID: 1, Verb: VerbDisable}) },
		"its file": func(w *world) { d := w.service("web"); d.Enabled = false; w.put(d); w.load() },
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:00:00")
			w.lasting(50*time.Hour, 0)
			w.put(w.service("web"))
			w.start()
			w.run(time.Minute)
			disable(w)
			w.run(time.Minute)
			w.ordered(Order{ID: 1, Verb: VerbStart, Job: "web"})
			w.run(time.Minute)
			w.crash()
			w.start()
			w.run(time.Minute)
			if v := w.view("web"); len(v.Running) != 1 || v.Runs != 2 {
				t.Errorf("%+v", v)
			}
			w.ordered(Order{ID: 1, Verb: VerbDisable, Job: "web"})
			w.run(time.Minute)
			if v := w.view("web"); len(v.Running) != 0 {
				t.Errorf("%+v", v)
			}
			w.replayed()
		})
	}
}

// TestEnabledBack: a slot that ran does not run again when the clock goes back a little and the job is enabled.
func TestEnabledBack(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.put(w.define("wild", clockKeys("*/30 * * * *")))
	w.start()
	w.run(31 * time.Second)
	w.setClock(-30 * time.Second)
	w.ordered(Order{ID: 1, Verb: VerbDisable, Job: "wild"})
	w.ordered(Order{ID: 1, Verb: VerbEnable, Job: "wild"})
	w.run(10 * time.Minute)
	w.want("wild schedule 01 07:00:00")
	w.replayed()
}

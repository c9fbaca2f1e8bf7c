package core

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// TestDelayed: a delayed start comes when it is due, holds up nothing until then, and survives the end of daemons.
func TestDelayed(t *testing.T) {
	for name, meanwhile := range map[string]func(w *world){
		"nothing":   func(*world) {},
		"crash":     func(w *world) { w.crash(); w.run(5 * time.Minute); w.start() },
		"restart":   func(w *world) { w.off(5 * time.Minute) },
		"sleep":     func(w *world) { w.sleep(time.Hour) },
		"disabled":  func(w *world) { w.ordered(Order{ID: 2, Verb: VerbDisable}) },
		"clock set": func(w *world) { w.setClock(-30 * time.Minute) },
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:00:00")
			w.put(w.define("j", clockKeys("30 6 * * *")))
			w.start()
			due := w.boot + 2*time.Hour
			a := w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j", In: 2 * time.Hour, Args: []string{"--full"}})
			if len(a) != 1 || a[0].Run == 0 || !a[0].Last {
				t.Fatalf("%+v", a)
			}
			if v := w.view("j"); len(v.Running) > 0 || len(v.DelayedStarts) != 1 || v.DelayedStarts[0].Run != a[0].Run || v.DelayedStarts[0].By != "uid 7" {
				t.Errorf("%+v", v)
			}
			w.run(time.Minute)
			meanwhile(w)
			w.run(due - w.boot - time.Second)
			for _, s := range w.ran {
				if s.Run == a[0].Run {
					t.Fatalf("%s before it was due", w.runs())
				}
			}
			w.run(2 * time.Second)
			last := w.ran[len(w.ran)-1]
			if last.Run != a[0].Run || last.Reason != statefile.ReasonManual || len(last.Args) != 1 || last.Args[0] != "--full" {
				t.Errorf("%+v", last)
			}
			if len(w.ran) != 2 && name != "disabled" && name != "sleep" {
				t.Errorf("ran\n%s", w.runs())
			}
			w.run(time.Hour)
			if v := w.view("j"); len(v.DelayedStarts) > 0 || v.LastRun.Run != a[0].Run && name != "clock set" {
				t.Errorf("%+v", v)
			}
			w.replayed()
			w.checkDelayed()
		})
	}
}

// TestDelayedReboot: after a reboot, the wall clock decides when the start is due, even if it is corrected only then.
func TestDelayedReboot(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", schedule.Keys{}))
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j", In: 2 * time.Hour})
	w.run(time.Minute)
	w.reboot(10 * time.Minute)
	w.wall = w.wall.Add(-40 * 365 * 24 * time.Hour) // the clock has no battery
	w.start()
	w.run(time.Minute)
	w.setClock(40 * 365 * 24 * time.Hour)
	w.until("2026-06-01 07:59:00")
	w.want("")
	w.until("2026-06-01 08:01:00")
	w.want("j manual")
	w.replayed()
}

// TestDelayedDropped: a delayed start that is impossible when it is due is reported, and so is one that is cancelled.
func TestDelayedDropped(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(w *world, run uint64)
		want string
	}{
		"overlap": {func(w *world, _ uint64) {
			w.lasting(3*time.Hour, 0)
			w.ordered(Order{ID: 2, Verb: VerbStart, Job: "j"})
		}, "is running"},
		"removed": {func(w *world, _ uint64) { w.defs = nil; w.load() }, "the job was removed"},
		"stopped": {func(w *world, _ uint64) { w.ordered(Order{ID: 2, Verb: VerbStop, Job: "j"}) }, "stopped by uid 7"},
		"this run": {func(w *world, run uint64) {
			if a := w.ordered(Order{ID: 2, Verb: VerbStop, Job: "j", Run: run}); a[len(a)-1].Runs[0] != run {
				w.t.Errorf("%+v", a)
			}
		}, "stopped by uid 7"},
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:00:00")
			w.put(w.define("j", schedule.Keys{}))
			w.start()
			run := w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j", In: time.Hour, Wait: true})[0].Run
			before := len(w.answers)
			c.do(w, run)
			all := w.answers[min(before, len(w.answers)):]
			w.run(2 * time.Hour)
			all = append(all, w.answers...)
			told := false
			for _, a := range all {
				told = told || a.ID == 1 && a.Last && a.Refused != nil && strings.Contains(a.Refused.Text, c.want)
			}
			if !told {
				t.Errorf("the waiting client got %+v", all)
			}
			for _, s := range w.ran {
				if s.Run == run {
					t.Errorf("it ran: %+v", s)
				}
			}
			w.replayed()
			w.checkDelayed()
		})
	}
}

// TestDelayedBackOff: if a service is about to be started when its delayed start is due, that run counts as the start,
// and the answer says so.
func TestDelayedBackOff(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(time.Millisecond, 1)
	w.put(w.service("web"))
	w.start()
	w.run(20 * time.Minute)
	w.trace = nil
	run := w.ordered(Order{ID: 1, Verb: VerbStart, Job: "web", In: time.Second, Wait: true})[0].Run
	w.run(2 * time.Second)
	a := w.answers[len(w.answers)-1]
	if !a.Last || a.Outcome == nil || a.Outcome.Run == run {
		t.Errorf("%+v", a)
	}
	if !strings.Contains(strings.Join(w.trace, "\n"), fmt.Sprintf("run %d does not start: run %d was about to", run, a.Run)) {
		t.Errorf("it was not said:\n%s", strings.Join(w.trace, "\n"))
	}
	w.replayed()
	w.checkDelayed()
}

// TestDelayedShown: the due time is shown by the present wall clock, and the start comes at that time.
func TestDelayedShown(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", schedule.Keys{}))
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j", In: 2 * time.Hour})
	shown := func(want string) {
		t.Helper()
		if got := w.view("j").DelayedStarts[0].Due.Time().Format("15:04:05"); got != want {
			t.Errorf("shown as due at %s, want %s", got, want)
		}
	}
	shown("08:00:00")
	w.run(time.Hour)
	w.setClock(-30 * time.Minute)
	shown("07:30:00")
	w.off(10 * time.Minute)
	shown("07:30:00")
	w.until("2026-06-01 07:29:50")
	w.want("")
	w.until("2026-06-01 07:30:01")
	w.want("j manual")
}

// TestDelayedMost: the number of delayed starts is limited.
func TestDelayedMost(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", schedule.Keys{}))
	w.start()
	for n := range maxDelayed + 1 {
		a := w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j", In: time.Hour})
		if refused := a[0].Refused != nil; refused != (n == maxDelayed) {
			t.Fatalf("%d: %+v", n, a)
		}
	}
	w.replayed()
}

// TestDelayedOrphan: if a file is removed while no daemon runs, the delayed starts of its jobs are dropped, even if a
// run is still alive.
func TestDelayedOrphan(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(5*time.Hour, 0)
	w.put(w.define("j", schedule.Keys{}))
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j"})
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j", In: time.Hour})
	w.run(time.Minute)
	w.crash()
	w.defs = nil
	w.start()
	if v := w.view("j"); len(v.DelayedStarts) > 0 {
		t.Errorf("%+v", v)
	}
	w.run(5 * time.Hour)
	w.replayed()
	w.checkDelayed()
}

// TestDelayedBeforeRetry: a delayed start that waits for the end of a run replaces the run's retry, although its number
// is lower.
func TestDelayedBeforeRetry(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(10*time.Minute, 1)
	d := w.define("j", schedule.Keys{})
	d.Overlap = "queue"
	d.Retries = 3
	d.RetryDelay, d.RetryMaxDelay = time.Second, time.Minute
	w.put(d)
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j", In: 5 * time.Minute})
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j"})
	w.run(10*time.Minute + 30*time.Second)
	v := w.view("j")
	if len(v.Running) != 1 {
		t.Errorf("%+v", v)
	}
	w.replayed()
}

// TestDelayedLocked: a delayed start that is due waits for a lock.
func TestDelayedLocked(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(w *world, run uint64)
		comes bool
	}{
		"nothing": {func(*world, uint64) {}, true},
		"crash":   {func(w *world, _ uint64) { w.crash(); w.start() }, true},
		"restart": {func(w *world, _ uint64) { w.off(time.Minute) }, true},
		"upgrade": {func(w *world, _ uint64) {
			w.handle(Shutdown{By: "upgrade", Leave: true, Upgrade: true})
			w.settle()
			w.crash()
			w.start()
		}, true},
		"disabled":           {func(w *world, _ uint64) { w.ordered(Order{ID: 2, Verb: VerbDisable}) }, true},
		"disabled and crash": {func(w *world, _ uint64) { w.ordered(Order{ID: 2, Verb: VerbDisable}); w.crash(); w.start() }, true},
		"stopped": {func(w *world, run uint64) {
			w.ordered(Order{ID: 2, Verb: VerbStop, Job: "j", Run: run})
			w.crash()
			w.start()
		}, false},
		"all stopped": {func(w *world, run uint64) { w.ordered(Order{ID: 2, Verb: VerbStop, Job: "j"}); w.crash(); w.start() }, false},
		"removed": {func(w *world, run uint64) {
			defs := w.defs
			w.defs = defs[1:]
			w.load()
			w.defs = defs
			w.load()
		}, false},
		"removed while off": {func(w *world, run uint64) {
			defs := w.defs
			w.crash()
			w.defs = defs[1:]
			w.start()
			w.defs = defs
			w.load()
		}, false},
		"edited": {func(w *world, run uint64) {
			d := w.define("j", schedule.Keys{})
			d.Lock, d.ProcessHash = "one", hashOf("other")
			w.put(d)
			w.load()
		}, true},
		"schedule edited": {func(w *world, run uint64) {
			d := w.define("j", clockKeys("0 0 1 1 *"))
			d.Lock = "one"
			w.put(d)
			w.load()
		}, true},
		"off in file": {func(w *world, run uint64) {
			d := w.define("j", schedule.Keys{})
			d.Lock, d.Enabled = "one", false
			w.put(d)
			w.load()
		}, true},
		"becomes service": {func(w *world, run uint64) {
			w.put(w.service("j"))
			w.load()
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:00:00")
			w.lasting(3*time.Hour, 0)
			for _, name := range []string{"j", "k"} {
				d := w.define(name, schedule.Keys{})
				d.Lock = "one"
				w.put(d)
			}
			w.start()
			w.ordered(Order{ID: 1, Verb: VerbStart, Job: "k"})
			run := w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j", In: time.Hour, Args: []string{"x"}})[0].Run
			w.run(time.Hour + time.Minute)
			if v := w.view("j"); len(v.Running) != 1 || v.Running[0].Why == nil || *v.Running[0].Why != statefile.WhyLock || len(v.DelayedStarts) > 0 {
				t.Fatalf("%+v", v)
			}
			c.do(w, run)
			w.run(4 * time.Hour)
			came := 0
			for _, s := range w.ran {
				if s.Run == run {
					came++
					if fmt.Sprint(s.Args) != "[x]" {
						t.Errorf("args %v", s.Args)
					}
				}
			}
			if came > 1 || (came == 1) != c.comes {
				t.Errorf("came %d times: %s\n%s", came, w.runs(), strings.Join(w.trace, "\n"))
			}
			trace := strings.Join(w.trace, "\n")
			if said := strings.Contains(trace, "does not ") || strings.Contains(trace, "before it started") || strings.Contains(trace, "dropped a delayed start"); said == c.comes {
				t.Errorf("said that it does not come: %t\n%s", said, trace)
			}
			w.run(4 * time.Hour)
			w.replayed()
			w.checkDelayed()
		})
	}
}

// TestDelayedLeft: a delayed start that waits for a lock when its daemon ends is a delayed start for the next daemon,
// and waiting clients get no other answer.
func TestDelayedLeft(t *testing.T) {
	for name, e := range map[string]Shutdown{"upgrade": {By: "upgrade", Leave: true, Upgrade: true}, "stop": {By: "TERM"}} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:00:00")
			w.lasting(3*time.Hour, 0)
			for _, name := range []string{"j", "k"} {
				d := w.define(name, schedule.Keys{})
				d.Lock = "one"
				w.put(d)
			}
			w.start()
			w.ordered(Order{ID: 1, Verb: VerbStart, Job: "k"})
			run := w.ordered(Order{ID: 2, Verb: VerbStart, Job: "j", In: time.Hour, Wait: true})[0].Run
			w.run(time.Hour + time.Minute)
			w.answers = nil
			w.handle(e)
			w.settle()
			if len(w.answers) > 0 {
				t.Errorf("told %+v", w.answers[0])
			}
			if v := w.view("j"); len(v.Running) > 0 || len(v.DelayedStarts) != 1 || v.DelayedStarts[0].Run != run {
				t.Errorf("%+v", v)
			}
			w.run(time.Minute)
			w.crash()
			w.start()
			w.run(4 * time.Hour)
			if last := w.ran[len(w.ran)-1]; last.Run != run {
				t.Errorf("ran\n%s", w.runs())
			}
			w.replayed()
			w.checkDelayed()
		})
	}
}

// TestDelayedTakenBack: cancelling a delayed start of a service does not stop the service.
func TestDelayedTakenBack(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(50*time.Hour, 0)
	w.put(w.service("web"))
	w.start()
	run := w.ordered(Order{ID: 1, Verb: VerbStart, Job: "web", In: time.Hour})[0].Run
	w.ordered(Order{ID: 2, Verb: VerbStop, Job: "web", Run: run})
	w.load()
	w.crash()
	w.start()
	w.run(2 * time.Hour)
	if v := w.view("web"); v.Held || len(v.Running) != 1 || v.Runs != 1 || len(v.DelayedStarts) > 0 {
		t.Errorf("%+v", v)
	}
	w.replayed()
	w.checkDelayed()
}

// TestDelayedArgumentsLost: a delayed start whose arguments are lost does not start without them.
func TestDelayedArgumentsLost(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", schedule.Keys{}))
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j", In: time.Hour, Args: []string{"--dry-run"}})
	w.ordered(Order{ID: 2, Verb: VerbStart, Job: "j", In: time.Hour})
	w.end()
	w.delayedArgs = nil
	w.start()
	w.run(2 * time.Hour)
	w.want("j manual")
	if len(w.ran[0].Args) > 0 || w.ran[0].Run != 2 || w.stats["dropped"] != 1 {
		t.Errorf("%+v, %d dropped", w.ran[0], w.stats["dropped"])
	}
	w.replayed()
	w.checkDelayed()
}

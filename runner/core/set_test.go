package core

import (
	"strings"
	"testing"
	"time"

	"jobsd/statefile"
)

// ask lets a user give an order about a job.
func (w *world) ask(verb Verb, job string) {
	w.handle(Order{ID: 1, Verb: verb, Job: job, By: "uid 0"})
	w.settle()
}

// steadyTimers runs jobs that changes of the wall clock must not affect: a service in back-off, a run with a timeout, a
// run that ignores its stop signal, and one that ends by itself. Soon after the start it calls do.
func steadyTimers(t *testing.T, do func(w *world)) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.script = func(s Start) (time.Duration, int) {
		switch s.Job.Name {
		case "web":
			return time.Millisecond, 1
		case "ends":
			return 5 * time.Minute, 7
		}
		return 100 * time.Hour, 0
	}
	w.put(w.service("web"))
	for _, name := range []string{"late", "deaf", "ends"} {
		d := w.define(name, dailyKeys("11am"))
		if d.Timeout = 10 * time.Minute; name == "deaf" {
			d.Timeout, d.StopTimeout = 0, 10*time.Minute
		}
		w.put(d)
	}
	w.start()
	w.run(8 * time.Second) // the first four starts
	before := len(w.starts)
	w.starts = nil // from here on those of web alone: the others start at once
	began := w.mono
	for _, name := range []string{"late", "deaf", "ends"} {
		w.ask(VerbStart, name)
	}
	w.run(time.Second)
	started := len(w.starts)
	for _, p := range w.procs {
		p.stubborn = p.stubborn || p.job == "deaf"
	}
	w.ask(VerbStop, "deaf")
	do(w)
	if n := len(w.view("deaf").Running); n != 1 || len(w.view("late").Running) != 1 || len(w.view("ends").Running) != 1 {
		t.Errorf("at once: deaf has %d runs, late %+v, ends %+v", n, w.view("late").Running, w.view("ends").Running)
	}
	if len(w.starts) > started+1 {
		t.Errorf("web was started %d times at once", len(w.starts)-started)
	}
	w.run(10*time.Minute - 2*time.Second - (w.mono - began))
	if len(w.view("deaf").Running) != 1 || len(w.view("late").Running) != 1 {
		t.Errorf("they were ended too early: %+v, %+v", w.view("deaf"), w.view("late"))
	}
	w.run(5 * time.Second)

	for name, want := range map[string]statefile.Run{
		"late": {Outcome: statefile.OutcomeTimeout, Duration: statefile.Seconds(10 * time.Minute)},
		"deaf": {Outcome: statefile.OutcomeStopped, Duration: statefile.Seconds(10 * time.Minute)},
		"ends": {Outcome: statefile.OutcomeExited, Duration: statefile.Seconds(5 * time.Minute)},
	} {
		r := w.view(name).LastRun
		if r == nil || r.Outcome != want.Outcome || r.Duration < want.Duration || r.Duration > want.Duration+statefile.Seconds(2*time.Second) {
			t.Errorf("%s: %+v, want %s after %v", name, r, want.Outcome, want.Duration)
		}
	}
	var web []time.Duration
	for _, at := range w.starts {
		if at > began+2*time.Second {
			web = append(web, at)
		}
	}
	pause := 8 * time.Second << max(0, before-5)
	for i := 1; i < min(4, len(web)); i++ {
		pause *= 2
		if gap := web[i] - web[i-1]; gap < pause || gap > pause+pause/10+50*time.Millisecond {
			t.Errorf("web was started after %v, want %v and a tenth at most", gap, pause)
		}
	}
	if len(web) < 4 {
		t.Errorf("web was started at %v", web)
	}
}

var clockSteps = map[string]time.Duration{"back an hour": -time.Hour, "forward a year": 365 * 24 * time.Hour,
	"back to 1970": time.Unix(1000, 0).Sub(time.Date(2026, 6, 1, 16, 0, 0, 0, time.UTC))}

// TestA27TimersIgnoreClockSteps: whatever the wall clock is set to, back-off, timeouts and stop timeouts end on time,
// and durations are correct.
func TestA27TimersIgnoreClockSteps(t *testing.T) {
	for name, step := range clockSteps {
		t.Run(name, func(t *testing.T) { steadyTimers(t, func(w *world) { w.setClock(step) }) })
	}
}

// TestA28TimersIgnoreSleep: none of them counts the time during which the machine was asleep.
func TestA28TimersIgnoreSleep(t *testing.T) {
	steadyTimers(t, func(w *world) { w.sleep(8 * time.Hour) })
}

// TestA27SlotsAfterClockSteps: a daily job does not run twice in an hour that comes again, and a jump is caught up once
// at most. Then it runs once a day by the new clock.
func TestA27SlotsAfterClockSteps(t *testing.T) {
	for name, step := range clockSteps {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 12:00:00")
			w.put(w.define("j", dailyKeys("12:30")))
			w.start()
			w.until("2026-06-01 12:45:00")
			w.setClock(step)
			w.run(time.Hour)
			n := len(w.ran)
			if jumped := strings.Contains(name, "forward"); n > 2 || !jumped && n != 1 {
				t.Errorf("ran\n%s", w.runs())
			}
			w.run(49 * time.Hour)
			if more := len(w.ran) - n; more < 2 || more > 3 {
				t.Errorf("in the two days after it ran %d times:\n%s", more, w.runs())
			}
			w.replayed()
		})
	}
}

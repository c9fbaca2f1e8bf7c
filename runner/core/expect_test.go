package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/jobfile"
)

// expecting defines a job that should succeed once a day, at 4 o'clock.
func (w *world) expecting(e jobfile.Expect) *jobfile.Definition {
	d := w.define("j", dailyKeys("4am"))
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1000}
	d.Expect = &e
	w.put(d)
	return d
}

// told returns the notifications since the last call, without the name of the job.
func (w *world) told() string {
	var list []string
	for _, s := range w.sent {
		s, _ = strings.CutPrefix(s, "mail: j ")
		s, _, _ = strings.Cut(s, " no success")
		s, _, _ = strings.Cut(s, " run ")
		list = append(list, s)
	}
	w.sent = nil
	return strings.Join(list, ", ")
}

func (w *world) mustTell(when, want string) {
	w.t.Helper()
	if got := w.told(); got != want {
		w.t.Errorf("%s: told %q, want %q", when, got, want)
	}
}

// TestLateYear: in a year of failures, sleep, reboots, crashes and changes of the clock to summer time and back, each
// time without a success is told once, each recovery once, and nothing else.
func TestLateYear(t *testing.T) {
	w := calmWorld(t, "2026-01-05 12:00:00")
	code := 0
	w.script = func(Start) (time.Duration, int) { return time.Minute, code }
	w.expecting(jobfile.Expect{SuccessWithin: 26 * time.Hour})
	w.start()
	late := 0
	for day := range 365 {
		want := ""
		switch w.rng.IntN(9) {
		case 0: // the job fails for some days
			code = 1
			w.run(time.Duration(3+w.rng.IntN(3)) * 24 * time.Hour)
			w.mustTell(fmt.Sprint("failing on day ", day), "late")
			code, want = 0, "recovery from late: exited 0"
			late++
		case 1:
			w.sleep(time.Duration(1+w.rng.IntN(80)) * time.Hour)
		case 2:
			w.reboot(time.Duration(1+w.rng.IntN(80)) * time.Hour)
			w.start()
		case 3:
			w.crash()
			w.start()
		case 4:
			w.end()
			d := time.Duration(1+w.rng.IntN(80)) * time.Hour
			w.wall, w.boot, w.mono = w.wall.Add(d), w.boot+d, w.mono+d
			w.start()
		case 5:
			w.wall = w.wall.Add(time.Duration(w.rng.IntN(7200)-3600) * time.Second)
		}
		w.run(24*time.Hour + 2*time.Minute)
		w.mustTell(fmt.Sprint("day ", day), want)
	}
	if late < 10 {
		t.Errorf("late only %d times", late)
	}
	w.replayed()
}

// TestLateWords: people read the text of a late job as the subject of a mail.
func TestLateWords(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	code := 0
	w.script = func(Start) (time.Duration, int) { return time.Minute, code }
	w.expecting(jobfile.Expect{SuccessWithin: 26 * time.Hour})
	w.start()
	w.until("2026-06-02 12:00:00")
	code = 1
	w.until("2026-06-03 12:00:00")
	want := "mail: j late no success for 1d2h, the last one on 2026-06-02 at 04:01"
	if got := strings.Join(w.sent, "\n"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestLateExcused: nothing is expected of a job while it is disabled, held or for another machine.
func TestLateExcused(t *testing.T) {
	for name, c := range map[string]struct{ off, on func(w *world) }{
		"disabled": {func(w *world) { w.orderJob(VerbDisable) }, func(w *world) { w.orderJob(VerbEnable) }},
		"by its file": {func(w *world) { w.change(func(d *jobfile.Definition) { d.Enabled = false }) },
			func(w *world) { w.change(func(d *jobfile.Definition) { d.Enabled = true }) }},
		"elsewhere": {func(w *world) { w.change(func(d *jobfile.Definition) { d.Machines = []string{"other"} }) },
			func(w *world) { w.change(func(d *jobfile.Definition) { d.Machines = nil }) }},
		"without the key": {func(w *world) { w.change(func(d *jobfile.Definition) { d.Expect = nil }) },
			func(w *world) {
				w.change(func(d *jobfile.Definition) { d.Expect = &jobfile.Expect{SuccessWithin: 26 * time.Hour} })
			}},
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 12:00:00")
			w.lasting(time.Minute, 1)
			w.expecting(jobfile.Expect{SuccessWithin: 26 * time.Hour})
			w.start()
			w.run(25 * time.Hour)
			c.off(w)
			w.run(100 * time.Hour)
			w.mustTell("excused", "")
			c.on(w)
			w.run(25 * time.Hour)
			w.mustTell("a day later", "")
			w.run(2 * time.Hour)
			w.mustTell("after the time", "late")
			if !w.view("j").Late {
				t.Error("not shown as late")
			}
			c.off(w)
			w.run(100 * time.Hour)
			if w.view("j").Late {
				t.Error("shown as late although nothing is expected")
			}
			w.mustTell("excused again", "")
			w.replayed()
		})
	}
}

// TestRecoveredFrom: a recovery says from what. A success that takes too long ends being late, but not being slow.
func TestRecoveredFrom(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	took, code := 3*time.Hour, 0
	w.script = func(Start) (time.Duration, int) { return took, code }
	d := w.expecting(jobfile.Expect{SuccessWithin: 26 * time.Hour, DoneWithin: 2 * time.Hour})
	d.Notify.Failures = 1
	w.start()
	w.until("2026-06-02 12:00:00")
	w.mustTell("a long run", "slow")
	code = 1
	w.until("2026-06-03 12:00:00")
	w.mustTell("a long run that fails", "failure: exited 1, late")
	code = 0
	w.until("2026-06-04 12:00:00")
	w.mustTell("a long run that succeeds", "recovery from failure and late: exited 0")
	w.trace = nil
	took = time.Hour
	w.until("2026-06-05 12:00:00")
	w.mustTell("a short run", "recovery from slow: exited 0")
	if said := strings.Join(w.trace, "\n"); strings.Contains(said, "no longer late") || !strings.Contains(said, "no longer slow [job j]") {
		t.Errorf("said\n%s", said)
	}
	w.replayed()
}

// TestSlow: a run that takes longer than expected is told once, and the next success in time is told, too.
func TestSlow(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	took, code := 3*time.Hour, 0
	w.script = func(Start) (time.Duration, int) { return took, code }
	w.expecting(jobfile.Expect{DoneWithin: 2 * time.Hour})
	w.start()
	w.until("2026-06-02 05:59:00")
	w.mustTell("before", "")
	w.until("2026-06-02 06:01:00")
	w.mustTell("after two hours", "slow")
	if !w.view("j").Slow {
		t.Error("not shown as slow")
	}
	w.until("2026-06-03 12:00:00")
	w.mustTell("slow again", "")
	took, code = time.Hour, 1
	w.until("2026-06-04 12:00:00")
	w.mustTell("a failure in time", "")
	code = 0
	w.until("2026-06-05 12:00:00")
	w.mustTell("a success in time", "recovery from slow: exited 0")
	if w.view("j").Slow {
		t.Error("still shown as slow")
	}
	took = 3 * time.Hour
	w.until("2026-06-06 05:00:00") // the daemon is killed while the run is on its way
	w.crash()
	w.start()
	w.until("2026-06-06 12:00:00")
	w.mustTell("adopted", "slow")
	w.replayed()
}

func (w *world) orderJob(v Verb) {
	w.handle(Order{ID: 1, Verb: v, Job: "j", By: "uid 0"})
	w.settle()
}

// change changes the definition of the job.
func (w *world) change(do func(d *jobfile.Definition)) {
	d := copyOf(w.defs[slices.IndexFunc(w.defs, func(j jobfile.Job) bool { return j.Def.Name == "j" })].Def)
	do(d)
	d.Hash++
	d.ProcessHash++
	w.put(d)
	w.load()
}

// TestLateClock: the wall clock is wrong by years, at the first load or at a boot, and is set right later. What counts is
// the time that passed.
func TestLateClock(t *testing.T) {
	const within = 26 * time.Hour
	for name, c := range map[string]func(w *world){
		"ahead at the first load": func(w *world) {
			w.wall = w.wall.AddDate(10, 0, 0)
			w.start()
			w.run(time.Minute)
			w.setYears(-10)
			w.run(24 * time.Hour)
		},
		"ahead at a success": func(w *world) {
			w.start()
			w.setYears(10)
			w.run(24 * time.Hour)
			w.setYears(-10)
			w.run(time.Hour)
		},
		"behind at a boot": func(w *world) {
			w.start()
			w.until("2026-06-03 12:00:00")
			w.reboot(time.Minute)
			w.wall = w.wall.AddDate(-20, 0, 0)
			w.start()
			w.run(10 * time.Second)
			w.setYears(20)
		},
		"behind at a boot, and never set": func(w *world) {
			w.start()
			w.until("2026-06-03 12:00:00")
			w.reboot(time.Minute)
			w.wall = w.wall.AddDate(-20, 0, 0)
			w.start()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 12:00:00")
			code := 0
			w.script = func(Start) (time.Duration, int) { return time.Minute, code }
			w.expecting(jobfile.Expect{SuccessWithin: within})
			c(w)
			w.mustTell("before", "")
			code = 1
			w.run(52 * time.Hour)
			w.mustTell("two days later", "late")
			code = 0
			w.run(24 * time.Hour)
			w.mustTell("after a success", "recovery from late: exited 0")
			w.replayed()
		})
	}
}

// setYears sets the wall clock on or back by years.
func (w *world) setYears(years int) {
	w.wall = w.wall.AddDate(years, 0, 0)
	w.handle(Due{})
	w.settle()
}

// TestLateKilled: the time after a daemon was killed counts, however late the next one starts, because nobody knows how
// long there was none.
func TestLateKilled(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Minute, 1)
	w.expecting(jobfile.Expect{SuccessWithin: 26 * time.Hour})
	w.start()
	w.run(20 * time.Hour)
	w.crash()
	w.wall, w.boot, w.mono = w.wall.Add(72*time.Hour), w.boot+72*time.Hour, w.mono+72*time.Hour
	w.start()
	w.run(time.Minute)
	w.mustTell("after three days", "late")
}

// TestLateRemoved: a job that comes back is not late because of the time in which it was removed.
func TestLateRemoved(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Minute, 1)
	w.expecting(jobfile.Expect{SuccessWithin: 26 * time.Hour})
	w.start()
	w.run(25 * time.Hour)
	defs := w.defs
	w.defs = nil
	w.load()
	w.run(100 * time.Hour)
	w.defs = defs
	w.load()
	w.run(25 * time.Hour)
	w.mustTell("a day later", "")
	w.run(2 * time.Hour)
	w.mustTell("after the time", "late")
	w.replayed()
}

// TestSlowExcused: a job of which nothing is expected is not slow, even if it was.
func TestSlowExcused(t *testing.T) {
	for name, off := range map[string]func(w *world){
		"disabled":    func(w *world) { w.orderJob(VerbDisable) },
		"by its file": func(w *world) { w.change(func(d *jobfile.Definition) { d.Enabled = false }) },
		"without the key": func(w *world) {
			w.change(func(d *jobfile.Definition) { d.Expect = &jobfile.Expect{SuccessWithin: 1000 * time.Hour} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 12:00:00")
			w.lasting(3*time.Hour, 0)
			w.expecting(jobfile.Expect{DoneWithin: 2 * time.Hour, SuccessWithin: 1000 * time.Hour})
			w.start()
			w.until("2026-06-02 08:00:00")
			w.mustTell("after its run", "slow")
			off(w)
			if w.view("j").Slow {
				t.Error("shown as slow")
			}
			w.replayed()
		})
	}
	t.Run("while it runs", func(t *testing.T) {
		w := calmWorld(t, "2026-06-01 12:00:00")
		w.lasting(3*time.Hour, 0)
		w.expecting(jobfile.Expect{DoneWithin: 2 * time.Hour})
		w.start()
		w.until("2026-06-02 05:00:00")
		w.orderJob(VerbDisable)
		w.until("2026-06-02 12:00:00")
		w.mustTell("after its run", "")
	})
}

// TestSlowAdoptedAsleep: the sleep of the machine does not make a run slow that was adopted before.
func TestSlowAdoptedAsleep(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Hour, 0)
	w.expecting(jobfile.Expect{DoneWithin: 2 * time.Hour})
	w.start()
	w.until("2026-06-02 04:10:00")
	w.crash()
	w.start()
	w.run(10 * time.Minute)
	w.sleep(5 * time.Hour)
	w.run(2 * time.Hour)
	w.mustTell("after its run", "")
	if d := time.Duration(w.c.facts.Job("j").LastRun.Duration); d > 61*time.Minute {
		t.Errorf("it took %v", d)
	}
}

// TestSlowAfterEnable: a run that took too long while its job was disabled is slow when the job is enabled again. It is
// told once, however often that happens.
func TestSlowAfterEnable(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(30*time.Hour, 0)
	w.expecting(jobfile.Expect{DoneWithin: 2 * time.Hour})
	w.start()
	w.until("2026-06-02 05:00:00")
	w.orderJob(VerbDisable)
	w.until("2026-06-02 12:00:00")
	w.mustTell("disabled", "")
	w.orderJob(VerbEnable)
	w.run(time.Second)
	w.mustTell("enabled", "slow")
	if !w.view("j").Slow {
		t.Error("not shown as slow")
	}
	w.orderJob(VerbDisable)
	w.orderJob(VerbEnable)
	w.run(time.Second)
	w.mustTell("enabled again", "")
	w.replayed()
}

// TestSlowRedefined: the newest definition says how long a run may take, also for a run that started before.
func TestSlowRedefined(t *testing.T) {
	for _, c := range []struct {
		name       string
		limit      time.Duration // new, 0: none
		at         string
		then, last string
	}{
		{"longer", 5 * time.Hour, "06:30:00", "", "slow"},
		{"shorter", time.Hour + time.Minute, "05:02:00", "slow", ""},
		{"none", 0, "06:30:00", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 12:00:00")
			w.lasting(6*time.Hour, 0)
			w.expecting(jobfile.Expect{DoneWithin: 2 * time.Hour})
			w.start()
			w.until("2026-06-02 05:00:00")
			w.change(func(d *jobfile.Definition) {
				d.Expect = &jobfile.Expect{DoneWithin: c.limit, SuccessWithin: 1000 * time.Hour}
			})
			w.until("2026-06-02 " + c.at)
			w.mustTell("at "+c.at, c.then)
			w.until("2026-06-02 09:30:00")
			w.mustTell("before its end", c.last)
			if got := w.view("j").Slow; got != (c.limit > 0) {
				t.Errorf("slow: %v", got)
			}
			w.replayed()
		})
	}
}

// TestLateRedefined: a job is no longer late if the newest definition gives it more time. When that has passed, too, it is
// late again.
func TestLateRedefined(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Minute, 1)
	w.expecting(jobfile.Expect{SuccessWithin: 26 * time.Hour})
	w.start()
	w.run(27 * time.Hour)
	w.mustTell("after a day", "late")
	within := func(d time.Duration) {
		w.change(func(j *jobfile.Definition) { j.Expect = &jobfile.Expect{SuccessWithin: d} })
	}
	within(25 * time.Hour)
	w.run(time.Minute)
	w.mustTell("with less time", "")
	if !w.view("j").Late {
		t.Error("not shown as late")
	}
	within(50 * time.Hour)
	w.run(time.Minute)
	if w.view("j").Late {
		t.Error("shown as late although it has more time")
	}
	w.mustTell("with more time", "recovery from late it has more time now")
	w.run(24 * time.Hour)
	w.mustTell("when that has passed", "late")
	w.replayed()
}

// TestLateSmallSteps: many small steps of the wall clock do not count either.
func TestLateSmallSteps(t *testing.T) {
	for _, step := range []time.Duration{50 * time.Second, -50 * time.Second} {
		w := calmWorld(t, "2026-06-01 12:00:00")
		w.lasting(time.Minute, 1)
		w.expecting(jobfile.Expect{SuccessWithin: 50 * time.Hour})
		w.start()
		passed := time.Duration(0)
		for ; passed < 49*time.Hour+50*time.Minute; passed += 10 * time.Minute {
			w.run(10 * time.Minute)
			w.wall = w.wall.Add(step)
			w.handle(Due{})
			w.settle()
		}
		w.mustTell(fmt.Sprint("before, steps of ", step), "")
		w.run(15 * time.Minute)
		w.mustTell(fmt.Sprint("after, steps of ", step), "late")
		w.replayed()
	}
}

// TestSlowAsleepBefore: the sleep of the machine does not make a run slow if the daemon is started again after it.
func TestSlowAsleepBefore(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.lasting(time.Hour, 0)
	w.expecting(jobfile.Expect{DoneWithin: 2 * time.Hour})
	w.start()
	w.until("2026-06-02 04:10:00")
	w.sleep(5 * time.Hour)
	w.run(10 * time.Minute)
	w.crash()
	w.start()
	w.run(2 * time.Hour)
	w.mustTell("after its run", "")
	if d := time.Duration(w.c.facts.Job("j").LastRun.Duration); d > 61*time.Minute {
		t.Errorf("it took %v", d)
	}
}

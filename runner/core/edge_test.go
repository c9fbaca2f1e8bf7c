package core

import (
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// A message without an answer holds up the end of the daemon, but not for long, and stays owed. During an upgrade, jobs
// wait too, so the time is even shorter.
func TestShutWithMessageOnItsWay(t *testing.T) {
	shutWithMessageOnItsWay(t, Shutdown{By: "TERM"}, deliveryGrace)
	shutWithMessageOnItsWay(t, Shutdown{By: "uid 0", Leave: true, Upgrade: true}, upgradeGrace)
}

func shutWithMessageOnItsWay(t *testing.T, e Shutdown, grace time.Duration) {
	t.Helper()
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(time.Second, 1)
	d := w.define("j", dailyKeys("7am"))
	d.Notify = &jobfile.Notify{Mail: []string{"root"}, Failures: 1}
	w.put(d)
	w.start()
	w.mailer = func(Deliver) int { return -2 }
	w.until("2026-06-01 07:00:10")
	if w.c.busy() != 1 {
		t.Fatalf("%d messages on their way", w.c.busy())
	}
	w.handle(e)
	w.settle()
	if w.run(grace / 2); w.exited != nil {
		t.Error("the daemon did not wait")
	}
	if w.run(grace); w.exited == nil || len(w.c.facts.Notifications) != 1 {
		t.Errorf("exit %v, owed %+v", w.exited, w.c.facts.Notifications)
	}
}

func TestJobBecomesService(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(10*time.Minute, 0)
	w.put(w.define("j", dailyKeys("7am")))
	w.start()
	w.until("2026-06-01 07:05:00")
	w.put(w.service("j"))
	w.load()
	w.until("2026-06-01 07:15:00")
	w.want("j schedule 01 07:00:00\nj service")
}

// a service becomes a job and then a service again, with a pending run
func TestManualWhileService(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(10*time.Minute, 0)
	w.put(w.define("j", dailyKeys("7am")))
	w.start()
	w.handle(Order{ID: 1, Verb: VerbStart, Job: "j", By: "uid 0"})
	w.settle()
	w.run(time.Minute)
	w.put(w.service("j"))
	w.load()
	w.run(15 * time.Minute)
	w.want("j manual\nj service")
}

// an at beyond 2262 overflows UnixNano
func TestAtFar(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.put(w.define("j", atKeys("3000-01-01 12:00")))
	w.start()
	w.run(time.Minute)
	w.want("")
}

// at + at_boot
func TestAtBootForgetsAtDone(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	d := w.define("j", atKeys("2026-06-01 12:30"))
	d.AtBoot = true
	w.put(d)
	w.start()
	w.until("2026-06-01 12:31:00")
	w.reboot(time.Minute)
	w.start()
	w.run(time.Minute)
	w.setClock(-5 * time.Hour)
	w.run(10 * time.Hour)
	w.want("j boot\nj schedule 01 12:30:00\nj boot")
}

// TestAtEditedBackAndForth: the file of an `at` is changed to another instant and back within the minute in which a
// past instant still runs. Each instant runs once, also after a crash and after the clock is set back.
func TestAtEditedBackAndForth(t *testing.T) {
	for name, meanwhile := range map[string]func(w *world){
		"at once":   func(*world) {},
		"crash":     func(w *world) { w.crash(); w.start() },
		"clock set": func(w *world) { w.setClock(-time.Hour) },
		"three of one": func(w *world) {
			w.put(w.define("j", atKeys("2026-06-01T12:30:20-04:00")))
			w.load()
			w.run(time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 12:00:00")
			a, b := w.define("j", atKeys("2026-06-01T12:30:00-04:00")), w.define("j", atKeys("2026-06-01T12:30:10-04:00"))
			w.put(a)
			w.start()
			w.until("2026-06-01 12:30:05")
			w.put(b)
			w.load()
			w.until("2026-06-01 12:30:20")
			meanwhile(w)
			for _, d := range []*jobfile.Definition{a, b, a} {
				w.put(d)
				w.load()
				w.run(5 * time.Second)
			}
			w.run(3 * time.Hour)
			want := "j schedule 01 12:30:00\nj schedule 01 12:30:10"
			if name == "three of one" {
				want += "\nj schedule 01 12:30:20"
			}
			w.want(want)
		})
	}
}

// a wrong clock missed an `at`
func TestAtMissedByWrongClock(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.put(with(w.define("j", atKeys("2026-06-01 18:00")), 0))
	w.put(with(w.define("k", dailyKeys("18:00")), 0))
	w.start()
	w.setClock(24 * time.Hour)
	w.run(time.Minute)
	w.setClock(-24 * time.Hour)
	w.until("2026-06-01 18:10:00")
	w.want("j schedule 01 18:00:00\nk schedule 01 18:00:00")
}

// a slot is due in the turn of a reload that changes the schedule
func TestDueAndReload(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", dailyKeys("7am")))
	w.start()
	w.until("2026-06-01 06:59:59")
	w.wall, w.boot, w.mono = w.wall.Add(time.Second), w.boot+time.Second, w.mono+time.Second
	w.handle(Due{})
	w.put(w.define("j", dailyKeys("7am", "8am")))
	w.loadInTurn()
	w.settle()
	w.until("2026-06-01 08:30:00")
	w.want("j schedule 01 07:00:00\nj schedule 01 08:00:00")
}

// jitter and fixed + wild
func TestStoppedAndBack(t *testing.T) {
	w := calmWorld(t, "2026-06-01 11:58:00")
	w.put(w.define("j", clockKeys("0 * * * *")))
	w.put(w.define("k", clockKeys("0 9-18 * * *")))
	w.start()
	w.wall, w.boot = w.wall.Add(4*time.Hour-2*time.Minute), w.boot+4*time.Hour // asleep, and the clock is set back by two minutes
	w.handle(Due{})
	w.settle()
	w.want("j catch_up 01 15:00:00\nk catch_up 01 15:00:00")
}

// jitter + wild + clock back
func TestJitterWildBack(t *testing.T) {
	w := calmWorld(t, "2026-06-01 11:58:00")
	d := w.define("k", clockKeys("0 * * * *"))
	d.Jitter = 55 * time.Minute
	w.put(d)
	w.start() // its jitter is 49m31s
	w.until("2026-06-01 12:05:00")
	w.setClock(-2 * time.Minute)
	w.until("2026-06-01 12:59:00")
	w.want("k schedule 01 12:00:00")
}

// a fixed slot is pending while the clock is set back and the daemon restarts
func TestFixedPendingBackRestart(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	a := w.define("a", dailyKeys("12:29"))
	a.Lock = "l"
	w.put(a)
	j := w.define("j", dailyKeys("12:30"))
	j.Lock = "l"
	w.put(j)
	w.lasts = 10 * time.Minute
	w.start()
	w.until("2026-06-01 12:35:00") // j waits for the lock
	w.setClock(-time.Hour)
	w.run(30 * time.Minute) // a ended, j ran
	w.off(time.Second)
	w.until("2026-06-01 13:30:00")
	w.want("a schedule 01 12:29:00\nj schedule 01 12:30:00")
}

// stopping a pending run under a wrong clock puts the last slot in the future
func TestSkipOfWrongClock(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.script = func(s Start) (time.Duration, int) {
		if s.Job.Name == "a" && s.Slot.Time().Hour() == 12 {
			return time.Hour, 0
		}
		return time.Second, 0
	}
	a := w.define("a", dailyKeys("12pm"))
	a.Lock = "l"
	w.put(a)
	j := w.define("j", dailyKeys("12:01pm", "9am"))
	j.Lock = "l"
	w.put(j)
	w.start()
	w.setClock(30 * time.Hour) // 12:00 of the next day
	w.until("2026-06-02 12:05:00")
	t.Log(w.runs())
	w.setClock(-30 * time.Hour) // 06:05
	w.handle(Order{ID: 1, Verb: VerbStop, Job: "j", By: "uid 0"})
	w.settle()
	w.until("2026-06-01 08:30:00")
	t.Log(w.runs(), w.c.jobs["j"].facts.LastSlot, w.c.jobs["j"].slots.last)
	w.ran = nil
	w.off(time.Hour)
	w.want("j catch_up 01 09:00:00")
}

// the clock is 5 h ahead at boot (RTC in local time), is corrected, and the machine is off at the slot
func TestBeyondDropsSlot(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", dailyKeys("12:30")))
	w.start()
	w.until("2026-06-01 08:00:00")
	w.end()
	w.reboot(5 * time.Hour) // 13:00
	w.start()
	w.run(time.Minute)
	w.setClock(-5 * time.Hour)
	w.until("2026-06-01 12:00:00")
	w.off(time.Hour)
	w.want("j catch_up 01 12:30:00\nj catch_up 01 12:30:00")
	t.Log(w.view("j").Missed)
}

// beyond: small step with jitter
func TestBeyondSmallStep(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	d := w.define("k", dailyKeys("12:30"))
	d.Jitter = 55 * time.Minute
	w.put(d)
	w.start()
	w.setClock(24 * time.Hour) // wrong; the slot of 1 June is caught up
	w.until("2026-06-02 13:30:00")
	w.setClock(-24*time.Hour - 90*time.Minute) // 12:00, which is right
	w.until("2026-06-02 13:00:00")             // runs at 13:19:31 on 1 June
	t.Log(w.runs())
	w.ran = nil
	w.setClock(2 * time.Second) // NTP
	w.until("2026-06-02 14:00:00")
	w.want("k schedule 02 12:30:00")
}

// the clock is set back while the machine is off
func TestWildBackWhileOff(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:30")
	w.put(w.define("j", clockKeys("*/30 * * * *")))
	w.start()
	w.until("2026-06-01 12:40:00")
	w.end()
	w.wall = w.wall.Add(-time.Hour)
	w.start()
	w.until("2026-06-01 12:10:00")
	w.want("j schedule 01 12:30:00\nj schedule 01 12:00:00")
}

// a reload drops the pending boot run
func TestBootRunDroppedByReload(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasts = 10 * time.Minute
	a := w.define("a", dailyKeys("5am"))
	a.AtBoot, a.Lock = true, "l"
	j := w.define("j", dailyKeys("5am"))
	j.AtBoot, j.Lock = true, "l"
	w.put(a)
	w.put(j)
	w.start()
	w.run(time.Minute)
	k := w.define("j", dailyKeys("5:10am"))
	k.AtBoot, k.Lock = true, "l"
	w.put(k)
	w.load()
	w.run(time.Hour)
	w.want("a boot\nj boot")
}

// a follow-up with overlap = queue
func TestAfterQueue(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.script = func(s Start) (time.Duration, int) {
		if s.Job.Name == "c" {
			return 90 * time.Minute, 0
		}
		return time.Second, 0
	}
	w.put(w.define("a", dailyKeys("7am", "8am")))
	c := w.define("c", everyKeys("3650d"))
	c.After = []string{"a"}
	c.Overlap = jobfile.Queue
	w.put(c)
	w.start()
	w.until("2026-06-01 12:00:00")
	w.want("a schedule 01 07:00:00\nc after\na schedule 01 08:00:00\nc after")
}

// a held service becomes a job
func TestHeldBecomesJob(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(time.Hour, 0)
	w.put(w.service("j"))
	w.start()
	w.run(time.Minute)
	w.handle(Order{ID: 1, Verb: VerbStop, Job: "j", By: "uid 0"})
	w.settle()
	w.run(time.Minute)
	w.lasting(time.Second, 0)
	w.put(w.define("j", clockKeys("0 8-10 * * *")))
	w.load()
	w.until("2026-06-01 09:30:00")
	w.want("j service\nj schedule 01 08:00:00\nj schedule 01 09:00:00")
}

// the machine boots without a clock, and restarts within each period
func TestGuessRestart(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.put(w.define("j", everyKeys("1h")))
	w.start()
	w.run(61 * time.Minute)
	w.end()
	w.reboot(0)
	w.wall = time.Date(1970, 1, 1, 0, 1, 0, 0, time.UTC)
	w.start()
	for range 6 {
		w.run(40 * time.Minute)
		w.off(time.Second)
	}
	t.Log(w.runs())
	if len(w.ran) < 4 {
		w.fatal("4 h, and nothing ran")
	}
}

// the job vanishes for a minute
func TestVanishedAnchor(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", everyKeys("1h")))
	w.start()
	w.until("2026-06-01 06:30:00")
	was := w.defs
	w.defs = nil
	w.load()
	w.run(time.Minute)
	w.defs = was
	w.load()
	w.until("2026-06-01 07:10:00")
	w.want("j schedule 01 07:00:00")
}

func TestBackAndForth(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:30")
	w.put(w.define("j", clockKeys("*/30 * * * *")))
	w.start()
	w.until("2026-06-01 12:40:00")
	w.setClock(-time.Hour)
	w.run(time.Second)
	w.setClock(time.Hour)
	w.until("2026-06-01 13:10:00")
	w.want("j schedule 01 12:30:00\nj schedule 01 13:00:00")
}

// the machine boots with a clock an hour behind, which is then corrected
func TestBootBehind(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:30")
	w.put(w.define("j", clockKeys("*/30 * * * *")))
	w.start()
	w.until("2026-06-01 12:40:00")
	w.end()
	w.reboot(-59 * time.Minute)
	w.start()
	w.run(time.Second)
	w.setClock(time.Hour)
	w.until("2026-06-01 13:10:00")
	w.want("j schedule 01 12:30:00\nj schedule 01 13:00:00")
}

// DST change at boot clock
func TestBackOffRestartWild(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:30")
	w.put(w.define("j", clockKeys("*/30 * * * *")))
	w.start()
	w.until("2026-06-01 12:40:00")
	w.setClock(-time.Hour)
	w.off(30 * time.Minute)
	w.want("j schedule 01 12:30:00\nj catch_up 01 12:00:00")
}

// enabled = false and back keeps the anchor?
func TestAnchorKept(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", everyKeys("1h")))
	w.start()
	w.until("2026-06-01 06:10:00")
	d := w.define("j", everyKeys("1h"))
	d.AtBoot = true
	w.put(d)
	d.Hash++
	w.load()
	w.until("2026-06-01 07:15:00")
	w.want("j schedule 01 07:00:00")
}

// the host name changes, and with it the jitter
func TestHostJitter(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	d := w.define("k", dailyKeys("7am"))
	d.Jitter = time.Hour
	w.put(d)
	w.start()
	was := w.c.jobs["k"].slots.jitter
	w.handle(Loaded{Set: &jobfile.Set{Config: &w.config, Jobs: w.defs, Zone: w.zone, Host: "other"}})
	w.settle()
	live := w.c.jobs["k"].slots.jitter
	w.c.o.Machine = "other"
	t.Log(was, live)
	if live == was {
		t.Error("jitter is that of the old name")
	}
}

// an `at` is disabled at its time
func TestAtDisabled(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	d := w.define("j", atKeys("2026-06-01 12:30"))
	d.Enabled = false
	w.put(d)
	w.start()
	w.until("2026-06-01 12:30:30")
	w.put(w.define("j", atKeys("2026-06-01 12:30")))
	w.load()
	w.run(time.Minute)
	w.want("")
}

// a job runs after an adopted run
func TestAtSetAside(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", clockKeys("0 8-10 * * *")))
	w.start()
	for range 2 {
		w.crash()
		w.suspect = "j"
		w.start()
	}
	w.until("2026-06-01 11:00:00")
	w.handle(Order{ID: 1, Verb: VerbStart, Job: "j", By: "uid 0"})
	w.settle()
	w.run(time.Minute)
	t.Log(w.runs(), w.view("j").Missed)
	if w.view("j").Missed > 0 {
		t.Error("missed")
	}
}

// A slot waits for its lock while the job is edited in an unrelated key.
func TestEditWhileSlotWaits(t *testing.T) {
	for name, keys := range map[string]schedule.Keys{"daily": dailyKeys("7am"), "every": everyKeys("1h")} {
		for _, o := range []jobfile.Overlap{jobfile.Skip, jobfile.Queue, jobfile.Replace, jobfile.Allow} {
			t.Run(name+string(o), func(t *testing.T) {
				w := calmWorld(t, "2026-06-01 06:00:00")
				w.lasts = 10 * time.Minute
				a := w.define("a", dailyKeys("6:59am"))
				a.Lock = "l"
				w.put(a)
				mk := func(hash jobfile.Hash) {
					j := w.define("j", keys)
					j.Lock, j.Overlap, j.ProcessHash = "l", o, hash
					w.put(j)
				}
				mk(1)
				w.start()
				w.until("2026-06-01 07:01:00")
				mk(2)
				w.load()
				w.until("2026-06-01 07:45:00")
				if v := w.view("j"); v.Missed+v.Skipped > 0 {
					t.Errorf("%d missed, %d skipped", v.Missed, v.Skipped)
				}
				w.want("a schedule 01 06:59:00\nj schedule 01 07:00:00")
			})
		}
	}
}

// The rules of the machine's zone change under the same name.
func TestZoneRules(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	local := func() *jobfile.Definition {
		d := with(w.define("j", dailyKeys("7:30am")), 0)
		d.ScheduleHash = hashOf("730 local")
		return d
	}
	w.put(local())
	w.start()
	w.until("2026-06-01 06:10:00")
	w.loc = time.FixedZone("", -3*3600) // 07:10 by now
	w.put(local())
	w.load()
	w.run(30 * time.Minute)
	w.want("j schedule 01 07:30:00")
}

// A slot that is delayed by jitter keeps its delay when the jitter is reduced.
func TestJitterCutFalse(t *testing.T) {
	w := calmWorld(t, "2026-06-01 11:58:00")
	d := with(w.define("k", clockKeys("0 0-23 * * *")), 0)
	d.Jitter = 55 * time.Minute
	w.put(d)
	w.start()
	w.until("2026-06-01 12:20:00")
	w.put(with(w.define("k", clockKeys("0 0-23 * * *")), 0))
	w.defs[0].Def.Hash++
	w.load()
	w.until("2026-06-01 12:50:00")
	w.want("k schedule 01 12:00:00")
}

func TestEveryJitterCut(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	d := w.define("k", everyKeys("1h"))
	d.Jitter = 55 * time.Minute
	w.put(d)
	w.start()
	w.until("2026-06-01 13:20:00")
	w.put(w.define("k", everyKeys("1h")))
	w.defs[0].Def.Hash++
	w.load()
	w.until("2026-06-01 14:10:00")
	w.want("k schedule 01 13:00:00\nk schedule 01 14:00:00")
}

func TestEverySlotIDs(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	w.put(w.define("j", everyKeys("10s")))
	w.start()
	w.run(5 * time.Minute)
	w.setClock(-50 * time.Second)
	w.run(time.Minute)
	w.setClock(-50 * time.Second)
	w.run(5 * time.Minute)
}

// The `at` of a machine that moves west is not due again.
func TestAtZone(t *testing.T) {
	w := calmWorld(t, "2026-06-01 12:00:00")
	mk := func() {
		d := w.define("j", atKeys("2026-06-01 12:30"))
		d.ScheduleHash = hashOf("at local")
		w.put(d)
	}
	mk()
	w.start()
	w.until("2026-06-01 12:31:00")
	w.loc = time.FixedZone("", -7*3600)
	w.zone = "other"
	mk()
	w.load()
	w.run(10 * time.Hour)
	w.want("j schedule 01 12:30:00")
}

// TestMissedThenSkipped: several slots are due, and the last comes while the job is still running. The record of the
// earlier slots does not settle the last one. Otherwise a crash before its own record would lose it silently.
func TestMissedThenSkipped(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasting(100*time.Hour, 0)
	w.put(w.define("j", every("1h")))
	w.start()
	w.run(time.Hour + time.Minute) // it runs
	w.run(59*time.Minute - time.Second)
	w.stopped(2*time.Hour + time.Second) // 8:00:00 was not handled yet, 9:00 has passed, 10:00 is now
	if v := w.view("j"); v.Missed != 2 && v.Skipped != 1 {
		t.Fatalf("missed %d, skipped %d", v.Missed, v.Skipped)
	}
	w.crash()
	w.start()
	w.run(time.Second)
	if v := w.view("j"); v.Missed+v.Skipped != 3 {
		t.Errorf("after a crash: missed %d, skipped %d of three slots", v.Missed, v.Skipped)
	}
	w.replayed()
}

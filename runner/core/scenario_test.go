package core

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// calmWorld returns a world in New York at the given local time in which nothing goes wrong and every run lasts a
// second.
func calmWorld(t *testing.T, at string) *world {
	w := newWorld(t, 1)
	w.calm, w.lasts = true, time.Second
	wall, err := time.ParseInLocation("2006-01-02 15:04:05", at, w.loc)
	if err != nil {
		t.Fatal(err)
	}
	w.wall = wall.UTC()
	return w
}

func (w *world) until(at string) {
	to, err := time.ParseInLocation("2006-01-02 15:04:05", at, w.loc)
	if err != nil {
		w.t.Fatal(err)
	}
	w.run(to.Sub(w.wall))
}

func (w *world) sleep(d time.Duration) {
	w.wall, w.boot = w.wall.Add(d), w.boot+d
	w.handle(Due{})
	w.settle()
}

// stopped lets time pass without the daemon noticing: SIGSTOP and SIGCONT.
func (w *world) stopped(d time.Duration) {
	w.wall, w.boot, w.mono = w.wall.Add(d), w.boot+d, w.mono+d
	w.handle(Due{})
	w.settle()
}

func (w *world) off(d time.Duration) {
	w.end()
	w.wall, w.boot, w.mono = w.wall.Add(d), w.boot+d, w.mono+d
	w.start()
}

// runs lists the runs: reason, slot and the number of slots that were caught up.
func (w *world) runs() string {
	var list []string
	for _, s := range w.ran {
		line := s.Job.Name + " " + string(s.Reason)
		if !s.Slot.IsZero() {
			line += " " + s.Slot.Time().Format("02 15:04:05")
		}
		list = append(list, line)
	}
	return strings.Join(list, "\n")
}

func (w *world) want(text string) {
	w.t.Helper()
	w.run(5 * time.Second)
	got, want := w.runs(), strings.TrimSpace(strings.ReplaceAll(text, "\t", ""))
	if got != want {
		w.fatal("ran\n%s\nwant\n%s", got, want)
	}
	w.replayed()
}

func clockKeys(cron string) schedule.Keys  { return schedule.Keys{Cron: []string{cron}} }
func dailyKeys(at ...string) schedule.Keys { return schedule.Keys{StartAt: at} }
func everyKeys(d string) schedule.Keys     { return schedule.Keys{Every: &d} }
func atKeys(at string) schedule.Keys       { return schedule.Keys{At: &at} }
func with(d *jobfile.Definition, limit time.Duration) *jobfile.Definition {
	d.CatchUp.Max = limit
	return d
}

// catchUps are the kinds of catch_up: any age, never, and within two hours.
var catchUps = map[string]time.Duration{"true": -1, "false": 0, "2h": 2 * time.Hour}

func TestClockAndSleep(t *testing.T) {
	tests := []struct {
		name string // with the number of the fault that it covers
		from string
		keys schedule.Keys
		do   func(w *world)
		want map[string]string // by catch_up; "" for all others
	}{
		{"A28 suspend over one slot", "2026-06-01 20:00:00", dailyKeys("23:00"), func(w *world) {
			w.sleep(8 * time.Hour)
		}, map[string]string{"": "j catch_up 01 23:00:00", "false": "", "2h": ""}},
		{"A28 suspend over many slots", "2026-06-01 20:00:30", clockKeys("* * * * *"), func(w *world) {
			w.sleep(10 * time.Hour)
		}, map[string]string{"": "j catch_up 02 06:00:00", "false": ""}},
		{"resume on a slot", "2026-06-01 20:00:30", clockKeys("0 * * * *"), func(w *world) {
			w.sleep(5*time.Hour + 59*time.Minute + 31*time.Second)
		}, map[string]string{"": "j schedule 02 02:00:00"}},
		{"B18 SIGSTOP over a slot", "2026-06-01 20:00:00", dailyKeys("20:10"), func(w *world) {
			w.stopped(20 * time.Minute)
		}, map[string]string{"": "j catch_up 01 20:10:00", "false": ""}},
		{"B19 off for three days", "2026-06-01 12:00:00", dailyKeys("9am"), func(w *world) {
			w.off(72 * time.Hour)
			w.off(time.Second) // the daemon restarts at once
		}, map[string]string{"": "j catch_up 04 09:00:00", "false": "", "2h": ""}},
		{"B20 off for ten hours, minutely", "2026-06-01 12:00:30", clockKeys("* * * * *"), func(w *world) {
			w.off(10 * time.Hour)
		}, map[string]string{"": "j catch_up 01 22:00:00", "false": ""}},
		{"B21 set forward an hour", "2026-06-01 12:00:00", dailyKeys("12:30", "13:30"), func(w *world) {
			w.setClock(time.Hour)
			w.until("2026-06-01 14:00:00")
		}, map[string]string{"": "j catch_up 01 12:30:00\nj schedule 01 13:30:00", "false": "j schedule 01 13:30:00"}},
		{"B21 set back an hour, fixed", "2026-06-01 12:00:00", dailyKeys("12:30"), func(w *world) {
			w.until("2026-06-01 12:45:00")
			w.setClock(-time.Hour)
			w.until("2026-06-01 14:00:00")
		}, map[string]string{"": "j schedule 01 12:30:00"}},
		{"B21 set back an hour, wild", "2026-06-01 12:00:00", clockKeys("*/30 * * * *"), func(w *world) {
			w.until("2026-06-01 12:45:00")
			w.setClock(-time.Hour)
			w.until("2026-06-01 13:10:00")
		}, map[string]string{"": `j schedule 01 12:30:00
			j schedule 01 12:00:00
			j schedule 01 12:30:00
			j schedule 01 13:00:00`}},
		{"B21 set back half a minute, wild", "2026-06-01 12:00:00", clockKeys("* * * * *"), func(w *world) {
			w.until("2026-06-01 12:01:10")
			w.setClock(-30 * time.Second)
			w.until("2026-06-01 12:02:10")
		}, map[string]string{"": "j schedule 01 12:01:00\nj schedule 01 12:02:00"}},
		{"B21 set back five hours", "2026-06-01 12:00:00", dailyKeys("8am", "12:30"), func(w *world) {
			w.until("2026-06-01 12:45:00")
			w.setClock(-5 * time.Hour)
			w.until("2026-06-01 13:00:00")
		}, map[string]string{"": `j schedule 01 12:30:00
			j schedule 01 08:00:00
			j schedule 01 12:30:00`}},
		{"B21 a year ahead and back", "2026-06-01 12:00:00", dailyKeys("12:30"), func(w *world) {
			w.setClock(365 * 24 * time.Hour)
			w.run(time.Minute)
			w.setClock(-365 * 24 * time.Hour)
			w.until("2026-06-02 12:40:00")
		}, map[string]string{"": `j catch_up 31 12:30:00
			j schedule 01 12:30:00
			j schedule 02 12:30:00`, "false": `j schedule 01 12:30:00
			j schedule 02 12:30:00`, "2h": `j schedule 01 12:30:00
			j schedule 02 12:30:00`}},
		{"A28 every, asleep", "2026-06-01 12:00:00", everyKeys("1h"), func(w *world) {
			w.run(61 * time.Minute)
			w.sleep(150 * time.Minute)
			w.run(61 * time.Minute)
		}, map[string]string{"": `j schedule 01 13:00:00
			j catch_up 01 15:00:00
			j schedule 01 16:31:00`, "false": `j schedule 01 13:00:00
			j schedule 01 16:00:00`}},
		{"A27 every, the clock set", "2026-06-01 12:00:00", everyKeys("1h"), func(w *world) {
			w.run(30 * time.Minute)
			w.setClock(-5 * time.Hour)
			w.run(31 * time.Minute)
			w.setClock(9 * time.Hour)
			w.run(time.Hour)
		}, map[string]string{"": "j schedule 01 08:00:00\nj schedule 01 18:00:00"}},
		{"at, once", "2026-06-01 12:00:00", atKeys("2026-06-01 12:30"), func(w *world) {
			w.until("2026-06-01 12:31:00")
			w.load()
			w.off(time.Second)
			w.setClock(-5 * time.Hour)
			w.run(10 * time.Hour)
		}, map[string]string{"": "j schedule 01 12:30:00"}},
		{"at, half a minute past", "2026-06-01 12:00:30", atKeys("2026-06-01 12:00"), func(w *world) {
			w.run(time.Minute)
		}, map[string]string{"": "j schedule 01 12:00:00"}},
		{"at, two minutes past", "2026-06-01 12:02:00", atKeys("2026-06-01 12:00"), func(w *world) {
			w.run(time.Minute)
		}, map[string]string{"": ""}},
		{"B1 spring forward", "2026-03-07 12:00:00", dailyKeys("02:30"), func(w *world) {
			w.until("2026-03-09 12:00:00")
		}, map[string]string{"": "j schedule 08 03:00:00\nj schedule 09 02:30:00"}},
		{"B2 fall back", "2026-10-31 12:00:00", dailyKeys("01:30"), func(w *world) {
			w.until("2026-11-02 12:00:00")
		}, map[string]string{"": "j schedule 01 01:30:00\nj schedule 02 01:30:00"}},
	}
	for _, tt := range tests {
		for word, limit := range catchUps {
			t.Run(tt.name+"/"+word, func(t *testing.T) {
				want, ok := tt.want[word]
				if !ok {
					want = tt.want[""]
				}
				w := calmWorld(t, tt.from)
				w.put(with(w.define("j", tt.keys), limit))
				w.start()
				tt.do(w)
				w.want(want)
			})
		}
	}
}

func TestB36ReloadFiresNothing(t *testing.T) {
	for _, tt := range []struct{ name, from, to, want string }{
		{"moved to the past", "5:35am", "6:35am", ""},
		{"moved to later today", "5:35am", "11am", "j schedule 01 11:00:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:00:00")
			w.put(w.define("j", dailyKeys(tt.from)))
			w.start()
			w.until("2026-06-01 10:37:00")
			w.put(w.define("j", dailyKeys(tt.to)))
			w.load()
			w.until("2026-06-01 23:00:00")
			w.want(tt.want)
		})
	}
}

// A zone that moves by an hour at a reload moves the next run and fires none.
func TestB22ZoneChangedByReload(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	local := func() *jobfile.Definition {
		d := w.define("j", dailyKeys("7am"))
		d.ScheduleHash = hashOf("7am local")
		return d
	}
	w.put(local())
	w.start()
	w.until("2026-06-01 06:30:00")
	w.loc = time.FixedZone("", -3*3600) // 07:30 by now
	w.zone = "other"
	w.put(local())
	w.load()
	w.run(23 * time.Hour)
	w.want("")
	w.run(time.Hour)
	w.want("j schedule 02 07:00:00")
}

func TestFirstLoadCatchesNothingUp(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:01")
	w.put(w.define("j", dailyKeys("6am")))
	w.put(w.define("e", everyKeys("1h")))
	w.start()
	w.want("")
	w.run(time.Hour)
	w.want("e schedule 01 07:00:01")
}

func TestDisabledSlotsAreNotMissed(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", clockKeys("0 * * * *")))
	w.start()
	w.until("2026-06-01 07:30:00")
	d := w.define("j", clockKeys("0 * * * *"))
	d.Enabled = false
	w.put(d)
	w.load()
	w.until("2026-06-01 10:30:00")
	w.put(w.define("j", clockKeys("0 * * * *")))
	w.load()
	w.until("2026-06-01 11:30:00")
	w.want("j schedule 01 07:00:00\nj schedule 01 11:00:00")
}

func TestB41AtBoot(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	boot := func(name string) *jobfile.Definition {
		d := w.define(name, schedule.Keys{})
		d.AtBoot = true
		d.ScheduleHash = hashOf("boot")
		return d
	}
	w.put(boot("a"))
	w.start()
	w.want("a boot")
	w.put(boot("late")) // first loaded after this boot's ready
	w.load()
	w.off(time.Minute)
	w.crash()
	w.start()
	w.want("a boot")
	w.reboot(time.Minute)
	w.start()
	w.want("a boot\na boot\nlate boot")
}

func TestAfter(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("a", dailyKeys("7am", "8am", "11am")))
	w.put(w.define("b", dailyKeys("9am", "10am")))
	c := w.define("c", schedule.Keys{})
	c.After = []string{"a", "b"}
	w.put(c)
	w.start()
	w.until("2026-06-01 12:00:00")
	w.want(`a schedule 01 07:00:00
		a schedule 01 08:00:00
		b schedule 01 09:00:00
		c after
		b schedule 01 10:00:00
		a schedule 01 11:00:00
		c after`)
}

// After a resume, catch-up runs run two at a time, in order of slot.
func TestCatchUpsAreSpread(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	for i := range 5 {
		w.put(w.define(fmt.Sprint("j", i), dailyKeys(fmt.Sprintf("7:%02dam", 50-i))))
	}
	w.start()
	w.sleep(8 * time.Hour)
	for range 20 {
		alive := 0
		for _, p := range w.procs {
			if p.leader {
				alive++
			}
		}
		if alive > 2 {
			t.Fatalf("%d catch-ups at once", alive)
		}
		w.step(time.Second)
	}
	w.want(`j4 catch_up 01 07:46:00
		j3 catch_up 01 07:47:00
		j2 catch_up 01 07:48:00
		j1 catch_up 01 07:49:00
		j0 catch_up 01 07:50:00`)
}

// A start that hangs on a dead file system fails after 30 s, though its shim may hang for days. As long as the shim
// hangs, the job does not start again.
func TestA15HungStart(t *testing.T) {
	w := calmWorld(t, "2026-03-02 12:00:00")
	w.hangs = time.Hour
	w.put(w.define("a", schedule.Keys{Cron: []string{"* * * * *"}}))
	w.start()
	w.until("2026-03-02 12:01:29")
	if v := w.c.view(w.c.jobs["a"]); v.Runs != 1 || v.Failures != 0 || v.Running[0].State != statefile.RunStarting {
		t.Errorf("before 30 s: %+v", v)
	}
	w.until("2026-03-02 12:01:31")
	v := w.c.view(w.c.jobs["a"])
	if v.Failures != 1 || v.LastRun.StartError == nil || v.LastRun.StartError.Stage != "timeout" || v.Running[0].State != statefile.RunDraining {
		t.Fatalf("after 30 s: %+v", v)
	}
	if v.Unkillable {
		t.Error("unkillable before KILL had its 5 s")
	}
	w.until("2026-03-02 12:50:00")
	if v := w.c.view(w.c.jobs["a"]); !v.Unkillable || len(w.ran) != 1 {
		t.Errorf("while it hangs: %+v", v)
	}
	w.hangs = 0
	w.until("2026-03-02 14:00:30")
	if v := w.c.view(w.c.jobs["a"]); v.Unkillable || v.Runs < 50 || v.Failures != 1 {
		t.Errorf("an hour later: %+v", v)
	}
}

// A shutdown before the first load waits for the load if runs are inherited: only the load says how to stop each of
// them.
func TestShutdownBeforeLoad(t *testing.T) {
	w := calmWorld(t, "2026-03-02 12:00:00")
	w.lasts = time.Hour
	d := w.define("a", schedule.Keys{Cron: []string{"* * * * *"}})
	d.StopSignal = "INT"
	w.put(d)
	w.start()
	w.until("2026-03-02 12:01:30")
	w.crash()
	w.begin()
	w.handle(Shutdown{By: "TERM"})
	w.settle()
	w.run(time.Second)
	if n := len(w.signals); n > 0 {
		t.Errorf("signals before the load: %v", w.signals)
	}
	w.load()
	w.run(time.Second)
	if len(w.signals) == 0 || w.signals[0] != "INT" {
		t.Errorf("signals %v", w.signals)
	}
	w.run(time.Minute)
	if w.exited == nil {
		t.Error("the daemon has not ended")
	}

	w = calmWorld(t, "2026-03-02 12:00:00")
	w.lasts = time.Hour
	w.put(d)
	w.start()
	w.until("2026-03-02 12:01:30")
	w.crash()
	w.begin()
	w.handle(Shutdown{By: "TERM"})
	w.run(time.Minute) // there is no load
	if w.exited == nil || w.exited.Failed {
		t.Errorf("the daemon has not ended: %+v", w.exited)
	}
}

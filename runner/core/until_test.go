package core

import (
	"testing"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// A job that is disabled until a time is enabled at that time. Slots before it are not missed, whether or not a daemon
// ran. Slots after it are.
func TestDisabledUntil(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.put(w.define("hourly", clockKeys("0 * * * *")))
	w.put(w.define("other", clockKeys("0 * * * *")))
	w.start()
	w.run(time.Minute)
	w.ran = nil
	until := w.wall.Add(2*time.Hour + 29*time.Minute) // 09:29:30
	if a := w.ordered(Order{ID: 1, Verb: VerbDisable, Job: "hourly", Until: until}); len(a) != 1 || a[0].Refused != nil {
		t.Fatalf("%+v", a)
	}
	if v := w.view("hourly"); v.DisabledBy == nil || !v.DisabledBy.Until.Time().Equal(until) {
		t.Errorf("%+v", v.DisabledBy)
	}
	w.until("2026-06-01 08:10:00")
	w.off(3 * time.Hour) // past the time, and past the slots of 10:00 and 11:00
	w.until("2026-06-01 12:01:00")
	w.want(`other schedule 01 08:00:00
		hourly catch_up 01 11:00:00
		other catch_up 01 11:00:00
		hourly schedule 01 12:00:00
		other schedule 01 12:00:00`)
	if v := w.view("hourly"); v.Disabled || v.DisabledBy != nil {
		t.Errorf("%+v", v)
	}
	missed := map[string]uint64{}
	for _, e := range w.journal {
		if i, ok := e.Record.(*statefile.Intent); ok && i.Reason == statefile.ReasonCatchUp {
			missed[i.Job] = i.Missed
		}
	}
	if missed["hourly"] != 2 || missed["other"] != 3 {
		t.Errorf("missed %v", missed)
	}
	w.replayed()
}

// The same for jobs that count from their last slot: without a daemon, slots after the time are missed and caught up.
func TestEveryDisabledUntil(t *testing.T) {
	for name, all := range map[string]bool{"one": false, "all": true} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:59:30")
			w.put(w.define("hourly", everyKeys("1h")))
			w.start()
			w.run(time.Minute)
			o := Order{ID: 1, Verb: VerbDisable, Job: "hourly", Until: w.wall.Add(2*time.Hour + 29*time.Minute)} // 09:29:30
			if all {
				o.Job = ""
			}
			w.ordered(o)
			w.until("2026-06-01 08:10:00")
			w.ran = nil
			w.off(3 * time.Hour)
			w.until("2026-06-01 11:30:00")
			w.want("hourly catch_up 01 10:59:30")
			for _, e := range w.journal {
				if i, ok := e.Record.(*statefile.Intent); ok && i.Reason == statefile.ReasonCatchUp && i.Missed != 2 {
					t.Errorf("missed %d", i.Missed)
				}
			}
			w.replayed()
		})
	}
}

// All jobs are disabled until a time. A person may bring the time forward. A time that has passed is refused.
func TestAllDisabledUntil(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.put(w.define("hourly", clockKeys("0 * * * *")))
	w.start()
	w.run(time.Minute)
	w.ran = nil
	if a := w.ordered(Order{ID: 1, Verb: VerbDisable, Until: w.wall.Add(-time.Second)}); a[0].Refused == nil {
		t.Error("a time that has passed is accepted")
	}
	w.ordered(Order{ID: 1, Verb: VerbDisable, Until: w.wall.Add(24 * time.Hour), Reason: "backup"})
	w.ordered(Order{ID: 1, Verb: VerbDisable, Until: w.wall.Add(90 * time.Minute)})
	var d statefile.Daemon
	w.c.Daemon(&d)
	if d.DisabledBy == nil || d.DisabledBy.Reason != "backup" {
		t.Errorf("%+v", d.DisabledBy)
	}
	w.until("2026-06-01 09:01:00")
	w.want("hourly schedule 01 09:00:00")
	w.replayed()
}

// A service that is stopped until a time starts again then, and so does one that is restarted at a time. Other jobs are
// kept from running or are started.
func TestStoppedUntil(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(100*time.Hour, 0)
	w.put(w.service("web"))
	w.put(w.define("hourly", clockKeys("0 * * * *")))
	w.start()
	w.run(2 * time.Minute)
	w.ran = nil
	for _, job := range []string{"web", "hourly"} {
		w.ordered(Order{ID: 1, Verb: VerbStop, Job: job, Until: w.wall.Add(2 * time.Hour)}) // 09:01:30
	}
	w.until("2026-06-01 10:00:30")
	if got := w.runs(); got != "web service\nhourly schedule 01 10:00:00" {
		t.Errorf("after a stop until a time:\n%s", got)
	}
	w.ran = nil
	for _, job := range []string{"web", "hourly"} {
		if a := w.ordered(Order{ID: 1, Verb: VerbRestart, Job: job, Until: w.wall.Add(20 * time.Minute)}); a[0].Run == 0 {
			t.Errorf("%s: %+v", job, a)
		}
	}
	w.until("2026-06-01 10:19:00")
	if got := w.runs(); got != "" {
		t.Errorf("before the time of a restart:\n%s", got)
	}
	w.until("2026-06-01 10:30:00")
	if got := w.runs(); got != "web service\nhourly manual" && got != "hourly manual\nweb service" {
		t.Errorf("after a restart at a time:\n%s", got)
	}
	w.replayed()
}

// A signal goes to the leader of each run that has a process, or to its group.
func TestOrderSignal(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(time.Hour, 0)
	w.put(w.define("j", clockKeys("0 0 1 1 *")))
	w.start()
	if a := w.ordered(Order{ID: 1, Verb: VerbSignal, Job: "j", Signal: "HUP"}); a[0].Refused == nil || a[0].Refused.NoJob {
		t.Errorf("%+v", a[0])
	}
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j"})
	w.run(time.Second)
	if a := w.ordered(Order{ID: 1, Verb: VerbSignal, Job: "j", Signal: "HUP"}); a[0].Refused != nil || len(a[0].Runs) != 1 {
		t.Errorf("%+v", a[0])
	}
	if a := w.ordered(Order{ID: 1, Verb: VerbSignal, Job: "j", Run: 99, Signal: "HUP"}); a[0].Refused == nil || !a[0].Refused.NoJob {
		t.Errorf("%+v", a[0])
	}
}

// A restart at a time comes when the clock shows that time, also if the clock is set meanwhile.
func TestRestartedAtTime(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(100*time.Hour, 0)
	w.put(w.service("web"))
	w.start()
	w.run(time.Minute)
	w.ran = nil
	w.ordered(Order{ID: 1, Verb: VerbRestart, Job: "web", Until: w.wall.Add(2 * time.Hour)}) // 09:00:30
	w.run(time.Minute)
	w.setClock(-time.Hour)
	w.until("2026-06-01 09:00:00")
	w.want("")
	if v := w.view("web"); len(v.DelayedStarts) != 1 || v.DelayedStarts[0].Due.Time().Format("15:04:05") != "09:00:30" {
		t.Errorf("%+v", v.DelayedStarts)
	}
	w.until("2026-06-01 09:01:00")
	w.want("web service")
	w.ran = nil
	w.ordered(Order{ID: 1, Verb: VerbRestart, Job: "web", Until: w.wall.Add(2 * time.Hour)})
	w.crash()
	w.run(time.Minute)
	w.start()
	w.setClock(3 * time.Hour)
	w.run(time.Second)
	w.want("web service")
	w.replayed()
}

// A restart at another time drops the earlier delayed starts of the job: the last order counts.
func TestRestartedAtAnotherTime(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(100*time.Hour, 0)
	w.put(w.service("web"))
	w.start()
	w.run(time.Minute)
	w.ran = nil
	first := w.ordered(Order{ID: 1, Verb: VerbRestart, Job: "web", Until: w.wall.Add(time.Hour), Wait: true})
	second := w.ordered(Order{ID: 2, Verb: VerbRestart, Job: "web", Until: w.wall.Add(3 * time.Hour)})
	if v := w.view("web"); len(second) != 2 || second[0].Refused == nil || len(v.DelayedStarts) != 1 || v.DelayedStarts[0].Run != second[1].Run {
		t.Errorf("%+v, after %+v and %+v", v.DelayedStarts, first, second)
	}
	w.run(2 * time.Hour)
	w.want("")
	w.run(2 * time.Hour)
	w.want("web service")
	w.replayed()
}

// If a run takes longer to stop than the delay of its restart, the restart waits for it.
func TestRestartedWhileStopping(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(100*time.Hour, 0)
	web := w.service("web")
	web.StopTimeout = time.Minute
	w.put(web)
	job := w.define("job", dailyKeys("11am"))
	job.StopTimeout = time.Minute
	w.put(job)
	w.start()
	w.ask(VerbStart, "job")
	w.run(time.Minute)
	w.ran = nil
	for _, p := range w.procs {
		p.stubborn = true
	}
	for _, name := range []string{"job", "web"} {
		w.ordered(Order{ID: 1, Verb: VerbRestart, Job: name, Until: w.wall.Add(10 * time.Second)})
	}
	w.run(50 * time.Second)
	w.want("")
	w.run(time.Minute)
	w.want("job manual\nweb service")
	w.replayed()
}

// An order to restart a job later that is refused stops nothing.
func TestRestartRefused(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:59:30")
	w.lasting(100*time.Hour, 0)
	w.put(w.service("web"))
	w.start()
	w.run(time.Minute)
	for range maxDelayed {
		w.ordered(Order{ID: 1, Verb: VerbStart, Job: "web", In: time.Hour})
	}
	a := w.ordered(Order{ID: 2, Verb: VerbRestart, Job: "web", Until: w.wall.Add(time.Hour)})
	w.run(time.Minute)
	if v := w.view("web"); (a[0].Refused != nil) != (v.State == "running" && !v.Held) {
		t.Errorf("%+v: %s, held %t", a[0], v.State, v.Held)
	}
}

// A job that was disabled until a time before the boot runs at the boot.
func TestBootAfterDisabling(t *testing.T) {
	for name, all := range map[string]bool{"one": false, "all": true} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:59:30")
			d := w.define("boot", schedule.Keys{})
			d.AtBoot = true
			w.put(d)
			w.start()
			w.run(time.Minute)
			w.ran = nil
			o := Order{ID: 1, Verb: VerbDisable, Job: "boot", Until: w.wall.Add(time.Hour)}
			if all {
				o.Job = ""
			}
			w.ordered(o)
			w.reboot(30 * time.Minute)
			w.start()
			w.run(time.Minute)
			w.want("")
			w.run(time.Hour)
			w.want("") // slots that passed while it was disabled are not missed, and neither is this boot
			w.reboot(time.Minute)
			w.start()
			w.run(time.Minute)
			w.want("boot boot")
			w.ran = nil
			o.Until = w.wall.Add(time.Hour)
			w.ordered(o)
			w.reboot(2 * time.Hour)
			w.start()
			w.run(time.Minute)
			w.want("boot boot")
			w.replayed()
		})
	}
}

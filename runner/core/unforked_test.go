package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// untilIntent lets time pass until the intent of a run of the job is on disk and the run is not forked yet.
func (w *world) untilIntent(job string) *run {
	w.t.Helper()
	for range 10000 {
		for _, r := range w.c.sortedRuns() {
			if r.job.name == job && r.state == intent && w.written[r.number] {
				return r
			}
		}
		w.step(time.Minute)
	}
	w.t.Fatalf("no run of %s begins", job)
	return nil
}

// killed kills the daemon while no process of the job exists yet, and starts another one after a while.
func (w *world) killed(down time.Duration) {
	w.crash()
	w.ran = nil
	w.wall, w.boot, w.mono = w.wall.Add(down), w.boot+down, w.mono+down
	w.start()
}

// TestUnforked kills the daemon between the intent and the fork of a run. Whatever the run is for, the next daemon starts
// it once, with the same number, as long as its slot may be caught up.
func TestUnforked(t *testing.T) {
	start := func(o Order) func(w *world) {
		return func(w *world) { o.ID, o.Verb, o.Job = 1, VerbStart, "j"; w.ordered(o) }
	}
	type def = jobfile.Definition
	for _, c := range []struct {
		name   string
		keys   schedule.Keys
		change func(d *def)
		ask    func(w *world)
		down   time.Duration
		edit   func(w *world) // changes the definition while no daemon runs
		want   string         // what the next daemon executes soon; "": the run is lost
	}{
		{name: "a slot, at once", keys: clockKeys("30 * * * *"), change: func(d *def) { d.CatchUp.Max = 0 }, want: "j schedule 01 06:30:00"},
		{name: "a slot, still on time", keys: clockKeys("30 * * * *"), change: func(d *def) { d.CatchUp.Max = 0 }, down: time.Second, want: "j schedule 01 06:30:00"},
		{name: "a slot, too late", keys: clockKeys("30 * * * *"), change: func(d *def) { d.CatchUp.Max = 0 }, down: time.Minute},
		{name: "a slot with jitter, on time", keys: clockKeys("30 * * * *"), change: func(d *def) { d.CatchUp.Max, d.Jitter = 0, 10*time.Minute }, want: "j schedule 01 06:30:00"},
		{name: "a slot, caught up", keys: clockKeys("30 * * * *"), change: func(d *def) { d.CatchUp.Max = time.Hour }, down: 50 * time.Minute, want: "j schedule 01 06:30:00"},
		{name: "a slot, too late to catch up", keys: clockKeys("30 10 * * *"), change: func(d *def) { d.CatchUp.Max = time.Hour }, down: 61 * time.Minute},
		{name: "later slots, too", keys: clockKeys("*/10 * * * *"), down: 35 * time.Minute, want: "j schedule 01 06:10:00"},
		{name: "later slots, queued", keys: clockKeys("*/10 * * * *"), change: func(d *def) { d.Overlap = jobfile.Queue }, down: 35 * time.Minute,
			want: "j schedule 01 06:10:00"},
		{name: "at", keys: atKeys("2026-06-01 08:00"), down: 5 * time.Hour, want: "j schedule 01 08:00:00"},
		{name: "a lock", keys: clockKeys("30 * * * *"), change: func(d *def) { d.Lock = "disk" }, want: "j schedule 01 06:30:00"},
		{name: "at boot", change: func(d *def) { d.AtBoot = true }, down: time.Hour, want: "j boot"},
		{name: "a service", change: func(d *def) { *d = *calmWorld(t, "2026-06-01 06:00:00").service("j") }, down: time.Hour, want: "j service"},
		{name: "a person", ask: start(Order{}), down: time.Hour, want: "j manual"},
		{name: "a person, with arguments", ask: start(Order{Args: []string{"-x", "1"}}), want: "j manual"},
		{name: "a person, disabled", ask: func(w *world) {
			w.ordered(Order{ID: 1, Verb: VerbDisable, Job: "j"})
			start(Order{})(w)
		}, want: "j manual"},
		{name: "arguments lost", ask: start(Order{Args: []string{"-x", "1"}}), edit: func(w *world) { w.delayedArgs = nil }},
		{name: "a delayed start", ask: start(Order{In: time.Hour, Args: []string{"-x", "1"}}), down: time.Hour, want: "j manual"},
		{name: "removed", ask: start(Order{}), edit: func(w *world) { w.defs = nil }},
		{name: "another schedule", keys: clockKeys("30 * * * *"), edit: func(w *world) { w.put(w.define("j", clockKeys("31 * * * *"))) }},
		{name: "disabled in its file", keys: clockKeys("30 * * * *"), edit: func(w *world) {
			d := w.define("j", clockKeys("30 * * * *"))
			d.Enabled = false
			w.put(d)
		}},
		{name: "another definition", keys: clockKeys("30 * * * *"), edit: func(w *world) {
			d := w.define("j", clockKeys("30 * * * *"))
			d.ProcessHash = hashOf("other")
			w.put(d)
		}, want: "j schedule 01 06:30:00"},
		{name: "another machine", ask: start(Order{}), edit: func(w *world) {
			d := w.define("j", schedule.Keys{})
			d.Machines = []string{"elsewhere"}
			w.put(d)
		}},
		{name: "no evidence", ask: start(Order{}), edit: func(w *world) { clear(w.evidence) }},
		{name: "another boot", ask: start(Order{}), edit: func(w *world) { w.reboot(time.Minute) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 06:00:00")
			d := w.define("j", c.keys)
			if c.change != nil {
				c.change(d)
			}
			if w.put(d); d.KeepAlive != nil {
				w.lasts = time.Hour
			}
			w.start()
			if c.ask != nil {
				c.ask(w)
			}
			was := w.untilIntent("j").number
			w.crash()
			w.ran = nil
			w.wall, w.boot, w.mono = w.wall.Add(c.down), w.boot+c.down, w.mono+c.down
			if c.edit != nil {
				c.edit(w)
			}
			w.start()
			w.run(4 * time.Second)
			if got := w.runs(); got != c.want {
				t.Errorf("got the runs %q, want %q", got, c.want)
			}
			last := w.c.facts.Jobs["j"].LastRun
			switch {
			case c.want != "":
				if w.ran[0].Run != was {
					t.Errorf("got run %d, want %d", w.ran[0].Run, was)
				}
				if strings.Contains(c.name, "arguments") || strings.Contains(c.name, "delayed") {
					if got := fmt.Sprint(w.ran[0].Args); got != "[-x 1]" {
						t.Errorf("got the arguments %s, want [-x 1]", got)
					}
				}
			case last == nil || last.Run != was || last.Outcome != statefile.OutcomeLost || *last.LostStage != statefile.LostIntent:
				t.Errorf("got %+v, want run %d lost at the stage intent", last, was)
			}
			w.finishDisk()
			w.replayed()
			w.outputs()
			if i := slices.IndexFunc(w.journal, func(e statefile.Entry) bool { return e.Kind() == "epoch" }); i < 0 {
				w.account()
			}
			w.checkDelayed()
		})
	}
}

// TestUnforkedRetry: a retry that was about to start is made up for, also long after its slot.
func TestUnforkedRetry(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.script = func(s Start) (time.Duration, int) { return time.Second, 2 - s.Attempt }
	d := w.define("j", clockKeys("30 6 * * *"))
	d.Retries, d.RetryDelay, d.RetryMaxDelay, d.CatchUp.Max = 1, time.Minute, time.Minute, 0
	w.put(d)
	w.start()
	w.until("2026-06-01 06:30:30")
	r := w.untilIntent("j")
	w.killed(time.Hour)
	w.run(4 * time.Second)
	if last := w.c.facts.Jobs["j"].LastRun; len(w.ran) != 1 || last.Run != r.number || last.Attempt != 2 || last.Outcome != statefile.OutcomeExited {
		t.Errorf("got the runs %q and the last one %+v, want the retry", w.runs(), last)
	}
}

// TestUnforkedKeepsDistance: the next interval of a job with every begins with a run that was late.
func TestUnforkedKeepsDistance(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", everyKeys("1h")))
	w.start()
	w.untilIntent("j")
	w.killed(50 * time.Minute)
	began := w.mono
	w.run(3 * time.Hour)
	for _, at := range w.starts {
		if at < began {
			continue
		}
		if d := at - began; d > time.Second && d < time.Hour {
			t.Errorf("the next run came %v after the late one", d)
		}
		began = at
	}
	if len(w.ran) != 3 {
		t.Errorf("got the runs\n%s", w.runs())
	}
}

// TestUnforkedTwice: a run survives any number of crashes before its fork, and a shutdown before the first load.
func TestUnforkedTwice(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", clockKeys("30 6 * * *")))
	w.start()
	was := w.untilIntent("j").number
	for range 3 {
		w.crash()
		w.begin()
		w.handle(Shutdown{By: "TERM"})
		w.settle()
		w.run(time.Minute)
		if w.exited == nil || w.exited.Failed {
			t.Fatalf("the daemon has not ended: %+v", w.exited)
		}
		w.crash()
		w.start()
		if now := w.untilIntent("j").number; now != was {
			t.Fatalf("got run %d, want %d", now, was)
		}
	}
	w.run(time.Minute)
	if w.runs() != "j schedule 01 06:30:00" || w.view("j").LastRun.Outcome != statefile.OutcomeExited {
		t.Errorf("got the runs %q", w.runs())
	}
}

// TestUnforkedStopped: a person stops the run before the daemon knows its job. It does not start.
func TestUnforkedStopped(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", clockKeys("30 6 * * *")))
	w.start()
	was := w.untilIntent("j").number
	w.crash()
	w.begin()
	w.ordered(Order{ID: 1, Verb: VerbStop, Job: "j"})
	w.load()
	w.run(time.Minute)
	if last := w.view("j").LastRun; len(w.ran) > 0 || last.Run != was || last.Outcome != statefile.OutcomeStopped || *last.By != "uid 7" {
		t.Errorf("got the runs %q and the outcome %+v", w.runs(), last)
	}
}

// TestForkedUnrecorded: the daemon is killed between the fork and its record. The evidence names the process, so the
// next daemon knows that the run had one.
func TestForkedUnrecorded(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.put(w.define("j", schedule.Keys{}))
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j"})
	w.run(500 * time.Millisecond)
	if last := len(w.journal) - 1; w.journal[last].Kind() == "started" {
		w.journal = w.journal[:last]
	} else {
		t.Fatalf("the journal ends with %s", w.journal[last].Kind())
	}
	w.crash()
	w.run(time.Minute) // it ends
	w.start()
	w.run(5 * time.Second)
	if last := w.view("j").LastRun; last.Outcome != statefile.OutcomeLost || *last.LostStage != statefile.LostStarted || len(w.ran) != 1 {
		t.Errorf("got %+v, want it lost at the stage started", last)
	}
}

// TestForkedUnknown: the leaf of a run proves that it had a process, but nobody knows which one.
func TestForkedUnknown(t *testing.T) {
	for forked, want := range map[bool]statefile.LostStage{true: statefile.LostStarted, false: statefile.LostIntent} {
		w := calmWorld(t, "2026-06-01 06:00:00")
		w.put(w.define("j", schedule.Keys{}))
		w.start()
		w.ordered(Order{ID: 1, Verb: VerbStart, Job: "j"})
		r := w.untilIntent("j").number
		w.crash()
		facts := statefile.NewFacts("0123456789abcdef0123456789abcdef")
		for _, e := range w.journal {
			facts.Apply(e)
		}
		w.c = New(Options{Seed: 1, BootID: w.bootID, Strict: true}, facts, w.now())
		w.c.Begin(w.now(), statefile.Start{PID: 1, BootID: w.bootID})
		for range w.c.Outliving() {
			w.handle(Gone{Run: r, Forked: forked})
		}
		w.load()
		if last := w.view("j").LastRun; last == nil || last.Run != r || last.Outcome != statefile.OutcomeLost || *last.LostStage != want {
			t.Errorf("forked %t: got %+v, want it lost at the stage %s", forked, last, want)
		}
	}
}

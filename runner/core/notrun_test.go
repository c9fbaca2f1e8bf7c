package core

import (
	"testing"
	"time"
)

// TestSkippedStaysSkipped: a slot that the state file counts as skipped does not run after the daemon was killed,
// whether or not the run that it overlapped had ended.
func TestSkippedStaysSkipped(t *testing.T) {
	for name, at := range map[string]string{
		"while the run lives": "2026-06-01 06:12:00",
		"after its end":       "2026-06-01 06:20:00",
	} {
		t.Run(name, func(t *testing.T) {
			w := calmWorld(t, "2026-06-01 05:00:00")
			w.lasts = 15 * time.Minute
			w.put(w.define("j", dailyKeys("06:00", "06:10")))
			w.start()
			w.until(at)
			if v := w.view("j"); v.Skipped != 1 {
				t.Errorf("%d slots are skipped", v.Skipped)
			}
			w.crash()
			w.procs = map[uint64]*proc{} // nobody knows how it ended
			w.run(time.Minute)
			w.start()
			w.run(time.Hour)
			w.want("j schedule 01 06:00:00")
			if v := w.view("j"); v.Skipped != 1 || v.Missed != 0 {
				t.Errorf("skipped %d, missed %d", v.Skipped, v.Missed)
			}
		})
	}
}

// TestStoppedBeforeItBegan: a pending run that a person stopped does not come back as a catch-up run after a crash.
func TestStoppedBeforeItBegan(t *testing.T) {
	w := calmWorld(t, "2026-06-01 05:00:00")
	w.lasts = time.Hour
	for name, at := range map[string]string{"a": "06:00", "b": "06:10"} {
		d := w.define(name, dailyKeys(at))
		d.Lock = "l"
		w.put(d)
	}
	w.start()
	w.until("2026-06-01 06:20:00")
	w.ordered(Order{ID: 1, Verb: VerbStop, Job: "b"})
	w.crash()
	w.start()
	w.run(2 * time.Hour)
	w.want("a schedule 01 06:00:00")
}

// TestManySkippedSlots: a hanging run does not fill the journal with the slots that are skipped because of it.
func TestManySkippedSlots(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasts = 10 * time.Hour
	w.put(w.define("j", everyKeys("1s")))
	w.start()
	w.run(10 * time.Minute)
	lines, told := w.stats["skipped"], w.view("j").Skipped
	if lines > 20 || told < 500 {
		t.Errorf("%d lines tell of %d skipped slots", lines, told)
	}
	w.run(10 * time.Hour)
	w.replayed()
}

// TestNumbersNeverAgain: no later run gets the number of a run that was still pending when its daemon was killed.
func TestNumbersNeverAgain(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.lasts = time.Hour
	for _, name := range []string{"a", "b"} {
		d := w.define(name, everyKeys("1h"))
		d.Lock = "l"
		w.put(d)
	}
	w.start()
	w.ordered(Order{ID: 1, Verb: VerbStart, Job: "a"})
	waits := w.ordered(Order{ID: 2, Verb: VerbStart, Job: "b"})[0].Run
	w.crash()
	w.start()
	if next := w.ordered(Order{ID: 3, Verb: VerbStart, Job: "b"})[0].Run; next <= waits {
		t.Errorf("run %d was said to wait; the next daemon called another one run %d", waits, next)
	}
	w.off(time.Minute)
	was := w.c.lastRun
	w.off(time.Minute)
	if w.c.lastRun != was {
		t.Errorf("an orderly end skipped the numbers from %d to %d", was, w.c.lastRun)
	}
}

package core

import (
	"testing"
	"time"

	"jobsd/internal/schedule"
)

// TestBootUnknown: a daemon that does not know its boot starts nothing by at_boot, and ends nothing that lasts until
// the next boot. A daemon that knows the boot again continues from the known facts.
func TestBootUnknown(t *testing.T) {
	w := calmWorld(t, "2026-03-02 12:00:00")
	d := w.define("boot", schedule.Keys{})
	d.AtBoot = true
	w.put(d)
	s := w.define("web", schedule.Keys{})
	w.serve(s)
	w.put(s)
	w.bootID = "boot-1"
	w.start()
	w.lasts = time.Second
	w.run(5 * time.Second)
	w.ordered(Order{ID: 1, Verb: VerbStop, Job: "web", By: "uid 0"})
	w.run(5 * time.Second)
	for _, c := range []struct {
		boot  string
		known bool
		runs  uint64
		held  bool
	}{
		{"unknown-1", false, 1, true},
		{"unknown-2", false, 1, true},
		{"boot-1", true, 1, true},
		{"boot-2", true, 2, false},
		{"unknown-3", false, 2, false},
	} {
		w.crash()
		w.bootID, w.bootless = c.boot, !c.known
		w.start()
		w.run(5 * time.Second)
		if runs, held := w.view("boot").Runs, w.view("web").Held; runs != c.runs || held != c.held {
			t.Errorf("in %s: %d runs, held %t, want %d, %t", c.boot, runs, held, c.runs, c.held)
		}
		if w.c.previous.clean {
			t.Errorf("in %s: the daemon before counts as ended in order", c.boot)
		}
	}
}

package core

import (
	"strings"
	"testing"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// TestNotGivenUp: a daemon that ends does not report a run as dropped that the next daemon makes.
func TestNotGivenUp(t *testing.T) {
	w := calmWorld(t, "2026-06-01 06:00:00")
	w.script = func(s Start) (time.Duration, int) {
		if s.Reason == statefile.ReasonService || s.Attempt == 1 {
			return time.Millisecond, 1
		}
		return time.Second, 0
	}
	w.put(w.service("web"))
	d := w.define("fails", schedule.Keys{})
	d.Retries, d.RetryDelay, d.RetryMaxDelay = 1, time.Minute, time.Minute
	w.put(d)
	w.start()
	w.ask(VerbStart, "fails")
	w.run(10 * time.Second)
	for _, name := range []string{"web", "fails"} {
		if v := w.view(name); len(v.Running) != 1 || v.Running[0].State != statefile.RunPending {
			t.Fatalf("%s: %+v", name, v)
		}
	}
	w.ran = nil
	w.off(0)
	if trace := strings.Join(w.trace, "\n"); strings.Contains(trace, "before it started") {
		t.Error(trace)
	}
	w.run(2 * time.Minute)
	if ran := w.runs(); !strings.Contains(ran, "fails manual") || !strings.Contains(ran, "web service") {
		t.Error(ran)
	}
}

package runner

import (
	"testing"
	"time"
)

// TestHeartbeat: a report is due when its time has come, and one that is late is not made up for.
func TestHeartbeat(t *testing.T) {
	t.Setenv("WATCHDOG_PID", "")
	t.Setenv("WATCHDOG_USEC", "20000000")
	h := newKeepalive(time.Minute)
	for _, step := range []struct {
		now, wait time.Duration
		due       bool
	}{
		{60 * time.Second, 10 * time.Second, false},
		{69 * time.Second, time.Second, false},
		{70 * time.Second, 10 * time.Second, true},
		{79 * time.Second, time.Second, false},
		{105 * time.Second, 10 * time.Second, true},
		{106 * time.Second, 9 * time.Second, false},
	} {
		if due := h.due(step.now); due != step.due {
			t.Errorf("at %v: due is %v", step.now, due)
		}
		if wait := h.wait(step.now); wait != step.wait {
			t.Errorf("at %v: the next report is in %v, want %v", step.now, wait, step.wait)
		}
	}
	t.Setenv("WATCHDOG_USEC", "")
	if h := newKeepalive(0); h.due(time.Hour) || h.wait(0) >= 0 {
		t.Error("a report without a watchdog")
	}
}

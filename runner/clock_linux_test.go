package runner

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestWallTimerAlwaysArmed: the timer reports a resume from sleep and a set clock only while it is armed. So it is
// armed even if no job is due by the wall clock.
func TestWallTimerAlwaysArmed(t *testing.T) {
	timer, err := newWallTimer()
	if err != nil {
		t.Fatal(err)
	}
	defer timer.close()
	for _, at := range []time.Time{{}, time.Now().Add(time.Hour), {}} {
		if err := timer.arm(at); err != nil {
			t.Fatal(err)
		}
		var left unix.ItimerSpec
		if err := unix.TimerfdGettime(timer.fd, &left); err != nil {
			t.Fatal(err)
		}
		if left.Value.Nano() <= 0 {
			t.Errorf("with a job due at %s the timer is not armed", at)
		}
	}
}

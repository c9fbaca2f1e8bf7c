package runner

import (
	"os"
	"syscall"
	"testing"
	"time"
)

// TestB18ContinuedDaemonWakes: after SIGCONT the loop reads its clocks, whatever it waits for: poll(2) does not count
// the time during which the daemon was stopped.
func TestB18ContinuedDaemonWakes(t *testing.T) {
	l, _ := testLoop(t, 0)
	timer, err := newWallTimer()
	if err != nil {
		t.Fatal(err)
	}
	defer timer.close()
	pump, err := newPump(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer pump.Close()
	bootTimer, err := newBootTimer()
	if err != nil {
		t.Fatal(err)
	}
	defer bootTimer.close()
	l.pump, l.timer, l.bootTimer, l.polls = pump, timer, bootTimer, nil
	woken := make(chan error)
	go func() { woken <- l.wait() }()
	deadline := time.After(30 * time.Second)
	for {
		if err := syscall.Kill(os.Getpid(), syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-woken:
			if err != nil {
				t.Fatal(err)
			}
			if pending, _ := pump.Take(); !pending.Has(syscall.SIGCONT) {
				t.Error("it was woken by something else")
			}
			return
		case <-deadline:
			t.Fatal("SIGCONT did not wake the loop")
		case <-time.After(50 * time.Millisecond): // the loop may not have been in poll(2) yet, where EINTR ends the wait
		}
	}
}

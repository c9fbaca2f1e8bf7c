//go:build !linux

package runner

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/runner/core"
)

// uptimeRaw is CLOCK_UPTIME_RAW of macOS, which does not count sleep.
const uptimeRaw = 8

// Without CLOCK_BOOTTIME, the monotonic clock replaces it. If it stops during sleep, sleep looks like a step of the
// wall clock.
func readClocks() core.Now {
	boot := clock(unix.CLOCK_MONOTONIC)
	mono := boot
	if runtime.GOOS == "darwin" { // there CLOCK_MONOTONIC counts sleep, see clock_gettime(3)
		mono = clock(uptimeRaw)
	}
	return core.Now{Wall: wallClock(), Boot: boot, Mono: mono}
}

// wallTimer does nothing here. The poll has a limit, and each turn compares the wall clock with the monotonic clock.
type wallTimer struct {
	fd      int
	stepped bool
}

const pollCap = time.Minute

func newWallTimer() (*wallTimer, error) { return &wallTimer{fd: -1}, nil }

func (t *wallTimer) arm(time.Time) error { return nil }
func (t *wallTimer) drain()              {}
func (t *wallTimer) close()              {}

// noteContinuous is NOTE_MACH_CONTINUOUS_TIME of kevent(2) on macOS: the timer counts sleep.
const noteContinuous = 0x80

// bootTimer is a kqueue with one timer on macOS, where poll(2) does not count sleep and laptops sleep most of the time.
// Elsewhere it does nothing, and the poll waits for all deadlines.
type bootTimer struct {
	fd    int           // -1: there is none
	armed time.Duration // core.Never: it is not armed
}

func newBootTimer() (*bootTimer, error) {
	t := &bootTimer{fd: -1, armed: core.Never}
	if runtime.GOOS == "darwin" {
		if fd, err := unix.Kqueue(); err == nil {
			unix.CloseOnExec(fd)
			t.fd = fd
		}
	}
	return t, nil
}

// arm makes the timer fire at the deadlines of early, which says when it stays as it is. If it cannot be set, the poll
// waits for all deadlines, as elsewhere.
func (t *bootTimer) arm(exact, converted time.Duration) error {
	if early(t.armed, exact, converted) {
		return nil
	}
	at := min(exact, converted)
	var e unix.Kevent_t
	unix.SetKevent(&e, 1, unix.EVFILT_TIMER, unix.EV_ADD|unix.EV_ONESHOT)
	e.Fflags = unix.NOTE_NSECONDS | noteContinuous
	e.Data = int64(max(1, at-clock(unix.CLOCK_MONOTONIC)))
	if _, err := unix.Kevent(t.fd, []unix.Kevent_t{e}, nil, nil); err != nil {
		t.close()
		return nil
	}
	t.armed = at
	return nil
}

// drain takes the event of the timer, which also removes the timer.
func (t *bootTimer) drain() {
	unix.Kevent(t.fd, nil, make([]unix.Kevent_t, 1), new(unix.Timespec))
	t.armed = core.Never
}

func (t *bootTimer) close() {
	unix.Close(t.fd)
	t.fd = -1
}

package runner

import (
	"os"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/runner/core"
)

func readClocks() core.Now {
	return core.Now{Wall: wallClock(), Boot: clock(unix.CLOCK_BOOTTIME), Mono: clock(unix.CLOCK_MONOTONIC)}
}

// wallTimer is a timerfd on the wall clock. It is armed even if nothing is due, because it also reports that the clock
// was set (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). A resume from sleep shows the same way.
type wallTimer struct {
	fd      int
	armed   time.Time
	stepped bool // the clock was set just before arming, which would go unnoticed
}

// pollCap is the longest time of one poll. On Linux there is no limit.
const pollCap = -1

func newWallTimer() (*wallTimer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &wallTimer{fd: fd}, nil
}

// farFuture is armed if nothing is due: 2260-01-01, to which no clock can be set (settimeofday(2) ends in 2232).
var farFuture = time.Unix(9151488000, 0)

// arm makes the timer fire at a wall time, or never for the zero time. A timer that is already armed stays as it is.
func (t *wallTimer) arm(at time.Time) error {
	if at.IsZero() || at.After(farFuture) {
		at = farFuture
	}
	if at.Equal(t.armed) {
		return nil
	}
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, at.UnixNano()))}
	flags := unix.TFD_TIMER_ABSTIME | unix.TFD_TIMER_CANCEL_ON_SET
	err := unix.TimerfdSettime(t.fd, flags, &spec, nil)
	for err == unix.ECANCELED { // it is armed, but the clock was set since the last read, and that report is lost
		t.stepped = true
		err = unix.TimerfdSettime(t.fd, flags, &spec, nil)
	}
	if err != nil {
		return os.NewSyscallError("timerfd_settime", err)
	}
	t.armed = at
	return nil
}

func (t *wallTimer) close() { unix.Close(t.fd) }

// drain empties the timer. Whether it fired or was cancelled, a look at the clocks shows what happened.
func (t *wallTimer) drain() {
	var b [8]byte
	unix.Read(t.fd, b[:])
	t.armed = time.Time{}
}

// bootTimer is a timerfd on the boot clock.
type bootTimer struct {
	fd    int
	armed time.Duration // core.Never: it is not armed
	fired bool          // it is readable until it is set again
}

func newBootTimer() (*bootTimer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &bootTimer{fd: fd, armed: core.Never}, nil
}

// arm makes the timer fire at the deadlines of early, which says when it stays as it is.
func (t *bootTimer) arm(exact, converted time.Duration) error {
	if !t.fired && early(t.armed, exact, converted) {
		return nil
	}
	at := min(exact, converted)
	var spec unix.ItimerSpec // zero disarms it
	if at != core.Never {
		spec.Value = unix.NsecToTimespec(max(1, int64(at)))
	}
	if err := unix.TimerfdSettime(t.fd, unix.TFD_TIMER_ABSTIME, &spec, nil); err != nil {
		return os.NewSyscallError("timerfd_settime", err)
	}
	t.armed, t.fired = at, false
	return nil
}

// drain notes that the timer has fired. The next arm empties it.
func (t *bootTimer) drain() { t.fired = true }

func (t *bootTimer) close() { unix.Close(t.fd) }

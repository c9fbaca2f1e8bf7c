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

// wallTimer is a timerfd on the wall clock. It is armed even with nothing due, as it also tells that the clock was set
// (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET), which is how a resume from sleep shows as well.
type wallTimer struct {
	fd      int
	armed   time.Time
	stepped bool // the clock was set just before it was armed: that would go unseen
}

// pollCap is how long one poll may last at most; here nothing needs a look in between.
const pollCap = -1

func newWallTimer() (*wallTimer, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	return &wallTimer{fd: fd}, nil
}

// farFuture is armed when nothing is due: 2260-01-01, which no clock can be set to (settimeofday(2) ends in 2232).
var farFuture = time.Unix(9151488000, 0)

// arm has the timer fire at the wall time at, or never for the zero time. The kernel keeps a timer that is armed already.
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
	for err == unix.ECANCELED { // it is armed, but the clock was set since it was last read, and the count is gone
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

// drain makes the timer quiet again. What it says is read off the clocks: whether it fired, or was cancelled
// because the clock was set, a look at the time tells both.
func (t *wallTimer) drain() {
	var b [8]byte
	unix.Read(t.fd, b[:])
	t.armed = time.Time{}
}

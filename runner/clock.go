package runner

import (
	"time"

	"golang.org/x/sys/unix"
)

// clock reads a clock of the kernel by a system call. Its readings are written to the journal and compared across
// processes, which the readings of package time do not allow.
func clock(id int32) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(id, &ts); err != nil {
		panic("cannot read clock: " + err.Error()) // cannot happen, because the ids are constants that the kernel knows
	}
	return time.Duration(ts.Nano())
}

// wallClock returns the time without a monotonic reading. Package time reads the clock without a system call.
func wallClock() time.Time { return time.Now().Round(0) }

// bootLeeway is how late the timer on the boot clock may fire for a deadline that was converted from another clock. Two
// readings of two clocks differ a little each time.
const bootLeeway = time.Millisecond

// early reports whether a timer on the boot clock that is armed for one deadline is early enough for two others: one of
// the boot clock, and one that was converted from another clock. Each is core.Never if there is none.
//
// The timer stays armed for a deadline that does not exist any more: to wake up once for nothing costs less than a
// system call in each turn.
func early(armed, exact, converted time.Duration) bool {
	return armed <= exact && armed-bootLeeway <= converted
}

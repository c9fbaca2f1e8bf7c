package schedule

import (
	"math"
	"time"
)

// EveryAfter returns the first of the instants anchor+every, anchor+2*every, ... that is later than after, or the zero
// time unless every is positive. It ignores monotonic readings. A caller that keeps intervals across clock changes
// passes readings of a clock that never changes.
func EveryAfter(anchor time.Time, every time.Duration, after time.Time) time.Time {
	if every <= 0 {
		return time.Time{}
	}
	anchor, after = anchor.Round(0), after.Round(0)
	for after.Sub(anchor) == math.MaxInt64 { // more than 292 years: Sub returns its largest value
		anchor = anchor.Add(math.MaxInt64 / every * every)
	}
	n := max(after.Sub(anchor)/every, 0)
	return anchor.Add(n * every).Add(every)
}

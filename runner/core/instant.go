package core

import "time"

// instant is a wall-clock time in microseconds since the zero time.Time, which is the zero instant. Each job keeps some
// of them, and a time.Time takes three times the memory.
type instant int64

var zeroSecond = time.Time{}.Unix()

func instantOf(t time.Time) instant {
	return instant((t.Unix()-zeroSecond)*1e6 + int64(t.Nanosecond()/1e3))
}

// time returns the instant in UTC.
func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(int64(i/1e6)+zeroSecond, int64(i%1e6)*1e3).UTC()
}

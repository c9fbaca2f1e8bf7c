package schedule

import (
	"math"
	"time"
)

// Kind is the kind of a schedule.
type Kind uint8

// The kinds of schedules.
const (
	None  Kind = iota // only on request
	Clock             // start_at, cron, or every with from
	Every
	At
)

// Schedule says when a job is due. [Parse] makes it, and it is immutable. The zero value has the kind None, in UTC.
type Schedule struct {
	specs []spec // of Clock: the fixed ones, then the wild ones
	loc   *time.Location
	n     int64 // of Every: the interval in nanoseconds; of At: the instant in Unix seconds; of a period: the step in seconds
	wall  int64 // of At: the reading that the file names, or noWall for an instant with an offset; of a period: the first reading
	fixed int32 // how many of the specs are fixed
	kind  Kind
	local bool
}

// never is later than every instant and every reading.
const never = math.MaxInt64

// noWall is a reading that no clock shows.
const noWall = math.MinInt64

// Kind returns the kind.
func (s *Schedule) Kind() Kind { return s.kind }

// Interval returns the interval of a schedule of kind Every, between 1 s and 3650 days; else 0.
func (s *Schedule) Interval() time.Duration {
	if s.kind != Every {
		return 0
	}
	return time.Duration(s.n)
}

// Location returns the zone of the schedule. It is never nil.
func (s *Schedule) Location() *time.Location {
	if s.loc == nil {
		return time.UTC
	}
	return s.loc
}

// Local reports whether the zone is that of the machine, because the keys name no other.
func (s *Schedule) Local() bool { return s.local }

// HasWild reports whether some slots are wild: those of a cron expression whose minute or hour field begins with "*".
func (s *Schedule) HasWild() bool { return int(s.fixed) < len(s.specs) }

// Next returns the first slot strictly later than after, in Location, or the zero time if there is none. Schedules of
// kind Every and None have no slots. Next looks 41 years ahead, which finds every date that ever comes (29 February on
// a given weekday returns within 40 years), but not beyond the year 9999. It does not allocate.
func (s *Schedule) Next(after time.Time) time.Time { return s.NextAfter(after, after) }

// NextAfter is Next with a separate base for fixed and for wild times: it returns the earlier of the first fixed slot
// strictly later than fixed and the first wild slot strictly later than wild. It serves a clock that was set back:
// fixed slots that were used are not repeated (fixed is the latest of them) but wild ones follow the clock (wild is
// what it shows now). An `at` is fixed.
func (s *Schedule) NextAfter(fixed, wild time.Time) time.Time {
	u := int64(never)
	switch {
	case s.kind == At && s.n > unix(fixed):
		u = s.n
	case s.kind == Clock:
		if s.fixed > 0 || s.isPeriod() {
			u = s.nextFixed(unix(fixed))
		}
		if w := s.specs[s.fixed:]; len(w) > 0 {
			u = min(u, nextWild(w, unix(wild), s.loc))
		}
	}
	if u == never {
		return time.Time{}
	}
	return time.Unix(u, 0).In(s.loc)
}

// The range of instants in which slots are searched: those that RFC 3339 can write.
const (
	firstSecond = -62135596800 // 0001-01-01 00:00:00 UTC
	lastSecond  = 253402300799 // 9999-12-31 23:59:59 UTC
)

// unix returns the last whole second that is not later than t, limited so that an int64 cannot overflow.
func unix(t time.Time) int64 { return min(max(t.Unix(), firstSecond), lastSecond) }

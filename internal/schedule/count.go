package schedule

import (
	"math/bits"
	"time"
)

// CountAfter returns how many slots lie in (after, until], at most limit, and the first and the last of them. The last
// is exact even if there are more than limit. The times are zero if there is no slot. CountAfter counts by the
// calendar, not one by one: a year costs tens of microseconds even if the job is due every minute.
func (s *Schedule) CountAfter(after, until time.Time, limit int) (n int, first, last time.Time) {
	first = s.Next(after)
	if first.IsZero() || first.After(until) {
		return 0, time.Time{}, time.Time{}
	}
	if s.kind == At {
		return min(1, limit), first, first
	}
	return min(s.count(unix(after), unix(until)), limit), first, s.last(first, until)
}

// last returns the newest slot that is not later than until, given a slot that is not later. Next never decreases as
// its argument grows, so bisection finds the last second that still has a slot after it.
func (s *Schedule) last(slot, until time.Time) time.Time {
	lo, hi := slot.Unix(), unix(until) // Next(hi) is later than until; the newest slot is at or after lo
	for lo < hi {
		next := s.Next(time.Unix(lo+(hi-lo)/2, 0))
		if next.IsZero() || next.After(until) {
			hi = lo + (hi-lo)/2
		} else {
			lo = next.Unix()
		}
	}
	return time.Unix(lo, 0).In(s.loc)
}

// count returns how many instants in (after, until] are slots of a Clock schedule.
//
// It goes from span to span. Within a span, instants and readings differ only by the offset. Wild readings count
// whenever the clock shows them. Fixed readings count from the reading `fresh` on, because the clock has shown earlier
// ones before.
func (s *Schedule) count(after, until int64) (n int) {
	wild := s.specs[s.fixed:]
	fresh := spanAt(after, s.loc).shown(after, s.loc) + 1
	for u := after + 1; u <= until; {
		sp := spanAt(u, s.loc)
		lo, hi := u+sp.off, min(sp.end-1, until)+1+sp.off
		if s.gapIsSlot(fresh, lo) {
			n++
		}
		fresh = max(fresh, lo)
		n += countWall(wild, lo, min(fresh, hi)) + s.countReadings(fresh, hi)
		fresh = max(fresh, hi)
		u = sp.end
	}
	return n
}

// gapIsSlot reports whether the end of a gap is a slot only because fixed readings in the gap, from start on, are due
// at it. end is the reading at the end of the gap.
func (s *Schedule) gapIsSlot(start, end int64) bool {
	return s.nextReading(start, end) != never && s.countReadings(end, end+1) == 0
}

// countWall returns how many readings in [lo, hi) are in any of specs.
func countWall(specs []spec, lo, hi int64) (n int) {
	if len(specs) == 0 || lo >= hi {
		return 0
	}
	lo, hi = minuteUp(lo), minuteUp(hi)
	for midnight := lo - mod(lo, day); midnight < hi; midnight += day {
		first, end := max(lo-midnight, 0)/60, min(hi-midnight, day)/60
		n += countDay(specs, midnight, int(first), int(end))
	}
	return n
}

// countDay counts the minutes in [first, end) of the day that begins at a midnight.
func countDay(specs []spec, midnight int64, first, end int) (n int) {
	var minutes [24]uint64
	t := time.Unix(midnight, 0).UTC()
	year, month, d := t.Date()
	weekday, last := int(t.Weekday()), daysIn(year, month)
	for i := range specs {
		s := &specs[i]
		if s.months>>month&1 == 0 || !s.onDate(d, weekday, last) {
			continue
		}
		for hours := s.hours; hours != 0; hours &= hours - 1 {
			minutes[bits.TrailingZeros32(hours)] |= s.minutes
		}
	}
	for h := first / 60; h*60 < end; h++ {
		m := minutes[h]
		if skip := first - h*60; skip > 0 {
			m = m >> skip << skip
		}
		if keep := end - h*60; keep < 60 {
			m &= 1<<keep - 1
		}
		n += bits.OnesCount64(m)
	}
	return n
}

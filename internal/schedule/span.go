package schedule

import (
	"math"
	"time"
)

// far is more than the difference of two readings of a zone's clock at one instant: no offset reaches 24 hours.
const far = 48 * 3600

// horizon is how far ahead slots are searched, in seconds.
const horizon = 41 * 366 * day

// A span is a stretch of time with a constant offset. The next span may have the same offset.
type span struct {
	start, end int64 // Unix seconds; the span includes start but not end
	off        int64 // seconds to add to an instant to get the reading of the clock
}

// spanAt returns the span that contains u.
//
// Go has a bug (golang/go#81583): on 31 December of a leap year that uses the rule at the end of the zone data, the end
// of the span is before the instant. A walk over spans would then loop for ever. In this case spanAt makes the span one
// day longer. That is right because no zone changes its clock at that time, so the next span has the same offset.
func spanAt(u int64, loc *time.Location) span {
	t := time.Unix(u, 0).In(loc)
	_, off := t.Zone()
	s := span{math.MinInt64, never, int64(off)}
	start, end := t.ZoneBounds()
	if !start.IsZero() {
		s.start = start.Unix()
	}
	if !end.IsZero() {
		s.end = end.Unix()
		if s.end <= u {
			s.end = u + day
		}
	}
	return s
}

// shown returns the latest reading that the clock has shown up to and including the instant u, which lies in s. In the
// second pass of an overlap this is later than the reading at u.
func (s span) shown(u int64, loc *time.Location) int64 {
	latest := u + s.off
	for s.start > u-far {
		last := s.start - 1
		s = spanAt(last, loc)
		latest = max(latest, last+s.off)
	}
	return latest
}

// due returns the instant at which a fixed reading w is due: the first at which the clock shows w or later. The search
// begins at the instant u in s, before which the clock has not shown w.
func (s span) due(w, u int64, loc *time.Location) int64 {
	for w-s.off >= s.end {
		u = s.end
		s = spanAt(u, loc)
	}
	return max(w-s.off, u) // u, if w lies in the gap that ends at u
}

// due returns the instant at which a fixed reading is due.
func due(w int64, loc *time.Location) int64 {
	return spanAt(w-far, loc).due(w, w-far, loc)
}

// nextFixed returns the first instant after u at which a fixed reading is due, or never if there is none.
func (s *Schedule) nextFixed(u int64) int64 {
	at := spanAt(u, s.loc)
	from := at.shown(u, s.loc) + 1
	end := limit(from)
	if s.isPeriod() { // the period may begin in any year
		end = lastSecond - far
	}
	w := s.nextReading(from, end)
	switch {
	case w == never:
		return never
	case w-far > u: // skip the spans in between
		return due(w, s.loc)
	}
	return at.due(w, u, s.loc)
}

// nextWild returns the first instant after u at which the clock shows a reading in specs, or never if it shows none.
func nextWild(specs []spec, u int64, loc *time.Location) int64 {
	s := spanAt(u, loc)
	from := u + 1 + s.off
	end := limit(from)
	w := nextWall(specs, from, end)
	for w != never && w-s.off >= s.end {
		u = s.end
		s = spanAt(u, loc)
		// This is still the next match, unless the clock went back to readings that were not searched, or forward past
		// it.
		if first := u + s.off; first < from || first > w {
			from = first
			w = nextWall(specs, from, end)
		}
	}
	if w == never {
		return never
	}
	return w - s.off
}

// limit returns the reading at which a search from a reading ends. It also ends the search for a wild time that lies in
// a gap each time its date comes.
func limit(from int64) int64 { return min(from+horizon, lastSecond-far) }

package schedule

import (
	"math"
	"time"
)

// A period is `every` with `from`: readings of the clock at equal distances, where every day has 86,400 seconds. They
// are fixed times, so "every two weeks from a Tuesday at 9" stays a Tuesday at 9 when the clock changes.

// isPeriod reports whether the slots are those of a period, which begins at the reading wall and has a step of n
// seconds.
func (s *Schedule) isPeriod() bool { return s.kind == Clock && s.n > 0 }

// nextReading returns the first fixed reading in [w, end), or never if there is none.
func (s *Schedule) nextReading(w, end int64) int64 {
	if !s.isPeriod() {
		return nextWall(s.specs[:s.fixed], w, end)
	}
	if w <= s.wall {
		return below(end, s.wall)
	}
	return below(end, w+mod(s.wall-w, s.n))
}

// countReadings returns how many readings, fixed and wild, lie in [lo, hi).
func (s *Schedule) countReadings(lo, hi int64) int {
	if !s.isPeriod() {
		return countWall(s.specs, lo, hi)
	}
	lo = max(lo, s.wall)
	if hi <= lo {
		return 0
	}
	return int((hi-1-s.wall)/s.n - (lo-1-s.wall+s.n)/s.n + 1)
}

// readings returns the fixed readings in [lo, hi).
func (s *Schedule) readings(lo, hi int64) (list []int64) {
	for w := s.nextReading(lo, hi); w != never; w = s.nextReading(w+1, hi) {
		list = append(list, w)
	}
	return list
}

// parseFrom reads the first reading of a period: a date, a date with a time of day, or an instant of RFC 3339, which
// stands for what the clock in loc shows at it.
func parseFrom(text string, loc *time.Location) (wall int64, err *Error) {
	if t, ok := layout(time.DateOnly, text); ok {
		return t.Unix(), nil
	}
	u, wall, err := parseAt(text, loc)
	switch {
	case err != nil && text == "":
		return 0, wrong(`write a date such as "2026-01-06"`, "an empty date")
	case err != nil:
		return 0, wrong(`write it like "2026-01-06" or "2026-01-06 09:00"`, "%s is not a date", quote(text))
	case wall == noWall:
		wall = u + spanAt(u, loc).off
	}
	if mod(wall, 60) != 0 {
		return 0, wrong("use a whole minute", "%s has seconds", quote(text))
	}
	return wall, nil
}

// from turns `every` into a period.
func (p *parser) from(k Keys) {
	if k.From == nil {
		return
	}
	wall, err := parseFrom(*k.From, p.s.loc)
	switch {
	case err != nil:
	case k.Every == nil:
		err = wrong("add every, or remove from", "from needs every")
	case p.s.n%int64(time.Minute) != 0:
		p.fail("every", 0, *k.Every, wrong("use whole minutes, or remove from", "%s is not in whole minutes, which from requires", quote(*k.Every)))
		return
	}
	if err != nil {
		p.fail("from", 0, *k.From, err)
		return
	}
	p.s.kind, p.s.n, p.s.wall = Clock, p.s.n/int64(time.Second), wall
}

// fromText writes the first reading of a period.
func (s *Schedule) fromText() string { return time.Unix(s.wall, 0).UTC().Format(localLayout) }

// interval returns the step of a period.
func (s *Schedule) interval() time.Duration {
	return time.Duration(min(s.n, math.MaxInt64/int64(time.Second))) * time.Second
}

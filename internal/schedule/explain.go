package schedule

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Explain says what a clock change did to a slot that Next returned, "" if it did nothing. For example:
//
//	fixed: 02:30 does not exist on 2026-03-08 in America/New_York; due at 03:00 EDT
//	fixed: 01:30 is shown twice on 2026-11-01 in America/New_York; due at its first showing, 01:30 EDT
//	wild: 01:30 is shown twice on 2026-11-01 in America/New_York; due at both showings, this is the second, 01:30 EST
//	wild: 02:30 does not exist on 2026-03-08 in America/New_York; no slot
//
// The last one appears at the first slot after the gap.
func (s *Schedule) Explain(slot time.Time) string {
	e := explainer{s, slot.In(s.Location()), spanAt(slot.Unix(), s.Location())}
	var notes []string
	switch s.kind {
	case At:
		if s.wall != noWall && slot.Unix() == s.n {
			notes = e.fixed(func(lo, hi int64) []int64 { return within(s.wall, lo, hi) })
		}
	case Clock:
		notes = e.fixed(s.readings)
		if wild := s.specs[s.fixed:]; len(wild) > 0 {
			notes = append(notes, e.wild(wild)...)
		}
	}
	return strings.Join(notes, "; ")
}

// explainer explains one slot.
type explainer struct {
	s    *Schedule
	slot time.Time
	span span // the span that contains it
}

// fixed explains a slot as a fixed one; named returns the readings in [lo, hi) that the schedule names.
func (e *explainer) fixed(named func(lo, hi int64) []int64) (notes []string) {
	u := e.slot.Unix()
	if lo, hi := e.gap(); u == e.span.start && lo < hi {
		lo = max(lo, e.shownBefore()+1)
		if missing := named(lo, hi); len(missing) > 0 {
			notes = append(notes, "fixed: "+e.missing(missing)+"; due at "+e.shows(missing[0]))
		}
	}
	w := u + e.span.off
	if len(named(w, w+1)) > 0 && e.again(w) {
		notes = append(notes, "fixed: "+e.twice(w)+"; due at its first showing, "+e.shows(w))
	}
	return notes
}

// wild explains a slot as a wild one.
func (e *explainer) wild(specs []spec) (notes []string) {
	u := e.slot.Unix()
	if lo, hi := e.gap(); lo < hi && nextWild(specs, e.span.start-1, e.s.loc) == u {
		if missing := walls(specs, lo, hi); len(missing) > 0 {
			notes = append(notes, "wild: "+e.missing(missing)+"; no slot")
		}
	}
	w := u + e.span.off
	if len(walls(specs, w, w+1)) == 0 {
		return notes
	}
	which := ""
	switch {
	case e.again(w):
		which = "first"
	case w <= e.shownBefore():
		which = "second"
	default:
		return notes
	}
	return append(notes, "wild: "+e.twice(w)+"; due at both showings, this is the "+which+", "+e.shows(w))
}

// gap returns the readings that the clock skipped when the slot's span began; lo >= hi if it skipped none.
func (e *explainer) gap() (lo, hi int64) {
	start := e.span.start
	if start == math.MinInt64 {
		return 0, 0
	}
	return start + spanAt(start-1, e.s.loc).off, start + e.span.off
}

// shownBefore returns the latest reading that the clock showed before the slot.
func (e *explainer) shownBefore() int64 {
	u := e.slot.Unix() - 1
	return spanAt(u, e.s.loc).shown(u, e.s.loc)
}

// again reports whether the clock will show the slot's reading w a second time.
func (e *explainer) again(w int64) bool {
	for s := e.span; s.end <= e.slot.Unix()+far; {
		s = spanAt(s.end, e.s.loc)
		if u := w - s.off; s.start <= u && u < s.end && u > e.slot.Unix() {
			return true
		}
	}
	return false
}

func (e *explainer) twice(w int64) string {
	t := time.Unix(w, 0).UTC()
	return fmt.Sprintf("%s is shown twice on %s in %s", t.Format("15:04"), t.Format(time.DateOnly), e.s.zone())
}

// missing names readings that do not exist, at most three.
func (e *explainer) missing(walls []int64) string {
	var names []string
	for _, w := range walls[:min(len(walls), 3)] {
		names = append(names, time.Unix(w, 0).UTC().Format("15:04"))
	}
	if more := len(walls) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	verb := "do"
	if len(walls) == 1 {
		verb = "does"
	}
	date := time.Unix(walls[0], 0).UTC().Format(time.DateOnly)
	return fmt.Sprintf("%s %s not exist on %s in %s", and(names), verb, date, e.s.zone())
}

// and joins words as in a sentence.
func and(words []string) string {
	last := len(words) - 1
	if last <= 0 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " and " + words[last]
}

// shows writes what the clock shows at the slot, with the date if it differs from that of the reading w.
func (e *explainer) shows(w int64) string {
	text := e.slot.Format("15:04 MST")
	if date := e.slot.Format(time.DateOnly); date != time.Unix(w, 0).UTC().Format(time.DateOnly) {
		text += " on " + date
	}
	return text
}

// walls returns the readings of specs in [lo, hi).
func walls(specs []spec, lo, hi int64) (list []int64) {
	for w := nextWall(specs, lo, hi); w != never; w = nextWall(specs, w+1, hi) {
		list = append(list, w)
	}
	return list
}

func within(w, lo, hi int64) []int64 {
	if lo <= w && w < hi {
		return []int64{w}
	}
	return nil
}

// zone returns the name of the zone for a sentence.
func (s *Schedule) zone() string {
	if name := s.Location().String(); name != "Local" {
		return name
	}
	return "the local zone"
}

package core

import (
	"slices"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// maxWalk is how many missed slots are examined one by one. After the clock went back, a plain count would include fixed
// slots that already ran. Examining ends at the last such slot, which is hours away at most.
const maxWalk = 1000

// outlook is what a slotbook shows: consecutive slots that came due, or else when the next one is due.
type outlook struct {
	first, previous, newest time.Time // previous is the last but one
	number                  uint64    // 0: none came due
	late                    time.Duration
	anchor                  *statefile.Anchor // the new one of an `every`

	on       clock
	deadline int64
	next     time.Time // zero: no slot will ever be due
}

// look returns the slots that came due since the last one that was handed out, or when the next one is due.
func (b *slotbook) look(s *schedule.Schedule, catchUp time.Duration, m moment) outlook {
	switch s.Kind() {
	case schedule.Every:
		return b.intervals(s.Interval(), catchUp, m)
	case schedule.At, schedule.Clock:
		return b.times(s, m)
	}
	return outlook{}
}

// times does this for the times of a clock.
func (b *slotbook) times(s *schedule.Schedule, m moment) outlook {
	fixed, wild := b.bases(m)
	first := s.NextAfter(fixed, wild)
	if first.IsZero() {
		return outlook{}
	}
	if due := first.Add(b.jitter); due.After(m.Wall) {
		return outlook{on: wall, deadline: nanos(due), next: due}
	}
	until := m.Wall.Add(-b.jitter)
	n, previous, newest := 1, first, first
	for n < maxWalk && newest.Before(fixed) {
		next := s.NextAfter(latest(fixed, newest), newest)
		if next.IsZero() || next.After(until) {
			break
		}
		n, previous, newest = n+1, newest, next
	}
	if more, _, last := s.CountAfter(newest, until, 1<<30); more > 0 && !newest.Before(fixed) {
		previous = newest
		if _, _, b := s.CountAfter(newest, last.Add(-time.Nanosecond), 1<<30); more > 1 {
			previous = b
		}
		n, newest = n+more, last
	}
	return outlook{first: first, previous: previous, newest: newest, number: uint64(n), late: until.Sub(newest)}
}

// verdict says what becomes of slots that came due.
type verdict struct {
	reason statefile.Reason  // of the run that the newest slot becomes; "": none runs
	missed *statefile.NotRun // the slots that do not run, or that the run makes up for; nil: there are none
}

// judge decides about slots that came due, and hands them out. The newest one runs if it is on time or may be caught
// up. The others are missed. In doubt means that the newest may have run already, and a damaged line may have said so.
func (b *slotbook) judge(o outlook, s *schedule.Schedule, catchUp time.Duration, inDoubt bool, m moment) verdict {
	b.handOut(o.newest, m)
	if o.anchor != nil {
		b.anchor = o.anchor
	}
	all := func(reason statefile.Cause) *statefile.NotRun {
		return missedSlots(s, reason, o.first, o.newest, o.number, m)
	}
	punctual := o.late <= onTime || b.fresh && s.Kind() == schedule.At
	switch {
	case inDoubt:
		return verdict{missed: all(statefile.CauseDoubt)}
	case punctual && o.number > 1:
		return verdict{statefile.ReasonSchedule, missedSlots(s, statefile.CauseLate, o.first, o.previous, o.number-1, m)}
	case punctual:
		return verdict{reason: statefile.ReasonSchedule}
	case catches(catchUp, o.late):
		return verdict{statefile.ReasonCatchUp, all(statefile.CauseLate)}
	}
	return verdict{missed: all(statefile.CauseLate)}
}

// catches reports whether a slot that is this late is caught up. A negative limit is none.
func catches(limit, late time.Duration) bool { return limit < 0 || late <= limit }

// atDone reports whether the only slot of an `at` is settled. An `at` in the machine's own time zone is identified by
// the clock reading, so that it does not run again when the machine moves to another zone.
func atDone(f *statefile.JobFacts, s *schedule.Schedule) bool {
	const reading = "2006-01-02T15:04:05"
	at := s.Next(time.Time{})
	same := func(t statefile.Time) bool {
		return t.Time().Equal(at) || s.Local() && !t.IsZero() && t.Time().Format(reading) == at.Format(reading)
	}
	return same(f.AtDone) || slices.ContainsFunc(statefile.Items(f.AtDoneBefore), same)
}

// missedSlots describes consecutive slots that are missed for this reason.
func missedSlots(s *schedule.Schedule, reason statefile.Cause, first, last time.Time, number uint64, m moment) *statefile.NotRun {
	zone := s.Location()
	return &statefile.NotRun{Missed: true, Reason: reason, First: statefile.At(first.In(zone)), Last: statefile.At(last.In(zone)),
		Number: number, Epoch: m.epoch, At: s.Kind() == schedule.At}
}

// skippedSlot describes one slot that is skipped for this reason.
func skippedSlot(s *schedule.Schedule, reason statefile.Cause, slot time.Time, m moment) *statefile.NotRun {
	r := missedSlots(s, reason, slot, slot, 1, m)
	r.Missed = false
	return r
}

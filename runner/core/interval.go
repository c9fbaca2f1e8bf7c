package core

import (
	"time"

	"jobsd/statefile"
)

// This file counts the intervals of `every`. They are counted from the anchor on the boot clock, so that neither a clock
// change nor the length of a run shifts them. Across a reboot only the wall clock can be used.

// intervals returns what the anchor says: the slots that came due, or the next one.
func (b *slotbook) intervals(every, catchUp time.Duration, m moment) outlook {
	a := *b.anchor
	if a.BootID != m.bootID && a.Wall.Time().After(m.Wall) { // one of the two clocks is wrong
		w := m.Wall.Add(-m.Boot).Round(time.Second) // count from the boot, as all daemons of this boot do
		a = statefile.Anchor{Wall: statefile.At(w), BootID: m.bootID}
	}
	a = m.inThisBoot(a)
	n := (m.Boot - b.jitter - a.Boot) / every
	if n <= 0 {
		due := a.Boot + every + b.jitter
		return outlook{on: boot, deadline: int64(due), next: m.Wall.Add(due - m.Boot).Round(time.Second)}
	}
	o := outlook{first: b.slotOf(a, every, 1, m), previous: b.slotOf(a, every, n-1, m), newest: b.slotOf(a, every, n, m),
		number: uint64(n), late: m.Boot - b.jitter - (a.Boot + n*every)}
	o.anchor = &statefile.Anchor{Wall: statefile.At(o.newest), Boot: a.Boot + n*every, BootID: a.BootID}
	if o.late > onTime && catches(catchUp, o.late) { // two starts are always at least one interval apart
		o.anchor = new(m.anchor())
	}
	return o
}

// anchor returns the next whole second as an anchor.
func (m moment) anchor() statefile.Anchor {
	w := m.Wall.Add(time.Second - time.Nanosecond).Truncate(time.Second)
	return statefile.Anchor{Wall: statefile.At(w), Boot: m.Boot + w.Sub(m.Wall), BootID: m.bootID}
}

// inThisBoot returns an anchor as the boot clock of this boot counts.
func (m moment) inThisBoot(a statefile.Anchor) statefile.Anchor {
	if a.BootID != m.bootID {
		a.Boot, a.BootID = m.Boot-m.Wall.Sub(a.Wall.Time()), m.bootID
	}
	return a
}

// phase moves an anchor to its newest instant that is not after then, a time in the past.
func (b *slotbook) phase(a statefile.Anchor, every time.Duration, then time.Time, m moment) statefile.Anchor {
	if a.BootID != m.bootID && a.Wall.Time().After(m.Wall) {
		return m.anchor()
	}
	a = m.inThisBoot(a)
	n := max(0, (m.Boot-m.Wall.Sub(then)-a.Boot)/every)
	return statefile.Anchor{Wall: statefile.At(b.slotOf(a, every, n, m)), Boot: a.Boot + n*every, BootID: a.BootID}
}

// slotOf returns the instant of the n-th interval. It computes the instant from the anchor as long as the clock agrees,
// so that the times of slots do not vary with the readings of two clocks.
func (b *slotbook) slotOf(a statefile.Anchor, every, n time.Duration, m moment) time.Time {
	nominal := a.Wall.Time().Add(n * every)
	actual := m.Wall.Add(a.Boot + n*every - m.Boot)
	if actual.Sub(nominal).Abs() < newEpoch || b.epoch == m.epoch && !actual.After(b.last.time()) { // a slot time is never used twice
		return nominal
	}
	return actual.Round(time.Second)
}

// anchorBefore returns the anchor for a record of slots that did not run. The anchor a belongs to slot, which is either
// the last of them or the next one. The record must not settle the next one.
func anchorBefore(s *statefile.NotRun, slot time.Time, a *statefile.Anchor, every time.Duration) *statefile.Anchor {
	if a == nil || s.Last.Time().Equal(slot) {
		return a
	}
	return &statefile.Anchor{Wall: s.Last, Boot: a.Boot - every, BootID: a.BootID}
}

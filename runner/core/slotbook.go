package core

import (
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// slotbook keeps which slots of one job are settled or were handed out to runs. From that it says which slots came due
// and when the next one is. The facts of the job lag behind it: they lack the pending runs and notRun.
//
// It knows no other state of the job. Its methods get the time as a moment, and return what the core must record.
type slotbook struct {
	last      instant // the latest slot of all; fixed times count from here
	epochSlot instant // the latest slot of epoch; wildcard times count from here
	epoch     uint64
	anchor    *statefile.Anchor // for `every`
	jitter    time.Duration     // the delay of the next slot
	delay     time.Duration     // the delay of later slots: it differs if the job changed while the next slot was delayed
	next      instant           // when the next slot is due, jitter included; zero: there is none, or the job is not armed
	fresh     bool              // the times were set just now: an `at` that passed up to a minute ago still runs

	notRun *notRun // nil: empty
}

// moment is what a slotbook must know of the time.
type moment struct {
	Now
	bootID  string
	epoch   uint64         // the clock epoch
	epochAt statefile.Time // what the clock showed when it began
}

// bases returns the times after which fixed and wild slots are due. The two differ if the clock went back after the
// latest slot.
func (b *slotbook) bases(m moment) (fixed, wild time.Time) {
	fixed, wild = b.last.time(), b.epochSlot.time()
	if at := m.epochAt.Time(); b.epoch != m.epoch && at.Before(wild) {
		wild = at // the clock shows these minutes again; earlier slots that were not handed out are due or missed as usual
	}
	return fixed, wild
}

// handOut notes that a slot was handed out, and with it all earlier ones.
func (b *slotbook) handOut(slot time.Time, m moment) {
	b.jitter = b.delay
	b.epochSlot, b.epoch = instantOf(slot), m.epoch
	b.last = max(b.last, b.epochSlot)
}

// recall takes over what the facts know.
func (b *slotbook) recall(f *statefile.JobFacts, m moment) {
	b.last, b.epochSlot, b.epoch, b.anchor = instantOf(f.LastSlot.Time()), instantOf(f.EpochSlot.Time()), f.SlotEpoch, f.Anchor
	if f.LastSlotBeforeReset.Time().Sub(m.epochAt.Time()) > 48*time.Hour { // the clock was dead, not just some hours ahead
		b.leap(f.LastSlotBeforeReset.Time(), m)
	}
}

// leap skips the time that only a wrong clock made look missed. The clock was wrong, was trusted, and was then
// corrected to after beyond: the slots between the last one under the wrong clock and beyond are not missed.
func (b *slotbook) leap(beyond time.Time, m moment) {
	if !beyond.IsZero() && b.last.time().Before(beyond) && !m.Wall.Before(beyond) {
		b.handOut(beyond, m)
	}
}

// stepped notes that the wall clock was set; it would show before otherwise. Beyond is the last slot before the clock
// was last trusted although it had gone back far.
func (b *slotbook) stepped(before, beyond time.Time, m moment) {
	if last := b.last.time(); before.Before(last) && !m.Wall.Before(last) { // the clock had gone back and was corrected
		b.handOut(last, m)
	}
	if before.Before(beyond) { // the step led there, not the passing of time
		b.leap(beyond, m)
	}
}

// ahead reports whether the clock went back by an epoch's worth since the latest slot, and no epoch has begun for it.
func (b *slotbook) ahead(m moment) bool {
	return b.epoch == m.epoch && b.epochSlot.time().Sub(m.Wall) >= newEpoch
}

// forgetFuture forgets the slots after now, because the clock that they were counted by was wrong.
func (b *slotbook) forgetFuture(now time.Time) {
	b.last = min(b.last, instantOf(now))
}

// countFrom makes slots count from a time on. Earlier ones are not missed. It returns the moved anchor of an `every`.
func (b *slotbook) countFrom(from time.Time, s *schedule.Schedule, m moment) *statefile.Anchor {
	since := from
	if b.epoch == m.epoch { // the clock may have gone back a little, to a time before a slot that ran
		from = latest(from, b.epochSlot.time())
	}
	b.handOut(from, m)
	if s.Kind() != schedule.Every || b.anchor == nil {
		return nil
	}
	a := b.phase(*b.anchor, s.Interval(), since, m)
	b.anchor = &a
	return b.anchor
}

// setDelay sets how long after its slots the job is due. If the next slot has come and is being delayed, it keeps its
// delay.
func (b *slotbook) setDelay(d time.Duration, now time.Time) {
	if b.delay = d; !b.delaying(now) {
		b.jitter = d
	}
}

// delaying reports whether the next slot has come but is still delayed by jitter.
func (b *slotbook) delaying(now time.Time) bool {
	next := b.next.time()
	return b.jitter > 0 && b.next != 0 && !next.Add(-b.jitter).After(now) && next.After(now)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

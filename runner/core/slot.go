package core

import (
	"slices"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// maxWalk is how many missed slots are examined one by one. After the clock went back, a plain count would include fixed
// slots that already ran. Examining ends at the last such slot, which is hours away at most.
const maxWalk = 1000

func arm(c *Core, j *job, _ *jobfile.Job) { c.armJob(j) }

// armJob computes the job's next slot. Slots that became due in the meantime are handed out or counted first.
func (c *Core) armJob(j *job) {
	c.stopTimer(&j.timer)
	c.markDirty(j)
	j.state, j.next = waiting, time.Time{}
	if j.def.KeepAlive != nil {
		c.armService(j)
		return
	}
	if !c.active(j) || c.shutdown != nil {
		return
	}
	switch j.def.Schedule.Kind() {
	case schedule.At:
		if !atDone(j.facts, j.def) {
			c.armClock(j)
		}
	case schedule.Clock:
		c.armClock(j)
	case schedule.Every:
		c.armEvery(j)
	}
	j.fresh = false
}

func (c *Core) armAt(j *job, on clock, deadline int64, next time.Time) {
	j.state, j.next = armed, next
	c.setTimer(&j.timer, on, deadline)
}

func (c *Core) armClock(j *job) {
	s := j.def.Schedule
	fixed, wild := c.bases(j)
	first := s.NextAfter(fixed, wild)
	if first.IsZero() {
		return
	}
	if due := first.Add(j.jitter); due.After(c.now.Wall) {
		c.armAt(j, wall, nanos(due), due)
		return
	}
	until := c.now.Wall.Add(-j.jitter)
	n, previous, newest := 1, first, first // previous is the last but one
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
	c.slotsDue(j, slots{first: first, previous: previous, newest: newest, number: uint64(n), late: until.Sub(newest)}, nil)
	c.armJob(j)
}

// armEvery counts intervals from the anchor on the boot clock, so that neither a clock change nor the length of a run
// shifts them. Across a reboot it must use the wall clock.
func (c *Core) armEvery(j *job) {
	every := j.def.Schedule.Interval()
	a := *j.anchor
	if a.BootID != c.o.BootID && a.Wall.After(c.now.Wall) { // one of the two clocks is wrong
		w := c.now.Wall.Add(-c.now.Boot).Round(time.Second) // count from the boot, as all daemons of this boot do
		a = statefile.Anchor{Wall: statefile.At(w), BootID: c.o.BootID}
	}
	if a.BootID != c.o.BootID {
		a.Boot, a.BootID = c.now.Boot-c.now.Wall.Sub(a.Wall.Time), c.o.BootID
	}
	n := (c.now.Boot - j.jitter - a.Boot) / every
	if n <= 0 {
		due := a.Boot + every + j.jitter
		c.armAt(j, boot, int64(due), c.now.Wall.Add(due-c.now.Boot).Round(time.Second))
		return
	}
	late := c.now.Boot - j.jitter - (a.Boot + n*every)
	p := slots{first: c.slotOf(j, a, every, 1), previous: c.slotOf(j, a, every, n-1), newest: c.slotOf(j, a, every, n),
		number: uint64(n), late: late}
	b := statefile.Anchor{Wall: statefile.At(p.newest), Boot: a.Boot + n*every, BootID: a.BootID}
	if late > onTime && j.catches(late) { // two starts are always at least one interval apart
		b = c.anchorNow()
	}
	j.anchor = &b
	c.slotsDue(j, p, &b)
	c.armJob(j)
}

// atDone reports whether the only slot of an `at` is settled. An `at` in the machine's own time zone is identified by
// the clock reading, so that it does not run again when the machine moves to another zone.
func atDone(f *statefile.JobFacts, d *jobfile.Definition) bool {
	const reading = "2006-01-02T15:04:05"
	at := d.Schedule.Next(time.Time{})
	same := func(t statefile.Time) bool {
		return t.Equal(at) || d.Schedule.Local() && !t.IsZero() && t.Format(reading) == at.Format(reading)
	}
	return same(f.AtDone) || slices.ContainsFunc(f.AtDoneBefore, same)
}

// anchorNow returns the next whole second as an anchor.
func (c *Core) anchorNow() statefile.Anchor {
	w := c.now.Wall.Add(time.Second - time.Nanosecond).Truncate(time.Second)
	return statefile.Anchor{Wall: statefile.At(w), Boot: c.now.Boot + w.Sub(c.now.Wall), BootID: c.o.BootID}
}

// phase moves an anchor to its newest instant that is not after then, a time in the past.
func (c *Core) phase(j *job, a statefile.Anchor, every time.Duration, then time.Time) statefile.Anchor {
	if a.BootID != c.o.BootID {
		if a.Wall.After(c.now.Wall) {
			return c.anchorNow()
		}
		a.Boot, a.BootID = c.now.Boot-c.now.Wall.Sub(a.Wall.Time), c.o.BootID
	}
	n := max(0, (c.now.Boot-c.now.Wall.Sub(then)-a.Boot)/every)
	return statefile.Anchor{Wall: statefile.At(c.slotOf(j, a, every, n)), Boot: a.Boot + n*every, BootID: a.BootID}
}

// slotOf returns the instant of the n-th interval. It computes the instant from the anchor as long as the clock agrees,
// so that the times of slots do not vary with the readings of two clocks.
func (c *Core) slotOf(j *job, a statefile.Anchor, every, n time.Duration) time.Time {
	nominal := a.Wall.Add(n * every)
	actual := c.now.Wall.Add(a.Boot + n*every - c.now.Boot)
	if actual.Sub(nominal).Abs() < newEpoch || j.epoch == c.facts.Epoch && !actual.After(j.last) { // a slot time is never used twice
		return nominal
	}
	return actual.Round(time.Second)
}

// slots describes consecutive slots that came due since the last look.
type slots struct {
	first, previous, newest time.Time
	number                  uint64
	late                    time.Duration // how late the newest is
}

// slotsDue decides about slots that came due. The newest runs if it is on time or may be caught up. The others are
// missed.
func (c *Core) slotsDue(j *job, p slots, a *statefile.Anchor) {
	c.handOut(j, p.newest)
	punctual := p.late <= onTime || j.fresh && j.def.Schedule.Kind() == schedule.At
	switch {
	case c.slotInDoubt(p.newest): // it may have run; a damaged line may have said so
		c.addNotRun(j, c.missedSlots(j, statefile.ReasonDoubt, p.first, p.newest, p.number), a)
		if !j.unsettled() {
			c.flushNotRun(j)
		}
	case punctual && p.number > 1:
		c.slot(j, p.newest, statefile.ReasonSchedule, c.missedSlots(j, "late", p.first, p.previous, p.number-1), a)
	case punctual:
		c.slot(j, p.newest, statefile.ReasonSchedule, nil, a)
	case j.catches(p.late):
		c.slot(j, p.newest, statefile.ReasonCatchUp, c.missedSlots(j, "late", p.first, p.newest, p.number), a)
	default:
		c.addNotRun(j, c.missedSlots(j, "late", p.first, p.newest, p.number), a)
		if !j.unsettled() {
			c.flushNotRun(j)
		}
	}
}

// catches reports whether a slot that is this late is caught up.
func (j *job) catches(late time.Duration) bool {
	return j.def.CatchUp.Max < 0 || late <= j.def.CatchUp.Max
}

// slot hands one slot to a new run if overlap allows it. The run also gets the missed slots that it catches up: they
// are written in one batch with its intent, so that after an earlier crash they are not settled.
func (c *Core) slot(j *job, slot time.Time, reason statefile.Reason, missed *statefile.NotRun, a *statefile.Anchor) {
	if c.makeRoom(j) {
		c.newSlotRun(j, statefile.At(slot.In(j.zone())), reason, missed, a)
		return
	}
	if missed != nil {
		c.addNotRun(j, missed, anchorBefore(missed, slot, a, j.def))
	}
	if reason == statefile.ReasonSchedule {
		c.addNotRun(j, c.skippedSlot(j, "overlap", slot), a)
	}
}

// newSlotRun makes the run of a slot.
func (c *Core) newSlotRun(j *job, slot statefile.Time, reason statefile.Reason, missed *statefile.NotRun, a *statefile.Anchor) {
	r := c.newRun(j, c.nextRun(), origin{source: fromSlot, reason: reason})
	r.slot, r.anchor, r.missedSlots = slot, a, missed
	if missed != nil {
		r.missed = missed.Number
	}
	if reason == statefile.ReasonCatchUp {
		r.notBefore = c.now.Mono + c.config.CatchUpDelay
	}
}

// anchorBefore returns the anchor for a record of slots that do not run. The anchor a belongs to slot, which is either the
// last of them or the next one. The record must not settle the next one.
func anchorBefore(s *statefile.NotRun, slot time.Time, a *statefile.Anchor, d *jobfile.Definition) *statefile.Anchor {
	if a == nil || s.Last.Equal(slot) {
		return a
	}
	return &statefile.Anchor{Wall: s.Last, Boot: a.Boot - d.Schedule.Interval(), BootID: a.BootID}
}

// makeRoom decides whether a job gets a new run beside its live runs, and stops those if overlap says so.
func (c *Core) makeRoom(j *job) bool {
	c.cancelRetries(j)
	busy := j.alive()
	if busy == nil {
		return true
	}
	switch j.def.Overlap {
	case jobfile.Allow:
		return true
	case jobfile.Queue:
		return !slices.ContainsFunc(j.runs, func(r *run) bool { return r.state == pending })
	case jobfile.Replace:
		for _, r := range slices.Clone(j.runs) {
			c.skip(r, "replaced")
			c.stop(r, "replace")
		}
		return true
	}
	return false
}

// missedSlots describes consecutive slots that are missed for this reason.
func (c *Core) missedSlots(j *job, reason string, first, last time.Time, number uint64) *statefile.NotRun {
	return &statefile.NotRun{Missed: true, Job: j.name, Reason: reason, First: statefile.At(first.In(j.zone())),
		Last: statefile.At(last.In(j.zone())), Number: number, Epoch: c.facts.Epoch,
		At: j.def.Schedule.Kind() == schedule.At}
}

// skippedSlot describes one slot that is skipped for this reason.
func (c *Core) skippedSlot(j *job, reason string, slot time.Time) *statefile.NotRun {
	s := c.missedSlots(j, reason, slot, slot, 1)
	s.Missed = false
	return s
}

// logJob writes a line about a job to the daemon's log and to the job's log.
func (c *Core) logJob(j *job, level Level, text string, args ...any) {
	c.say(level, j.name, text, args...)
	c.emit(Marker{j.def, text})
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

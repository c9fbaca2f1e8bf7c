package core

import (
	"slices"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// walk is how many missed slots are looked at one by one. After a clock went back a plain count would take fixed slots
// that ran for due again; but no further than to the last of them, which is hours away at most.
const walk = 1000

func arm(c *Core, j *job, _ *jobfile.Job) { c.armJob(j) }

// armJob computes the job's next slot. Slots that came due meanwhile are handed out or counted first.
func (c *Core) armJob(j *job) {
	c.stopTimer(&j.timer)
	c.soil(j)
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
	n, before, newest := 1, first, first // before: the newest but one
	for n < walk && newest.Before(fixed) {
		next := s.NextAfter(latest(fixed, newest), newest)
		if next.IsZero() || next.After(until) {
			break
		}
		n, before, newest = n+1, newest, next
	}
	if more, _, last := s.CountAfter(newest, until, 1<<30); more > 0 && !newest.Before(fixed) {
		before = newest
		if _, _, b := s.CountAfter(newest, last.Add(-time.Nanosecond), 1<<30); more > 1 {
			before = b
		}
		n, newest = n+more, last
	}
	c.passed(j, slots{first: first, before: before, newest: newest, number: uint64(n), late: until.Sub(newest)}, nil)
	c.armJob(j)
}

// armEvery counts intervals on the boot clock from the anchor, so that neither a clock change nor the length of a run
// shifts them. Over a reboot the wall clock must serve.
func (c *Core) armEvery(j *job) {
	every := j.def.Schedule.Interval()
	a := *j.anchor
	if a.BootID != c.o.BootID && a.Wall.After(c.now.Wall) { // this clock is wrong, or that one was
		w := c.now.Wall.Add(-c.now.Boot).Round(time.Second) // count from the boot, as every daemon of this boot will
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
	p := slots{first: c.slotOf(j, a, every, 1), before: c.slotOf(j, a, every, n-1), newest: c.slotOf(j, a, every, n),
		number: uint64(n), late: late}
	b := statefile.Anchor{Wall: statefile.At(p.newest), Boot: a.Boot + n*every, BootID: a.BootID}
	if late > onTime && j.catches(late) { // two starts are never closer than the interval
		b = c.anchorNow()
	}
	j.anchor = &b
	c.passed(j, p, &b)
	c.armJob(j)
}

// atDone tells whether the one slot of an `at` is settled. One that is named by the machine's own clock is known by what
// that showed, so that it does not run again when the machine is taken to another zone.
func atDone(f *statefile.JobFacts, d *jobfile.Definition) bool {
	const reading = "2006-01-02T15:04:05"
	at := d.Schedule.Next(time.Time{})
	same := func(t statefile.Time) bool {
		return t.Equal(at) || d.Schedule.Local() && !t.IsZero() && t.Format(reading) == at.Format(reading)
	}
	return same(f.AtDone) || slices.ContainsFunc(f.AtDoneToo, same)
}

// anchorNow returns the next whole second as an anchor.
func (c *Core) anchorNow() statefile.Anchor {
	w := c.now.Wall.Add(time.Second - time.Nanosecond).Truncate(time.Second)
	return statefile.Anchor{Wall: statefile.At(w), Boot: c.now.Boot + w.Sub(c.now.Wall), BootID: c.o.BootID}
}

// phase moves an anchor on to the newest of its instants until then, a time that has passed.
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

// slotOf returns the instant of the n-th interval: by arithmetic as long as the clock agrees, so that the ids of slots
// do not waver with the readings of two clocks.
func (c *Core) slotOf(j *job, a statefile.Anchor, every, n time.Duration) time.Time {
	nominal := a.Wall.Add(n * every)
	real := c.now.Wall.Add(a.Boot + n*every - c.now.Boot)
	if real.Sub(nominal).Abs() < newEpoch || j.epoch == c.facts.Epoch && !real.After(j.last) { // a slot has one name only once
		return nominal
	}
	return real.Round(time.Second)
}

// slots is a row of slots that came due since the last look.
type slots struct {
	first, before, newest time.Time
	number                uint64
	late                  time.Duration // of the newest
}

// passed decides on slots that came due: the newest runs if it is on time or may be caught up with, the others are
// missed.
func (c *Core) passed(j *job, p slots, a *statefile.Anchor) {
	c.hand(j, p.newest)
	onTime := p.late <= onTime || j.fresh && j.def.Schedule.Kind() == schedule.At
	switch {
	case c.slotInDoubt(p.newest): // it may have run: a damaged line may have said so
		c.pass(j, c.row(j, "missed", statefile.ReasonDoubt, p.first, p.newest, p.number), a)
		if !j.unsettled() {
			c.endStreaks(j)
		}
	case onTime && p.number > 1:
		c.slot(j, p.newest, "schedule", c.row(j, "missed", "late", p.first, p.before, p.number-1), a)
	case onTime:
		c.slot(j, p.newest, "schedule", nil, a)
	case j.catches(p.late):
		c.slot(j, p.newest, "catch_up", c.row(j, "missed", "late", p.first, p.newest, p.number), a)
	default:
		c.pass(j, c.row(j, "missed", "late", p.first, p.newest, p.number), a)
		if !j.unsettled() {
			c.endStreaks(j)
		}
	}
}

// catches tells whether a slot that is so late is made up for.
func (j *job) catches(late time.Duration) bool {
	return j.def.CatchUp.Max < 0 || late <= j.def.CatchUp.Max
}

// slot hands one slot to a new run, if overlap lets it, and with it the missed ones that it makes up for: they are
// written in one batch with its intent, so that a crash before finds them unsettled.
func (c *Core) slot(j *job, slot time.Time, reason string, missed *statefile.Passed, a *statefile.Anchor) {
	if c.lap(j) {
		c.newRun(j, statefile.At(slot.In(j.zone())), reason, missed, a)
		return
	}
	if missed != nil {
		c.pass(j, missed, before(missed, slot, a, j.def))
	}
	if reason == "schedule" {
		c.pass(j, c.row(j, "skipped", "overlap", slot, slot, 1), a)
	}
}

// before is the anchor that goes with slots that passed, a being that of slot, which is the last of them or comes next:
// what is written of them must not settle it.
func before(row *statefile.Passed, slot time.Time, a *statefile.Anchor, d *jobfile.Definition) *statefile.Anchor {
	if a == nil || row.Last.Equal(slot) {
		return a
	}
	return &statefile.Anchor{Wall: row.Last, Boot: a.Boot - d.Schedule.Interval(), BootID: a.BootID}
}

// lap decides whether a job gets a new run beside what is there of it, and makes room for it where overlap says so.
func (c *Core) lap(j *job) bool {
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

// row describes slots in a row that did not become runs.
func (c *Core) row(j *job, how, reason string, first, last time.Time, number uint64) *statefile.Passed {
	return &statefile.Passed{Job: j.name, How: how, Reason: reason, First: statefile.At(first.In(j.zone())),
		Last: statefile.At(last.In(j.zone())), Number: number, Epoch: c.facts.Epoch,
		At: j.def.Schedule.Kind() == schedule.At}
}

// tell says something of a job in the daemon's log and in the job's own.
func (c *Core) tell(j *job, level Level, text string, args ...any) {
	c.say(level, j.name, text, args...)
	c.emit(Mark{j.def, text})
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

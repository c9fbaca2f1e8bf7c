package core

import (
	"fmt"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// moment returns the time of the turn for slotbooks.
func (c *Core) moment() moment {
	return moment{c.now, c.o.BootID, c.facts.Epoch, c.facts.EpochAt}
}

func arm(c *Core, j *job, _ *jobfile.Job) { c.armJob(j) }

// armJob computes the job's next slot. Slots that became due in the meantime become runs or are counted first.
func (c *Core) armJob(j *job) {
	c.stopTimer(&j.timer)
	c.markDirty(j)
	j.state, j.slots.next = waiting, 0
	if j.def.KeepAlive != nil {
		c.armService(j)
		return
	}
	if !c.active(j) || c.shutdown != nil {
		return
	}
	s := j.def.Schedule
	for c.active(j) && (s.Kind() != schedule.At || !atDone(j.facts, s)) {
		o := j.slots.look(s, j.def.CatchUp.Max, c.moment())
		if o.number == 0 {
			c.armSlot(j, o)
			break
		}
		v := j.slots.judge(o, s, j.def.CatchUp.Max, c.slotInDoubt(o.newest), c.moment())
		c.slotDue(j, o.newest, v, o.anchor)
	}
	j.slots.fresh = false
}

// armSlot waits for the next slot, if there is one.
func (c *Core) armSlot(j *job, o outlook) {
	if o.next.IsZero() {
		return
	}
	j.state, j.slots.next = armed, instantOf(o.next)
	c.setTimer(&j.timer, o.on, o.deadline)
}

// slotDue hands a slot to a new run if overlap allows it. The run also gets the missed slots that it makes up for: they
// are written in one batch with its intent, so that after an earlier crash they are not settled.
func (c *Core) slotDue(j *job, slot time.Time, v verdict, a *statefile.Anchor) {
	switch {
	case v.reason == "":
		c.addNotRun(j, v.missed, a)
		if !j.unsettled() {
			c.writeNotRun(j)
		}
	case c.makeRoom(j):
		c.newSlotRun(j, slot, v, a)
	default:
		if v.missed != nil {
			c.addNotRun(j, v.missed, anchorBefore(v.missed, slot, a, j.def.Schedule.Interval()))
		}
		if v.reason == statefile.ReasonSchedule {
			c.addNotRun(j, skippedSlot(j.def.Schedule, statefile.CauseOverlap, slot, c.moment()), a)
		}
	}
}

// newSlotRun makes the run of a slot.
func (c *Core) newSlotRun(j *job, slot time.Time, v verdict, a *statefile.Anchor) {
	r := c.newRun(j, c.nextRun(), origin{source: fromSlot, reason: v.reason})
	r.slot, r.anchor = statefile.At(slot.In(j.zone())), a
	if v.missed != nil {
		r.missed, r.missedSlots = v.missed.Number, v.missed
	}
	if v.reason == statefile.ReasonCatchUp {
		r.notBefore = c.now.Mono + c.loaded.config.CatchUpDelay
	}
}

// addNotRun counts slots that do not become runs. They are written at the end of the turn, or later if they cannot be
// written yet.
func (c *Core) addNotRun(j *job, s *statefile.NotRun, a *statefile.Anchor) {
	s.Anchor = a
	c.markDirty(j)
	c.turn.notRun = append(c.turn.notRun, j)
	if j.slots.notRun.breaks(s) && !j.unsettled() {
		c.writeNotRun(j)
	}
	if j.slots.notRun == nil {
		j.slots.notRun = &notRun{}
	}
	j.slots.notRun.add(s)
}

// writeDueNotRun writes at the end of a turn the slots that passed in it.
func (c *Core) writeDueNotRun() {
	list := c.turn.notRun
	c.turn.notRun = nil
	for _, j := range list {
		if !j.unsettled() && j.slots.notRun.due(j.alive() != nil, c.now.Mono) {
			c.writeNotRun(j)
		}
	}
}

// writeNotRun writes the slots of a job that did not become runs.
func (c *Core) writeNotRun(j *job) {
	for _, s := range j.slots.notRun.take(c.now.Mono) {
		c.recordNotRun(j, s)
	}
}

func (c *Core) recordNotRun(j *job, s *statefile.NotRun) {
	s.Job = j.name
	c.record(s)
	c.logJob(j, Info, fmt.Sprintf("%s %d: %s, %s to %s", s.Kind(), s.Number, s.Reason, s.First, s.Last))
}

// logJob writes a line about a job to the daemon's log and to the job's log.
func (c *Core) logJob(j *job, level Level, text string, args ...any) {
	c.say(level, j.name, text, args...)
	c.emit(Marker{Job: j.def, Text: text})
}

// delay returns how long after its slots a job is due.
func (c *Core) delay(d *jobfile.Definition) time.Duration {
	return schedule.Jitter(d.Jitter, c.o.MachineID, c.o.Machine, d.Name)
}

// recomputeJitter recomputes the delays of the jobs after the machine's name has changed.
func (c *Core) recomputeJitter() {
	for _, j := range c.order {
		if j.def.Jitter > 0 {
			j.slots.setDelay(c.delay(j.def), c.now.Wall)
			c.needArm(j)
		}
	}
}

package core

import (
	"slices"
	"time"

	"jobsd/statefile"
)

// orderDisable disables a job until it is enabled again. Its running runs continue, except those of a service.
func (c *Core) orderDisable(j *job, o Order) {
	if c.isPast(o) {
		return
	}
	c.disable(j, o)
	c.emit(Answer{ID: o.ID, Last: true})
}

func (c *Core) disable(j *job, o Order) {
	c.quiet(j, o.By)
	c.record(&statefile.Disabled{Job: j.name, By: c.disabledBy(o, j.facts.DisabledBy)})
	c.setAlarm(j)
	c.logJob(j, Info, "disabled by "+o.By+untilText(o), "reason", j.facts.DisabledBy.Reason)
}

// isPast refuses an order whose Until has already passed.
func (c *Core) isPast(o Order) bool {
	past := !o.Until.IsZero() && !o.Until.After(c.now.Wall)
	if past {
		c.refuse(o, "%s has passed", statefile.At(o.Until))
	}
	return past
}

func untilText(o Order) string {
	if o.Until.IsZero() {
		return ""
	}
	return " until " + statefile.At(o.Until).String()
}

// orderEnable enables a job again. A job with enabled = false in its file stays disabled.
func (c *Core) orderEnable(j *job, o Order) {
	if j.facts.DisabledBy != nil {
		c.enable(j, o.By, statefile.Time{})
	}
	switch {
	case !j.def.Enabled:
		c.refuse(o, "%s stays disabled: %s says enabled = false", j.name, j.def.File)
	case c.facts.DisabledBy != nil:
		c.refuse(o, "%s stays disabled because all jobs are disabled: jobsd enable --all enables them", j.name)
	default:
		c.emit(Answer{ID: o.ID, Last: true})
	}
}

// orderAll disables or enables all jobs at once, including jobs that are added later. Jobs that were disabled one by
// one stay disabled.
func (c *Core) orderAll(o Order) {
	switch {
	case c.isPast(o):
		return
	case o.Verb == VerbDisable:
		for _, j := range c.order {
			c.quiet(j, o.By)
		}
		c.record(&statefile.AllDisabled{By: c.disabledBy(o, c.facts.DisabledBy)})
		c.setAlarmOfAll()
		c.say(Warn, "", "all jobs were disabled"+untilText(o), "by", o.By, "reason", c.facts.DisabledBy.Reason)
	case c.facts.DisabledBy != nil:
		c.enableAll(o.By, statefile.Time{})
	}
	c.changes.daemon = true
	c.emit(Answer{ID: o.ID, Last: true})
}

// disabledBy says who disables, when and why. Without a new reason, the earlier one stays.
func (c *Core) disabledBy(o Order, before *statefile.DisabledBy) *statefile.DisabledBy {
	by := &statefile.DisabledBy{Who: o.By, When: c.at(), Reason: o.Reason}
	if before != nil && by.Reason == "" {
		by.Reason = before.Reason
	}
	if !o.Until.IsZero() {
		by.Until = statefile.At(o.Until)
	}
	return by
}

// quiet stops the services and the pending runs of a job, except those that a person requested.
func (c *Core) quiet(j *job, by string) {
	defer c.rescueJob(j) // a panic here must not keep the other jobs enabled
	for _, r := range slices.Clone(j.runs) {
		switch {
		case r.reason == statefile.ReasonService:
			c.stop(r, by)
		case r.droppable() && r.reason != statefile.ReasonManual:
			c.skip(r, statefile.CauseDisabled)
			c.stop(r, by)
		}
	}
	if !j.unsettled() {
		c.writeNotRun(j)
	}
	c.needArm(j)
	c.markDirty(j)
}

// countFrom counts the slots of a job from a time on. Slots that passed while the job was disabled are not missed.
func (c *Core) countFrom(j *job, from time.Time) {
	defer c.rescueJob(j)
	if a := j.slots.countFrom(from, j.def.Schedule, c.moment()); a != nil {
		c.record(&statefile.Anchored{Job: j.name, Anchor: *a})
	}
	c.needArm(j)
	c.markDirty(j)
}

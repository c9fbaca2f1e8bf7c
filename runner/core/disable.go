package core

import (
	"slices"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// orderDisable has a job not run until it is enabled again. What runs of it goes on, but for a service.
func (c *Core) orderDisable(j *job, o Order) {
	c.quiet(j, o.By)
	c.record(&statefile.Disabled{Job: j.name, By: c.disabledBy(o)})
	c.tell(j, Info, "disabled by "+o.By, "reason", o.Reason)
	c.emit(Answer{ID: o.ID, Last: true})
}

// orderEnable ends that. What its file says stands.
func (c *Core) orderEnable(j *job, o Order) {
	if j.facts.DisabledBy != nil {
		c.record(&statefile.Disabled{Job: j.name})
		c.tell(j, Info, "enabled by "+o.By)
		c.fromNow(j)
	}
	switch {
	case !j.def.Enabled:
		c.refuse(o, "%s stays disabled: %s says enabled = false", j.name, j.def.File)
	case c.facts.DisabledBy != nil:
		c.refuse(o, "%s stays disabled, as all jobs are: jobsd enable --all", j.name)
	default:
		c.emit(Answer{ID: o.ID, Last: true})
	}
}

// orderAll disables or enables all jobs at once, those too that are to come. Those that were disabled one by one stay so.
func (c *Core) orderAll(o Order) {
	switch {
	case o.Verb == VerbDisable:
		for _, j := range c.order {
			c.quiet(j, o.By)
		}
		c.record(&statefile.AllDisabled{By: c.disabledBy(o)})
		c.say(Warn, "", "all jobs were disabled", "by", o.By, "reason", o.Reason)
	case c.facts.DisabledBy != nil:
		c.record(&statefile.AllDisabled{})
		c.say(Info, "", "all jobs were enabled", "by", o.By)
		for _, j := range c.order {
			c.fromNow(j)
		}
	}
	c.touched = true
	c.emit(Answer{ID: o.ID, Last: true})
}

func (c *Core) disabledBy(o Order) *statefile.DisabledBy {
	return &statefile.DisabledBy{Who: o.By, When: c.at(), Reason: o.Reason}
}

// quiet has nothing of a job start any more but what a person asked for.
func (c *Core) quiet(j *job, by string) {
	defer c.rescueJob(j) // all others are to be disabled, too
	for _, r := range slices.Clone(j.runs) {
		switch {
		case r.reason == "service":
			c.stop(r, by)
		case r.state == pending && !r.durable && r.notice == nil && r.reason != "manual":
			c.skip(r, "disabled")
			c.stop(r, by)
		}
	}
	if !j.unsettled() {
		c.endStreaks(j)
	}
	c.needArm(j)
	c.soil(j)
}

// fromNow has the slots of a job count from now on: what passed while it was not to run is not missed.
func (c *Core) fromNow(j *job) {
	defer c.rescueJob(j)
	from := c.now.Wall
	if j.epoch == c.facts.Epoch { // the clock may have gone back a little, to before a slot that ran
		from = latest(from, j.wild)
	}
	c.hand(j, from)
	if j.def != nil && j.def.Schedule.Kind() == schedule.Every && j.anchor != nil {
		a := c.phase(j, *j.anchor, j.def.Schedule.Interval())
		j.anchor = &a
		c.record(&statefile.Anchored{Job: j.name, Anchor: a})
	}
	c.needArm(j)
	c.soil(j)
}

package core

import (
	"time"

	"jobsd/statefile"
)

// alarm ends the disabling of a job, or of all jobs (job nil), at the time that a person set. It uses the wall clock,
// because people mean the wall clock.
type alarm struct {
	timer timer
	job   *job
}

// setAlarm sets or stops the alarm of a job according to its facts. The facts outlive the daemon, the alarm does not.
func (c *Core) setAlarm(j *job) {
	if by := j.facts.DisabledBy; by != nil && !by.Until.IsZero() || j.alarm != nil {
		if j.alarm == nil {
			j.alarm = &alarm{job: j}
		}
		c.armAlarm(j.alarm, by)
	}
}

// setAlarmOfAll does the same for the disabling of all jobs.
func (c *Core) setAlarmOfAll() { c.armAlarm(&c.alarm, c.facts.DisabledBy) }

func (c *Core) armAlarm(a *alarm, by *statefile.DisabledBy) {
	a.timer.owner = a
	if by == nil || by.Until.IsZero() {
		c.stopTimer(&a.timer)
		return
	}
	c.setTimer(&a.timer, wall, nanos(by.Until.Time()))
}

// ring ends the disabling. Slots after the set time count, even if no daemon ran then.
func (a *alarm) ring(c *Core) {
	const by = "the --until time"
	if j := a.job; j != nil {
		if was := j.facts.DisabledBy; was != nil && j.defined() {
			c.enable(j, by, was.Until)
		}
		return
	}
	if was := c.facts.DisabledBy; was != nil {
		c.enableAll(by, was.Until)
	}
}

// ringOverdue rings at the first load the alarms that were due while no daemon ran. If the machine was booted in the
// meantime, at_boot jobs that were disabled before that boot now run for it.
func (c *Core) ringOverdue() {
	overdue := func(by *statefile.DisabledBy) bool {
		return by != nil && !by.Until.IsZero() && !by.Until.Time().After(c.now.Wall)
	}
	for _, j := range c.order {
		if j.alarm != nil && overdue(j.facts.DisabledBy) {
			j.alarm.ring(c)
		}
	}
	if overdue(c.facts.DisabledBy) {
		c.alarm.ring(c)
	}
}

// enable ends the disabling of a job. Slots count from the given time, which has passed, or from now if it is zero.
func (c *Core) enable(j *job, by string, from statefile.Time) {
	c.record(&statefile.Disabled{Job: j.name, From: from})
	c.setAlarm(j)
	c.logJob(j, Info, "enabled by "+by)
	c.countFrom(j, c.orNow(from))
	c.runAtBoot(j)
}

// enableAll does the same for all jobs at once.
func (c *Core) enableAll(by string, from statefile.Time) {
	c.record(&statefile.AllDisabled{From: from})
	c.setAlarmOfAll()
	c.say(Info, "", "all jobs were enabled", "by", by)
	for _, j := range c.order {
		c.countFrom(j, c.orNow(from))
		c.runAtBoot(j)
	}
	c.changes.daemon = true
}

func (c *Core) orNow(from statefile.Time) time.Time {
	if from.IsZero() {
		return c.now.Wall
	}
	return from.Time()
}

package core

import (
	"fmt"
	"slices"

	"jobsd/statefile"
)

// orderStart starts a run outside of the schedule.
func (c *Core) orderStart(j *job, o Order) {
	if o.In > 0 {
		c.delayStart(j, o)
		return
	}
	r, why := c.start(j, o)
	if r == nil {
		c.refuse(o, "%s", why)
		return
	}
	c.begun(o, r)
}

// start makes the run of an order, or of the delayed start that the order was. It respects overlap, lock and machines,
// but ignores disabled and held. Without a run it returns the reason.
func (c *Core) start(j *job, o Order) (r *run, why string) {
	busy, alone := j.alive(), false
	switch {
	case j.away:
		return nil, c.awayText(j)
	case busy == nil:
	case busy.state == pending && busy.why == statefile.WhyBackoff: // the next run of the service starts without a pause
		c.stopTimer(&busy.timer)
		c.pending.ask(busy)
		return busy, ""
	case o.Run != 0 && j.ending(): // a delayed start has no client that could try again
		alone = true
	case j.def.KeepAlive != nil, !c.makeRoom(j):
		return nil, fmt.Sprintf("run %d of %s is %s", busy.number, j.name, busy.state.shown())
	}
	if len(j.runs) > 0 {
		c.dropRetries(j)
	}
	r = c.manual(j, o)
	r.alone = alone
	return r, ""
}

func (c *Core) awayText(j *job) string {
	return fmt.Sprintf("%s does not run on this machine (%s)", j.name, c.o.Machine)
}

// manual makes the run that a person requested. A service that was held or in back-off starts over.
func (c *Core) manual(j *job, o Order) *run {
	from := origin{source: fromDelayed, reason: statefile.ReasonManual}
	if j.def.KeepAlive != nil {
		from.reason = statefile.ReasonService
	}
	c.release(j, o.By)
	from.inactive = !c.active(j) || j.facts.Finished
	number := o.Run
	if number == 0 {
		from.source, number = fromPerson, c.nextRun()
	}
	r := c.newRun(j, number, from)
	r.args = o.Args
	return r
}

// begun answers with the number of the run, and registers the client if it waits for the outcome.
func (c *Core) begun(o Order, r *run) {
	c.emit(Answer{ID: o.ID, Run: r.number, Last: !o.Wait})
	if o.Wait {
		r.watch(o.ID)
	}
}

// orderRestart stops the live runs and starts a new run once nothing is left of them, or at a later time. The answer is
// about the new run.
func (c *Core) orderRestart(j *job, o Order) {
	if j.away {
		c.refuse(o, "%s", c.awayText(j))
		return
	}
	if c.isPast(o) {
		return
	}
	if !o.Until.IsZero() {
		c.restartAt(j, o)
		return
	}
	old := slices.Clone(j.runs)
	r := c.manual(j, o)
	r.alone = true
	c.stopAll(old, o.By)
	c.begun(o, r)
}

// restartAt stops a job now and starts it at a given time. A service does not start before that: earlier delayed
// starts are dropped.
func (c *Core) restartAt(j *job, o Order) {
	if j.def.KeepAlive != nil {
		c.dropDelayedStarts(j, 0, o.By+" requested a restart at another time")
		if !j.facts.Held {
			c.hold(j, o.By)
		}
	} else if why := c.cannotDelay(j); why != "" {
		c.refuse(o, "%s", why)
		return
	}
	c.stopAll(slices.Clone(j.runs), o.By)
	c.delayStart(j, o)
}

// release ends a hold, or the setting aside after crashes, of an enabled job.
func (c *Core) release(j *job, by string) {
	if j.facts.Held || j.facts.SetAside {
		aside := j.facts.SetAside
		c.record(&statefile.Held{Job: j.name, By: by})
		if aside {
			c.countFrom(j, c.now.Wall)
		}
		c.needArm(j)
		c.markDirty(j)
	}
}

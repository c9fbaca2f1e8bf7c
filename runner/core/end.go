package core

import (
	"slices"
	"time"

	"jobsd/statefile"
)

const (
	reapWait = 3 * time.Second       // so long a process may lie about as a zombie before it counts as left behind
	probeMin = 10 * time.Millisecond // between looks at a draining group
	probeMax = time.Second
)

// leaderEnded publishes the outcome; the run is over when its group is empty too.
func leaderEnded(c *Core, r *run, e Event) {
	x := e.(Exited)
	over := !r.far && (!x.Group || r.keeps())
	c.end(r, r.outcome(x), !over)
	if over {
		c.forget(r)
		return
	}
	switch {
	case r.far: // its deadline stands
	case r.adopted: // its zombie counts until its parent, which is not this daemon, has reaped it
		r.spared, r.killAt = true, c.now.Mono+reapWait
	default:
		c.stopLeftovers(r)
	}
	c.to(r, draining)
	r.wait = probeMin
	c.after(&r.timer, r.wait)
	if r.far {
		c.emit(Probe{r.number, true})
	}
}

func (c *Core) stopLeftovers(r *run) {
	c.tell(r.job, Info, r.title()+" left processes behind: stopping them")
	c.signalStop(r, false) // the leader is gone
}

func (r *run) keeps() bool { return r.def != nil && r.def.KeepLeftovers && r.stopBy == "" }

// end completes and records an outcome.
func (c *Core) end(r *run, o statefile.Run, draining bool) {
	if r.notice != nil {
		c.delivered(r, &o)
		return
	}
	now := statefile.At(c.now.Wall.In(r.job.zone()))
	o.Run, o.Slot, o.Reason, o.Attempt = r.number, r.slot, r.reason, r.attempt
	o.EndedAt, o.Missed, o.Unjournaled = now, r.missed, r.unjournaled
	if !r.startedAt.IsZero() {
		o.StartedAt = statefile.At(r.startedAt.In(r.job.zone()))
	}
	switch {
	case r.startedAt.IsZero():
	case r.adopted:
		o.Duration = statefile.Seconds(max(0, now.Sub(r.startedAt.Time)))
	default:
		o.Duration = statefile.Seconds(c.now.Mono - r.started)
	}
	if j := r.job; !j.unsettled() { // the slots that it kept from running are settled with its end at the latest
		c.endStreaks(j)
	}
	ended := &statefile.Ended{Job: r.job.name, Outcome: o, Failed: r.failed(&o), Drained: !draining}
	ended.Retry = c.tryLater(r, ended)
	c.lived(r, ended)
	c.tellOutcome(r, ended)
	c.fellIntoLoop(r, ended)
	c.failedForGood(r, ended)
	c.facts.Apply(statefile.Entry{At: c.at(), Record: ended})
	c.emit(Finish{Job: r.def, Record: ended, At: c.at(), Mark: mark(r, &o)})
	level := Debug
	if ended.Failed {
		level = Warn
	}
	r.told(c, &ended.Outcome)
	c.say(level, r.job.name, "ended", "run", r.number, "outcome", words(&o), "after", time.Duration(o.Duration).Round(time.Millisecond))
	c.soil(r.job)
	if o.Outcome == "exited" && !ended.Failed {
		c.followUp(r.job)
	}
}

// forget ends a run for good: what waited for it may go on.
func (c *Core) forget(r *run) {
	if r.state == draining && r.notice == nil {
		c.record(&statefile.Drained{Job: r.job.name, Run: r.number})
	}
	c.strike(r)
}

// strike takes a run off the list.
func (c *Core) strike(r *run) {
	c.to(r, done)
	r.gone(c)
	c.vacate(r)
	c.stopTimer(&r.timer)
	delete(c.runs, r.number)
	j := r.job
	j.runs = slices.DeleteFunc(j.runs, func(o *run) bool { return o == r })
	if len(j.streaks) > 0 { // they may have waited for it
		c.streaking = append(c.streaking, j)
	}
	if r.pid > 0 || r.inherited {
		c.emit(Release{r.number})
	}
	c.regate = len(c.pending) > 0 // it may be one of them, too
	c.soil(j)
	if r.notice != nil {
		return
	}
	if c.known && len(j.runs) == 0 {
		c.moveJob(j, jeEmpty, nil)
	}
	if r.reason == "service" || j.def != nil && j.def.KeepAlive != nil { // it may have become one while this ran
		c.needArm(j)
	}
}

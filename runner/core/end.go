package core

import (
	"slices"
	"time"

	"jobsd/statefile"
)

const (
	reapWait = 3 * time.Second       // how long a leader may stay a zombie before it counts as left behind
	probeMin = 10 * time.Millisecond // the first pause between looks at a draining group
	probeMax = time.Second

	// leaveTime is how long the leftovers of a leader may take to end by themselves: a process that reads the last
	// output through a pipe, or one that is about to start its own session, or one that ends with the leader.
	leaveTime = time.Second
	leaveMin  = time.Millisecond // the pause before the first look; each following pause doubles
)

// leaderEnded publishes the outcome. The run is over when its group is empty too. Leftovers in the group get a moment
// to end, unless the run was stopped.
func leaderEnded(c *Core, r *run, e Event) {
	x := e.(Exited)
	switch {
	case r.far(): // the deadline of the stop applies
		c.end(r, r.outcome(x), leftProcesses)
		c.to(r, draining)
		r.wait = probeMin
		c.after(&r.timer, r.wait)
		c.emit(Probe{r.number, true})
	case x.Group:
		c.end(r, r.outcome(x), leftOutput)
		c.linger(r)
	default:
		c.end(r, r.outcome(x), leftNothing)
		c.forget(r)
	}
}

// left says what may be left of a run when its outcome is known.
type left uint8

const (
	leftNothing   left = iota
	leftProcesses      // what they write does not belong to the output of the run any more
	leftOutput         // processes that still write output of the run
)

// linger gives the leftovers of a run a moment to end by themselves.
func (c *Core) linger(r *run) {
	c.to(r, lingering)
	r.killAt, r.wait = c.now.Mono+leaveTime, leaveMin
	if r.adopted && !r.def.KeepLeftovers { // its zombie counts as alive until its parent, which is not this daemon, has reaped it
		r.killAt = c.now.Mono + reapWait
	}
	c.after(&r.timer, r.wait)
}

// momentOver handles the leftovers that did not end by themselves.
func (c *Core) momentOver(r *run) {
	if r.keepsLeftovers() {
		c.forget(r)
		return
	}
	c.endOutput(r)
	c.stopLeftovers(r)
}

func (c *Core) stopLeftovers(r *run) {
	c.logJob(r.job, Info, r.title()+" left processes behind; stopping them")
	c.to(r, draining)
	c.signalStop(r, false) // the leader has already ended
}

// keepsLeftovers reports whether the leftovers of the run stay alive. Stopping the run after its leader ended does not
// stop them.
func (r *run) keepsLeftovers() bool { return r.def.KeepLeftovers && !r.far() }

// end completes and records an outcome.
func (c *Core) end(r *run, o statefile.Run, rest left) {
	now := statefile.At(c.now.Wall.In(r.job.zone()))
	o.Run, o.Slot, o.Reason, o.Attempt = r.number, r.slot, r.reason, r.attempt
	o.EndedAt, o.Missed, o.Unjournaled = now, r.missed, r.unjournaled
	if !r.startedAt.IsZero() {
		o.StartedAt = statefile.At(r.startedAt.Time().In(r.job.zone()))
		o.Duration = statefile.Seconds(c.age(r))
	}
	if j := r.job; !j.unsettled() { // the slots that this run held up must be written with its end at the latest
		c.writeNotRun(j)
	}
	ended := &statefile.Ended{Job: r.job.name, Outcome: o, Failed: r.failed(&o), Drained: rest == leftNothing, Open: !r.discards()}
	c.stopTimer(&r.slow.timer)
	ended.InTime = c.inTime(r)
	ended.Retry = c.retryAfter(r, ended)
	c.completeServiceEnd(r, ended)
	c.notifyOutcome(r, ended)
	c.notifyCrashLoop(r, ended)
	c.notifyFinalFailure(r, ended)
	late, slow := r.job.facts.Late, r.job.facts.Slow
	c.record(ended)
	r.marker = outcomeMarker(r, &o)
	if ended.Open {
		c.awaitOutput(r.job.name, r.number)
	}
	if rest != leftOutput {
		c.endOutput(r)
	}
	level := Debug
	if ended.Failed {
		level = Warn
	}
	r.answerOutcome(c, &ended.Outcome)
	c.say(level, r.job.name, "ended", "run", r.number, "outcome", words(&o), "after", time.Duration(o.Duration).Round(time.Millisecond))
	c.logRecovery(r.job, late, slow)
	c.markDirty(r.job)
	if o.Outcome == statefile.OutcomeExited && !ended.Failed {
		c.expect(r.job)
		c.followUp(r.job)
	}
}

// forget ends a run for good, so that waiting runs can continue.
func (c *Core) forget(r *run) {
	c.endOutput(r)
	if l := r.live(); l != nil && l.Ended {
		c.record(&statefile.Drained{Job: r.job.name, Run: r.number})
	}
	c.unlist(r)
}

// unlist removes a run from all lists.
func (c *Core) unlist(r *run) {
	c.to(r, done)
	r.answerOver(c)
	c.pending.remove(r)
	had := c.gate.leave(r.number)
	if c.passOn(had); had != r.lock { // it was pending and may have been next
		c.passOn(r.lock)
	}
	c.stopTimer(&r.timer)
	c.stopTimer(&r.slow.timer)
	delete(c.runs, r.number)
	j := r.job
	j.runs = slices.DeleteFunc(j.runs, func(o *run) bool { return o == r })
	if j.slots.notRun.waits() { // these slots may have waited for this run
		c.turn.notRun = append(c.turn.notRun, j)
	}
	if r.pid > 0 || r.source == fromJournal {
		c.emit(Release{r.number})
	}
	c.markDirty(j)
	if c.loaded.known && len(j.runs) == 0 {
		c.moveJob(j, jeEmpty, nil)
	}
	if r.reason == statefile.ReasonService || j.def.KeepAlive != nil { // the job may have become a service while this run was running
		c.needArm(j)
	}
}

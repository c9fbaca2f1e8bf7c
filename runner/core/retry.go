package core

import (
	"slices"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// retryAfter makes the retry of a run that has just failed. It returns nil if there is no retry: no attempt is left, a
// newer run is pending, or the job has changed.
func (c *Core) retryAfter(r *run, e *statefile.Ended) *statefile.Retry {
	j := r.job
	switch {
	case !e.Failed, r.reason == statefile.ReasonService, len(r.args) > 0, r.state == outlived && c.inDoubt(r.number),
		r.def.ScheduleHash != j.def.ScheduleHash || !c.active(j),
		r.attempt > int(j.def.Retries),
		slices.ContainsFunc(j.runs[slices.Index(j.runs, r)+1:], func(o *run) bool { return o.state == pending }):
		return nil
	}
	pause := c.spread(doubled(j.def.RetryDelay, j.def.RetryMaxDelay, uint64(r.attempt-1)))
	t := &statefile.Retry{Identity: r.identity(), Due: statefile.At(c.now.Wall.Add(pause))}
	t.Run, t.Attempt = c.nextRun(), r.attempt+1
	if c.shutdown != nil { // the next daemon makes the run
		return t
	}
	again := c.newRetry(j, *t, pause)
	for _, w := range r.watches { // clients that wait for the outcome now wait for that of the retry
		if !w.over {
			again.watches = append(again.watches, w)
		}
	}
	r.watches = slices.DeleteFunc(r.watches, func(w *watch) bool { return !w.over })
	return t
}

// newRetry makes the pending run of a retry, which is admitted after a pause.
func (c *Core) newRetry(j *job, t statefile.Retry, pause time.Duration) *run {
	r := c.newRun(j, t.Run, origin{source: fromRetry, reason: t.Reason})
	r.slot, r.epoch, r.attempt, r.missed, r.why = t.Slot, t.Epoch, t.Attempt, t.Missed, statefile.WhyRetry
	if pause > 0 {
		c.after(&r.timer, pause)
	}
	return r
}

// resumeRetries resumes the retries that were pending when the previous daemon ended.
func (c *Core) resumeRetries(j *job) {
	if !j.defined() {
		return
	}
	for _, t := range statefile.Items(j.facts.Retries) {
		if t.Attempt > int(j.def.Retries)+1 || !c.active(j) {
			c.dropRetry(j, j.def, t.Run, "changed")
			continue
		}
		if c.inDoubt(t.Run) {
			c.dropRetry(j, j.def, t.Run, doubtText)
			continue
		}
		pause := min(t.Due.Time().Sub(c.now.Wall), j.def.RetryMaxDelay) // a clock that was set must not delay it for long
		c.newRetry(j, t, pause)
	}
}

// retrying reports whether the run waits for its next attempt, which a new slot drops.
func (r *run) retrying() bool { return r.state == pending && r.retries() }

// dropRetries drops the retries of a job, because a new slot is due.
func (c *Core) dropRetries(j *job) {
	for _, r := range slices.Clone(j.runs) {
		if r.retrying() {
			c.dropRetry(j, r.def, r.number, "new slot")
			c.stop(r, "replace")
		}
	}
}

// dropRetry makes a failure final whose retry is dropped.
func (c *Core) dropRetry(j *job, d *jobfile.Definition, run uint64, why string) {
	g := &statefile.Dropped{Job: j.name, Run: run, Why: why}
	if c.mustNotifyFailure(j, d) {
		g.Notifications, g.FailureNotified = c.notifyFailure(j, d, "failure", j.facts.LastRun)
	} else {
		g.Notifications = c.owe(j, c.checksOf(d), "failure", j.facts.LastRun)
	}
	c.record(g)
	c.logJob(j, Warn, "no more retries: "+why)
}

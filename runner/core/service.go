package core

import (
	"fmt"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// crashLoopRuns is the number of short runs in a row from which a service counts as in a crash loop.
const crashLoopRuns = 5

// armService brings a service into the wanted state: one live run of the newest definition, or none. Each change of
// either arms the job again: a load, an order, an end, or a run that became stable.
func (c *Core) armService(j *job) {
	succeeded := j.facts.Consecutive == 0
	over := j.facts.Finished && !j.def.KeepAlive.Restart.After(succeeded)
	wanted := c.active(j) && !over && c.shutdown == nil
	for _, r := range j.services() {
		r.inactive = r.inactive && !wanted // the job was enabled since, so the run is like any other
		switch {
		case r.stopBy != "":
		case r.droppable() && wanted:
			r.def = j.def
		case r.inactive && c.shutdown == nil:
		case !wanted, r.def.ProcessHash != j.def.ProcessHash:
			c.stop(r, "reload")
		default:
			r.def = j.def
			c.watchStability(j, r)
		}
	}
	if wanted && j.alive() == nil {
		c.startService(j)
	}
}

// services returns the job's live runs as a service.
func (j *job) services() (list []*run) {
	for _, r := range j.runs {
		if r.reason == statefile.ReasonService && !r.state.ended() {
			list = append(list, r)
		}
	}
	return list
}

// startService makes the next run of a service. It starts after a pause if the last runs were short.
func (c *Core) startService(j *job) {
	r := c.newRun(j, c.nextRun(), origin{source: fromService, reason: statefile.ReasonService})
	pause := c.spread(backoff(j.def.KeepAlive, j.facts.ShortRuns))
	deaths := statefile.Items(j.facts.Deaths)
	if n := len(deaths); n > 0 && pause > 0 { // time without a daemon counts as waiting, too
		pause -= min(pause, max(0, c.now.Wall.Sub(deaths[n-1].At.Time())))
	}
	if pause > 0 {
		r.why = statefile.WhyBackoff
		c.after(&r.timer, pause)
	}
}

// backoff returns the pause after a number of short runs in a row. It is zero at first and then doubles: a single
// death must not delay the service, but a service that dies again and again must not keep the machine busy.
func backoff(k *jobfile.KeepAlive, short uint64) time.Duration {
	if short < 2 {
		return 0
	}
	return doubled(k.Delay, k.MaxDelay, short-2)
}

// doubled returns d * 2^n, but at most limit.
func doubled(d, limit time.Duration, n uint64) time.Duration {
	for ; n > 0 && d < limit; n-- {
		d *= 2
	}
	return min(d, limit)
}

// spread adds up to a tenth, so that jobs that failed together are not retried together.
func (c *Core) spread(d time.Duration) time.Duration {
	if d < 10 {
		return d
	}
	return d + time.Duration(c.rng.Int64N(int64(d)/10+1))
}

// watchStability arms the job again for the time when a run that follows short ones becomes stable, and records that
// then.
func (c *Core) watchStability(j *job, r *run) {
	if r.state != running || j.facts.ShortRuns == 0 && j.facts.Consecutive == 0 && !j.facts.FailureNotified {
		return
	}
	left := j.def.KeepAlive.Stable - c.age(r)
	if left > 0 {
		c.setTimer(&j.timer, mono, int64(c.now.Mono+left))
		return
	}
	was := j.inCrashLoop() || j.facts.FailureNotified // a reload that fixed the service has reset the count
	rec := &statefile.Stable{Job: j.name, Run: r.number}
	if was {
		rec.Notifications = c.notifyRecovery(j, j.def, []string{"failure"}, "", nil)
		c.logJob(j, Info, fmt.Sprintf("left the crash loop: run %d has been up for %s", r.number, j.def.KeepAlive.Stable))
	}
	c.record(rec)
	c.markDirty(j)
}

// age returns how long a run has been alive, without the sleep of the machine. Of a run of the previous daemon, the time
// before this daemon began is by the wall clock and its recorded steps.
func (c *Core) age(r *run) time.Duration { return c.now.Mono - r.started }

func (j *job) inCrashLoop() bool {
	return j.def.KeepAlive != nil && j.facts.ShortRuns >= crashLoopRuns
}

// completeServiceEnd completes the record of the end of a run of a service.
func (c *Core) completeServiceEnd(r *run, e *statefile.Ended) {
	o := &e.Outcome
	if r.reason != statefile.ReasonService || r.def.KeepAlive == nil {
		return
	}
	// Nobody knows how a lost run ended. Most are lost in a power failure, and the boot after that starts every
	// service.
	known := o.Outcome != statefile.OutcomeStopped && o.Outcome != statefile.OutcomeLost
	e.Finished = known && e.Retry == nil && !r.def.KeepAlive.Restart.After(!e.Failed)
	if r.state == outlived && c.inDoubt(r.number) && !r.def.KeepAlive.Restart.After(true) { // it may have succeeded, unless the machine went down
		l := r.live()
		e.Finished = l != nil && (l.BootID == c.o.BootID || l.BootID == "")
	}
	e.Short = known && !e.Finished &&
		time.Duration(o.Duration) < r.def.KeepAlive.Stable
}

// notifyFinalFailure adds the notification of a service that failed and will not be restarted. It cannot enter a crash
// loop, which would be notified otherwise.
func (c *Core) notifyFinalFailure(r *run, e *statefile.Ended) {
	j := r.job
	if !e.Finished || !e.Failed || j.facts.FailureNotified {
		return
	}
	e.Notifications, e.FailureNotified = c.notifyFailure(j, r.def, "failure", &e.Outcome)
}

// notifyCrashLoop logs and notifies a crash loop when a short run is the last of the number in a row that makes one.
func (c *Core) notifyCrashLoop(r *run, e *statefile.Ended) {
	j := r.job
	if !e.Short || j.facts.ShortRuns+1 != crashLoopRuns {
		return
	}
	e.Notifications, e.FailureNotified = c.notifyFailure(j, r.def, "crash_loop", &e.Outcome)
	c.logJob(j, Error, fmt.Sprintf("crash loop: %d short runs in a row", crashLoopRuns))
}

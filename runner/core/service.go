package core

import (
	"fmt"
	"slices"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// looping is from how many short lives in a row on a service is said to be in a crash loop.
const looping = 5

// armService makes what is of a service what is wanted of it: one run that lives, of the newest definition, or none.
// Whatever changes either has the job armed anew: a load, an order, an end, a life that has become stable.
func (c *Core) armService(j *job) {
	succeeded := j.facts.Consecutive == 0
	over := j.facts.Finished && !j.def.KeepAlive.Restart.After(succeeded)
	wanted := c.active(j) && !over && c.shutdown == nil
	for _, r := range j.services() {
		r.forced = r.forced && !wanted // enabled since: it is like any other
		switch {
		case r.def == nil || r.stopBy != "":
		case r.state == pending && !r.durable && wanted:
			r.def = j.def
		case r.forced && c.shutdown == nil:
		case !wanted, r.def.ProcessHash != j.def.ProcessHash:
			c.stop(r, "reload")
		default:
			r.def = j.def
			c.watchLife(j, r)
		}
	}
	if wanted && j.alive() == nil {
		c.bringUp(j)
	}
}

// services returns the job's runs that were started to be kept alive.
func (j *job) services() (list []*run) {
	for _, r := range j.runs {
		if r.reason == "service" && r.state < draining {
			list = append(list, r)
		}
	}
	return list
}

// bringUp makes the next life of a service, to be started after a pause if the last ones were short.
func (c *Core) bringUp(j *job) {
	r := c.newRun(j, statefile.Time{}, "service", nil, nil)
	pause := c.spread(backoff(j.def.KeepAlive, j.facts.ShortLives))
	if n := len(j.facts.Deaths); n > 0 && pause > 0 { // a daemon that was down has waited, too
		pause -= min(pause, max(0, c.now.Wall.Sub(j.facts.Deaths[n-1].At.Time)))
	}
	if pause > 0 {
		r.why = "backoff"
		c.after(&r.timer, pause)
	}
}

// backoff returns the pause after so many short lives in a row: none at first, then doubling. What dies once may be back
// at once; what dies again and again must not keep the machine busy.
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

// spread adds up to a tenth, so that what failed together does not come back together.
func (c *Core) spread(d time.Duration) time.Duration {
	if d < 10 {
		return d
	}
	return d + time.Duration(c.rng.Int64N(int64(d)/10+1))
}

// watchLife has the job armed again when a life that follows short ones has become stable, and notes it then.
func (c *Core) watchLife(j *job, r *run) {
	if r.state != running || j.facts.ShortLives == 0 && j.facts.Consecutive == 0 && !j.facts.Told {
		return
	}
	left := j.def.KeepAlive.Stable - c.age(r)
	if left > 0 {
		c.setTimer(&j.timer, mono, int64(c.now.Mono+left))
		return
	}
	was := j.crashLoop() || j.facts.Told // a reload that cured it has ended the count, too
	rec := &statefile.Stable{Job: j.name, Run: r.number}
	if was {
		rec.Owes = c.owe(j, j.def, "recovery", nil)
		c.tell(j, Info, fmt.Sprintf("left the crash loop: run %d has been up for %s", r.number, j.def.KeepAlive.Stable))
	}
	c.record(rec)
	c.soil(j)
}

// age returns for how long a run has lived.
func (c *Core) age(r *run) time.Duration {
	if r.adopted && !r.startedAt.IsZero() {
		return max(0, c.now.Wall.Sub(r.startedAt.Time))
	}
	return c.now.Mono - r.started
}

func (j *job) crashLoop() bool {
	return j.def != nil && j.def.KeepAlive != nil && j.facts.ShortLives >= looping
}

// lived completes the record of the end of a service's life.
func (c *Core) lived(r *run, e *statefile.Ended) {
	o := &e.Outcome
	if r.reason != "service" || r.def == nil || r.def.KeepAlive == nil {
		return
	}
	// Nobody knows how a lost run ended. Most are lost as the power fails, and the boot after that starts every service.
	known := o.Outcome != "stopped" && o.Outcome != "lost"
	e.Finished = known && e.Retry == nil && !r.def.KeepAlive.Restart.After(!e.Failed)
	if r.lost && c.inDoubt(r.number) && !r.def.KeepAlive.Restart.After(true) { // it may have ended well, unless the machine went down
		e.Finished = slices.ContainsFunc(r.job.facts.Live, func(l statefile.Live) bool {
			return l.Run == r.number && (l.BootID == c.o.BootID || l.BootID == "")
		})
	}
	e.Short = known && !e.Finished &&
		time.Duration(o.Duration) < r.def.KeepAlive.Stable
}

// failedForGood tells what is owed when a service has failed and is not to be started again: it will fall into no crash
// loop that would be told.
func (c *Core) failedForGood(r *run, e *statefile.Ended) {
	j := r.job
	if !e.Finished || !e.Failed || j.facts.Told {
		return
	}
	e.Alarm = true
	e.Owes = append(e.Owes, c.owe(j, r.def, "failure", &e.Outcome)...)
}

// fellIntoLoop tells what is owed and said when a service has just died young once too often.
func (c *Core) fellIntoLoop(r *run, e *statefile.Ended) {
	j := r.job
	if !e.Short || j.facts.ShortLives+1 != looping {
		return
	}
	e.Alarm = true
	e.Owes = append(e.Owes, c.owe(j, r.def, "crash_loop", &e.Outcome)...)
	c.tell(j, Error, fmt.Sprintf("crash loop: %d short lives in a row", looping))
}

package core

import (
	"time"

	"jobsd/statefile"
)

// loadPatience is how long a shutdown waits for the first load.
const loadPatience = 5 * time.Second

// early is a shutdown that came before the first load while runs of the previous daemon are alive. Only the definitions
// say how to stop each run.
type early struct {
	timer timer
	e     *Shutdown
}

func (s *early) ring(c *Core) { c.shutAfterLoad() }

// shut begins to stop all jobs, or leaves them running and ends. A second request hurries.
func (c *Core) shut(e Shutdown) {
	switch {
	case c.loaded.ready || e.Leave || c.shutdown != nil || len(c.runs) == 0:
	case c.early.e == nil:
		c.early.e, c.early.timer.owner = &e, &c.early
		c.after(&c.early.timer, loadPatience)
		return
	default:
		c.stopTimer(&c.early.timer)
		e.By, e.Hurry = c.early.e.By, true
	}
	c.shutNow(e)
}

// shutAfterLoad performs a shutdown that waited for the first load.
func (c *Core) shutAfterLoad() {
	if e := c.early.e; e != nil {
		c.early.e = nil
		c.stopTimer(&c.early.timer)
		c.shutNow(*e)
	}
}

// shutNow performs a shutdown.
func (c *Core) shutNow(e Shutdown) {
	if c.over || c.shutdown != nil && c.shutdown.Hurry {
		return
	}
	if e.Upgrade && c.shutdown != nil {
		return
	}
	if c.shutdown != nil && !c.shutdown.Upgrade && !e.Leave {
		e.By, e.Hurry = c.shutdown.By, true
	}
	c.shutdown = &e
	c.awaitMessages()
	c.changes.daemon = true
	if !e.Upgrade { // otherwise the clients ask the next program, because their connections end
		c.refuseReloads()
	}
	for _, r := range c.sortedRuns() {
		if r.state == pending {
			c.dropAtShutdown(r)
		}
	}
	for _, j := range c.order {
		c.stopTimer(&j.timer)
		c.stopLate(j)
	}
	if e.Leave { // the daemon ends once each starting run has its process in the journal
		c.say(Info, "", "leaving the jobs running", "by", e.By, "running", len(c.runs)-c.waiting())
		for _, r := range c.sortedRuns() {
			switch {
			case r.state == pending:
				c.stop(r, "shutdown")
			}
		}
		return
	}
	if !e.Hurry {
		c.say(Info, "", "stopping all jobs", "by", e.By, "running", len(c.runs)-c.waiting())
	} else {
		c.say(Warn, "", "killing all jobs", "by", e.By, "running", len(c.runs)-c.waiting())
	}
	for _, r := range c.sortedRuns() {
		c.stop(r, "shutdown")
	}
}

// leave ends the daemon cleanly.
func (c *Core) leave() {
	for _, j := range c.order {
		c.writeNotRun(j)
	}
	c.record(&statefile.Clean{By: c.shutdown.By, LastRun: c.lastRun})
	c.emit(Exit{Failed: c.shutdown.Hurry, Upgrade: c.shutdown.Upgrade})
	c.over = true
	for _, r := range c.runs {
		c.stopTimer(&r.timer)
	}
	c.runs, c.pending = map[uint64]*run{}, waitlist{}
}

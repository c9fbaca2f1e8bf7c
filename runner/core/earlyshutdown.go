package core

import "time"

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

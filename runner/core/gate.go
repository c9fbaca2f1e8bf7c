package core

import (
	"cmp"
	"slices"

	"jobsd/internal/jobfile"
)

// startingMost is how many runs are on their way from the intent to the process at once: each holds a log open, and
// what the disk cannot make durable in time is started unjournaled.
const startingMost = 256

// wait has a run wait to be let in.
func (c *Core) wait(r *run) {
	c.pending = append(c.pending, r)
	c.regate, c.shuffled = true, true
}

// admit lets in the pending runs that nothing holds back, in order of slot, then name.
func (c *Core) admit() {
	if c.shuffled {
		c.shuffled = false
		slices.SortStableFunc(c.pending, func(a, b *run) int {
			return cmp.Or(a.slot.Compare(b.slot.Time), cmp.Compare(a.job.name, b.job.name))
		})
	}
	held := c.pending[:0]
	for i, r := range c.pending {
		if c.starting >= startingMost {
			held = append(held, c.pending[i:]...)
			break
		}
		if r.state != pending { // dropped
			continue
		}
		if why := c.tryGate(r); why != "" {
			if r.state != pending { // something went wrong with it
				continue
			}
			if r.why != why {
				r.why = why
				c.soil(r.job)
			}
			held = append(held, r)
			continue
		}
		c.move(r.number, evAdmit, nil)
	}
	clear(c.pending[len(held):])
	c.pending = held
}

func (c *Core) tryGate(r *run) (why string) {
	c.inHand = r.job.name
	why = "internal_error"
	defer c.rescueRun(r, evAdmit)
	return c.gate(r)
}

// gate says what a pending run waits for; "" when nothing holds it back.
func (c *Core) gate(r *run) string {
	if r.timer.set() {
		return r.why // of a failed fork, a retry, a service that died young
	}
	if r.notice != nil {
		return ""
	}
	for _, other := range r.job.runs {
		switch {
		case other.state == pending && other.number < r.number && !other.durable && !r.durable && !other.settled && !r.settled:
			return other.why // in order of slot: what is written of a later one would settle this one too
		case other == r || other.state == pending:
		case other.state == draining:
			return "draining"
		case r.def.Overlap != jobfile.Allow || r.alone:
			return "overlap"
		}
	}
	if r.occupies {
		return ""
	}
	if c.locks[r.def.Lock] != nil {
		return "lock"
	}
	if most := c.config.MaxRunning; most > 0 && c.running >= most && r.def.KeepAlive == nil {
		return "max_running"
	}
	if r.reason == "catch_up" {
		return c.gateCatchUp(r)
	}
	return ""
}

// gateCatchUp spreads what a boot or a resume brings all at once.
func (c *Core) gateCatchUp(r *run) string {
	if c.now.Mono < r.notBefore {
		c.setTimer(&r.timer, mono, int64(r.notBefore))
		return "catch_up"
	}
	if c.catching >= max(2, c.o.CPUs) {
		return "catch_up"
	}
	return ""
}

// occupy takes the lock of a run and counts it among those that run. It holds both until nothing of it is left.
func (c *Core) occupy(r *run) {
	if r.occupies || r.notice != nil {
		return
	}
	r.occupies = true
	if r.def.Lock != "" && c.locks[r.def.Lock] == nil {
		c.locks[r.def.Lock] = r
	}
	if r.reason == "catch_up" {
		c.catching++
	}
	if r.def.KeepAlive == nil {
		c.running++
	}
}

func (c *Core) vacate(r *run) {
	if !r.occupies {
		return
	}
	r.occupies = false
	if c.locks[r.def.Lock] == r {
		delete(c.locks, r.def.Lock)
	}
	if r.reason == "catch_up" {
		c.catching--
	}
	if r.def.KeepAlive == nil {
		c.running--
	}
}

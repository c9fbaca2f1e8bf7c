package core

import (
	"cmp"
	"slices"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// maxStarting is how many runs may be between intent and process at once. Each holds a log open. Without a limit, a
// slow disk would delay their intents so long that they start unjournaled.
const maxStarting = 256

// whyBroken stands for a panic, which drops the run.
const whyBroken statefile.Why = "internal_error"

// wait adds a run to the pending ones.
func (c *Core) wait(r *run) {
	c.pending = append(c.pending, r)
	c.regate, c.shuffled = true, true
}

// admit lets in the pending runs that nothing holds back, ordered by slot, then by name.
func (c *Core) admit() {
	if c.shuffled {
		c.shuffled = false
		slices.SortStableFunc(c.pending, func(a, b *run) int {
			return cmp.Or(a.slot.Compare(b.slot.Time), cmp.Compare(a.job.name, b.job.name))
		})
	}
	held := c.pending[:0]
	for i, r := range c.pending {
		if c.starting >= maxStarting {
			held = append(held, c.pending[i:]...)
			break
		}
		if r.state != pending { // dropped
			continue
		}
		if why := c.tryGate(r); why != "" {
			if r.state != pending { // an internal error dropped it
				continue
			}
			if r.why != why {
				r.why = why
				c.markDirty(r.job)
			}
			held = append(held, r)
			continue
		}
		c.move(r.number, evAdmit, nil)
	}
	clear(c.pending[len(held):])
	c.pending = held
}

func (c *Core) tryGate(r *run) (why statefile.Why) {
	c.inHand = r.job.name
	why = whyBroken
	defer c.rescueRun(r, evAdmit)
	return c.gate(r)
}

// gate returns what a pending run waits for, or "" if nothing holds it back.
func (c *Core) gate(r *run) statefile.Why {
	if r.timer.set() {
		return r.why // after a failed fork, before a retry, or after a short life of a service
	}
	if r.delivery != nil {
		return ""
	}
	for _, other := range r.job.runs {
		switch {
		case other.state == pending && other.number < r.number && other.queues() && r.queues():
			return other.why // keep the order of slots: a record of a later slot would settle this one, too
		case other == r || other.state == pending:
		case other.state.ended():
			return statefile.WhyDraining
		case r.def.Overlap != jobfile.Allow || r.alone:
			return statefile.WhyOverlap
		}
	}
	if r.occupies {
		return ""
	}
	if c.locks[r.def.Lock] != nil {
		return statefile.WhyLock
	}
	if most := c.config.MaxRunning; most > 0 && c.running >= most && r.def.KeepAlive == nil {
		return statefile.WhyMaxRunning
	}
	if r.reason == statefile.ReasonCatchUp {
		return c.gateCatchUp(r)
	}
	return ""
}

// gateCatchUp spreads the catch-up runs that a boot or a resume makes due all at once.
func (c *Core) gateCatchUp(r *run) statefile.Why {
	if c.now.Mono < r.notBefore {
		c.setTimer(&r.timer, mono, int64(r.notBefore))
		return statefile.WhyCatchUp
	}
	if c.catching >= max(2, c.o.CPUs) {
		return statefile.WhyCatchUp
	}
	return ""
}

// occupy takes the lock of a run and counts it as running. The run keeps both until no process of it is left.
func (c *Core) occupy(r *run) {
	if r.occupies || r.delivery != nil {
		return
	}
	r.occupies = true
	if r.def.Lock != "" && c.locks[r.def.Lock] == nil {
		c.locks[r.def.Lock] = r
	}
	if r.reason == statefile.ReasonCatchUp {
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
	if r.reason == statefile.ReasonCatchUp {
		c.catching--
	}
	if r.def.KeepAlive == nil {
		c.running--
	}
}

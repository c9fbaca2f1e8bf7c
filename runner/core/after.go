package core

import (
	"slices"

	"jobsd/statefile"
)

// link collects which jobs run after which.
func (c *Core) link() {
	c.follow = nil
	for _, j := range c.order {
		for _, parent := range j.def.After {
			if c.follow == nil {
				c.follow = map[string][]*job{}
			}
			c.follow[parent] = append(c.follow[parent], j)
		}
	}
}

// followUp starts the jobs that run after j, which has just succeeded. A job starts only if all its other parents have
// also succeeded since its last start. The order comes from counters, because the clock may have been set.
func (c *Core) followUp(j *job) {
next:
	for _, f := range c.follow[j.name] {
		if !c.active(f) || c.shutdown != nil {
			continue
		}
		for _, parent := range f.def.After {
			if p := c.facts.Jobs[parent]; p == nil || p.SuccessSequence <= f.facts.StartSequence {
				continue next
			}
		}
		waits := slices.ContainsFunc(f.runs, func(r *run) bool {
			return r.reason == statefile.ReasonAfter && r.startedAt.IsZero() && r.source != fromRetry
		})
		if !waits && c.makeRoom(f) {
			c.newRun(f, c.nextRun(), origin{source: fromAfter, reason: statefile.ReasonAfter})
		}
	}
}

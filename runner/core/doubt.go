package core

import "time"

// After damage to the journal, and in a copy of a state directory, nobody knows the outcome of earlier slots and runs.
// statefile.Facts holds the latest such time and run number. The daemon does not start again what may already have run:
// slots count as missed, runs that cannot be found are lost without a retry, and pending retries and delayed starts are
// dropped.

// doubtText is the reason why a retry or delayed start is dropped.
const doubtText = "it may have run already: the journal was damaged, or the state directory is a copy"

// slotInDoubt reports whether a slot that the facts do not know may have run. The clock may have been ahead when the
// journal was repaired: slots after the start of this daemon are for this daemon to run.
func (c *Core) slotInDoubt(slot time.Time) bool {
	return !slot.After(c.facts.DoubtUntil.Time()) && !slot.After(c.clock.began)
}

// inDoubt reports whether a run that the facts show as live may have ended.
func (c *Core) inDoubt(run uint64) bool { return run <= c.facts.DoubtRun }

package core

import "time"

// After damage to the journal, and in a copy of a state directory, nobody knows what became of what was due or begun
// before: statefile.Facts has until when, and up to which run. What may have run already is not started a second time by
// the daemon itself. The slots count as missed; runs that cannot be found are lost, without a retry; retries and starts
// that were to come are given up.

// doubtText is why something that was to come does not.
const doubtText = "it may have run already: the journal was damaged, or the state directory is a copy"

// slotInDoubt tells whether a slot that the facts do not know may have run. The clock may have been ahead at the repair:
// what was due after this daemon began is for this daemon to run.
func (c *Core) slotInDoubt(slot time.Time) bool {
	return !slot.After(c.facts.DoubtUntil.Time) && !slot.After(c.began)
}

// inDoubt tells whether a run that is not over may be over in truth.
func (c *Core) inDoubt(run uint64) bool { return run <= c.facts.DoubtRun }

package core

import "jobsd/statefile"

const (
	// reserveBlock is how many run numbers are reserved at a time. After a crash the unused ones are skipped.
	reserveBlock = 100
	// reserveAhead is how many reserved numbers must be left. The next block is reserved before they run out, so that
	// no number is shown before it is on disk.
	reserveAhead = 50
)

// nextRun returns the number of a new run. A state directory never uses a number twice: people, logs and other programs
// identify the run by it, even if the journal has lost its records.
func (c *Core) nextRun() uint64 {
	c.lastRun++
	c.reserve()
	return c.lastRun
}

// reserve records which numbers may be in use, before they are.
func (c *Core) reserve() {
	if c.lastRun+reserveAhead > c.facts.Reserved {
		c.record(&statefile.Reserved{UpTo: c.lastRun + reserveBlock})
	}
}

package core

import "jobsd/statefile"

const (
	// reserveBlock is how many run numbers are reserved at a time. After a crash the rest of them is skipped.
	reserveBlock = 100
	// reserveAhead is how many reserved numbers must be left. The next block is reserved before they run out, so that
	// nobody hears of a number that is not on disk yet.
	reserveAhead = 50
)

// nextRun returns the number of a new run. A number is never used again under one state directory: people, logs and
// other programs know the run by it, even if the journal has lost all that it said of that run.
func (c *Core) nextRun() uint64 {
	c.lastRun++
	c.reserve()
	return c.lastRun
}

// reserve writes down which numbers may be in use, before they are.
func (c *Core) reserve() {
	if c.lastRun+reserveAhead > c.facts.Reserved {
		c.record(&statefile.Reserved{UpTo: c.lastRun + reserveBlock})
	}
}

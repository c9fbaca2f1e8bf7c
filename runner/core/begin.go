package core

import "jobsd/statefile"

// previous says how the previous daemon ended. Both are false if the machine went down, or if there was none.
type previous struct{ clean, crashed bool }

// Begin records that a daemon started. If the previous daemon of the same boot left no Clean record, it crashed.
func (c *Core) Begin(now Now, r statefile.Start) {
	c.now, c.clock.began, c.asleep = now, now.Wall, now.Boot-now.Mono
	if c.o.BootUnknown {
		r.BootID = ""
	}
	known := c.facts.BootID != "" && r.BootID != ""
	clean := c.facts.Clean
	r.Unclean = !clean && known && c.facts.BootID == r.BootID
	power := !clean && known && c.facts.BootID != r.BootID
	r.Uncounted = c.facts.Uncounted + c.timeDown(clean, power)
	c.record(&r)
	c.reserve()
	c.previous.clean, c.previous.crashed = clean, r.Unclean
	switch {
	case r.Unclean && r.Suspect != "" && c.facts.Job(r.Suspect).SetAside:
		c.say(Error, r.Suspect, "set aside: the daemon crashed twice in a row while it handled this job")
	case r.Unclean:
		c.say(Warn, "", "the previous daemon crashed", "unclean_restarts", c.facts.Unclean)
	case power:
		c.say(Warn, "", "the machine went down while the daemon was running")
	case !clean:
		c.say(Warn, "", "the previous daemon crashed, or the machine went down")
	}
}

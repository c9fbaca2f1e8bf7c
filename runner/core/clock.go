package core

import (
	"slices"
	"time"

	"jobsd/statefile"
)

// Now is one reading of the three clocks. Each clock has its own use, and none replaces another.
type Now struct {
	// Wall decides what is due (CLOCK_REALTIME). It may jump forward or back. It carries no monotonic reading.
	Wall time.Time
	// Boot measures what must hold across sleep and restarts: `every`, and the times that clients compare
	// (CLOCK_BOOTTIME).
	Boot time.Duration
	// Mono measures timeouts, back-off and durations. Time asleep does not count (CLOCK_MONOTONIC).
	Mono time.Duration
}

const (
	// onTime is how late a slot may be noticed and still count as on time. A later slot is missed, and catch_up decides
	// about it.
	onTime = 2 * time.Second
	// newEpoch is how far the wall clock must go back to begin a new epoch. After a smaller step, the minutes that the
	// clock shows again count as the same minutes.
	newEpoch = time.Minute
	// disbelief is how far in the future the last slot may be. If it is further, the earlier clock was wrong, and the
	// present clock is trusted for all jobs. Vixie cron draws the same line.
	disbelief = 3 * time.Hour
)

// readClock stores the time of the turn and detects a wall clock that was set. The boot clock counts sleep too, so the
// difference between the two clocks changes only if someone sets the wall clock.
func (c *Core) readClock(now Now) {
	offset := now.Wall.Sub(time.Unix(0, int64(now.Boot)))
	step := offset - c.offset
	c.now = now
	if step.Abs() < time.Second {
		return // keep the old offset, so that a slow adjustment adds up to a step
	}
	c.offset = offset
	back := false
	if c.peak = latest(c.peak, now.Wall.Add(-step)); c.peak.Sub(now.Wall) >= newEpoch { // small steps add up, too
		back, c.peak = true, now.Wall
	}
	c.say(Info, "", "the wall clock was set", "by", step.Round(time.Second), "to", now.Wall.Format(time.RFC3339))
	if back { // records written after the new epoch would take their slots into it
		for _, j := range c.order {
			c.flushNotRun(j)
		}
	}
	switch {
	case c.disbelieve():
	case back:
		c.record(&statefile.Epoch{Epoch: c.facts.Epoch + 1, Wall: c.at()})
	}
	for _, j := range c.order {
		if now.Wall.Add(-step).Before(j.last) && !now.Wall.Before(j.last) { // the clock had gone back and was corrected
			c.handOut(j, j.last)
		}
		if now.Wall.Add(-step).Before(j.facts.LastSlotBeforeReset.Time) { // the step led there, not the passing of time
			c.leapBeyond(j)
		}
		c.needArm(j)
		c.remindAgain(j)
	}
}

// wentBack begins a new epoch if the clock went back while no daemon ran. A slot in the future shows that.
func (c *Core) wentBack() {
	if slices.ContainsFunc(c.order, func(j *job) bool {
		return j.epoch == c.facts.Epoch && j.wild.Sub(c.now.Wall) >= newEpoch
	}) {
		c.record(&statefile.Epoch{Epoch: c.facts.Epoch + 1, Wall: c.at()})
	}
}

// disbelieve begins a new epoch that forgets all slots after now, if a slot is too far in the future.
func (c *Core) disbelieve() bool {
	for _, j := range c.order {
		if latest(j.last, j.facts.LastSlot.Time).Sub(c.now.Wall) > disbelief {
			c.say(Warn, j.name, "the last slot is far in the future; trusting the present clock",
				"slot", statefile.At(latest(j.last, j.facts.LastSlot.Time)), "now", c.at())
			c.record(&statefile.Epoch{Epoch: c.facts.Epoch + 1, Wall: c.at(), Reset: true})
			for _, k := range c.order {
				if k.last.After(c.now.Wall) {
					k.last = c.now.Wall
				}
			}
			return true
		}
	}
	return false
}

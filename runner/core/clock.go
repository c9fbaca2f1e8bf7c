package core

import (
	"slices"
	"time"

	"jobsd/statefile"
)

// Now is one reading of the three clocks. Each has its own use and none stands in for another.
type Now struct {
	// Wall says what is due (CLOCK_REALTIME). It may jump either way. It carries no monotonic reading.
	Wall time.Time
	// Boot carries what must hold over sleep and restarts: `every`, and what clients compare (CLOCK_BOOTTIME).
	Boot time.Duration
	// Mono carries timeouts, back-off and durations: the time asleep does not count (CLOCK_MONOTONIC).
	Mono time.Duration
}

const (
	// onTime is how late a slot may be seen and still simply be due; beyond it was missed and catch_up decides.
	onTime = 2 * time.Second
	// newEpoch is how far the wall clock must go back to begin a new clock epoch. Below, the minutes it shows
	// again are taken for the same ones.
	newEpoch = time.Minute
	// disbelief is how far in the future the last slot may lie. Beyond, the clock that showed it was wrong: the new
	// one is believed for all. Vixie cron draws the same line.
	disbelief = 3 * time.Hour
)

// readClock notes the time of the turn and tells a wall clock that was set from one that ran on: the boot clock counts
// sleep too, so the two differ in nothing but steps.
func (c *Core) readClock(now Now) {
	offset := now.Wall.Sub(time.Unix(0, int64(now.Boot)))
	step := offset - c.offset
	c.now = now
	if step.Abs() < time.Second {
		return // keep the old offset: a slow slew must add up to a step, not vanish in small ones
	}
	c.offset = offset
	back := false
	if c.peak = latest(c.peak, now.Wall.Add(-step)); c.peak.Sub(now.Wall) >= newEpoch { // also by small steps that add up
		back, c.peak = true, now.Wall
	}
	c.say(Info, "", "the wall clock was set", "by", step.Round(time.Second), "to", now.Wall.Format(time.RFC3339))
	if back { // what is written later would drag its slots into the new epoch
		for _, j := range c.order {
			c.endStreaks(j)
		}
	}
	switch {
	case c.disbelieve():
	case back:
		c.record(&statefile.Epoch{Epoch: c.facts.Epoch + 1, Wall: c.at()})
	}
	for _, j := range c.order {
		if now.Wall.Add(-step).Before(j.last) && !now.Wall.Before(j.last) { // a clock that had gone back was put right
			c.hand(j, j.last)
		}
		if now.Wall.Add(-step).Before(j.facts.Beyond.Time) { // the step leads there, not the time that passed
			c.leapBeyond(j)
		}
		c.needArm(j)
		c.remindAnew(j)
	}
}

// wentBack begins a new epoch if the clock went back while no daemon ran, which a slot in the future tells.
func (c *Core) wentBack() {
	if slices.ContainsFunc(c.order, func(j *job) bool {
		return j.epoch == c.facts.Epoch && j.wild.Sub(c.now.Wall) >= newEpoch
	}) {
		c.record(&statefile.Epoch{Epoch: c.facts.Epoch + 1, Wall: c.at()})
	}
}

// disbelieve begins a new epoch that forgets all slots after now, if one lies too far in the future.
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

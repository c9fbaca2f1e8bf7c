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

// wallClock notices that the wall clock was set. The boot clock counts sleep too, so the difference between the two
// changes only if someone sets the wall clock.
type wallClock struct {
	began  time.Time     // what it showed when the daemon started
	offset time.Duration // wall clock minus boot clock
	peak   time.Time     // the latest time that the wall clock has shown in this epoch
}

func offsetOf(now Now) time.Duration { return now.Wall.Sub(time.Unix(0, int64(now.Boot))) }

// read returns by how much the wall clock was set, or 0, and whether that begins a new epoch.
func (k *wallClock) read(now Now) (step time.Duration, back bool) {
	step = offsetOf(now) - k.offset
	if step.Abs() < time.Second {
		return 0, false // keep the old offset, so that a slow adjustment adds up to a step
	}
	k.offset += step
	if k.peak = latest(k.peak, now.Wall.Add(-step)); k.peak.Sub(now.Wall) >= newEpoch { // small steps add up, too
		back, k.peak = true, now.Wall
	}
	return step, back
}

// readClock stores the time of the turn. If the wall clock was set, the next slots of all jobs are computed again.
func (c *Core) readClock(now Now) {
	c.now = now
	step, back := c.clock.read(now)
	c.readSleep(step)
	if step == 0 {
		return
	}
	c.say(Info, "", "the wall clock was set", "by", step.Round(time.Second), "to", now.Wall.Format(time.RFC3339))
	if back { // records written after the new epoch would take their slots into it
		for _, j := range c.order {
			c.writeNotRun(j)
		}
	}
	if !c.disbelieve() && back {
		c.beginEpoch(false)
	}
	for _, j := range c.order {
		j.slots.stepped(now.Wall.Add(-step), j.facts.LastSlotBeforeReset.Time(), c.moment())
		c.needArm(j)
	}
}

// beginEpoch begins a new epoch. With reset, the slots after now no longer count.
func (c *Core) beginEpoch(reset bool) {
	c.record(&statefile.Epoch{Epoch: c.facts.Epoch + 1, Wall: c.at(), Reset: reset})
}

// wentBack begins a new epoch if the clock went back while no daemon ran. A slot in the future shows that.
func (c *Core) wentBack() {
	if slices.ContainsFunc(c.order, func(j *job) bool { return j.slots.ahead(c.moment()) }) {
		c.beginEpoch(false)
	}
}

// disbelieve begins a new epoch that forgets all slots after now, if a slot is too far in the future.
func (c *Core) disbelieve() bool {
	for _, j := range c.order {
		last := latest(j.slots.last.time(), j.facts.LastSlot.Time())
		if last.Sub(c.now.Wall) <= disbelief {
			continue
		}
		c.say(Warn, j.name, "the last slot is far in the future; trusting the present clock", "slot", statefile.At(last), "now", c.at())
		c.beginEpoch(true)
		for _, k := range c.order {
			k.slots.forgetFuture(c.now.Wall)
		}
		return true
	}
	return false
}

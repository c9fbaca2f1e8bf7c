package core

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"jobsd/statefile"
)

const (
	// maxOwed limits the notifications that wait for one receiver. With more than this, the machine has worse problems
	// than lost notifications. A receiver that does not work must not cost the notifications for another one.
	maxOwed = 1000
	// A message is given up a day after its first event, but only after deliveryTries attempts. These take most of a day.
	// A machine that slept for that day has made few attempts.
	deliveryPatience = 24 * time.Hour
	deliveryTries    = 20
	// deliveryGrace is how long the end of the daemon waits for messages on their way. A message without an answer is
	// delivered again by the next daemon.
	deliveryGrace = 5 * time.Second
	// upgradeGrace is the same for an upgrade. It is shorter, because meanwhile no job starts.
	upgradeGrace = time.Second
)

// deliveries are the notifications that are on their way.
type deliveries struct {
	lanes            map[string]*lane
	look             bool
	lastNotification uint64
	grace            timer // at the shutdown
	over             bool  // nothing waits for messages on their way any more
}

func (d *deliveries) ring(*Core) { d.over = true } // the end of the turn does the rest

// deliver gives each lane that has nothing to do its next message.
func (c *Core) deliver() {
	defer c.rescueDelivery()
	if c.shutdown != nil {
		return
	}
	c.deliveries.look = false
	if !c.loaded.settled {
		c.limitUnsettled()
		return
	}
	gone, busy := c.deliveries.onTheirWay()
	w := c.sortOwed(gone)
	for _, why := range w.reasons {
		c.tellJobs(w.dropped[why], "cannot notify: "+why)
		c.dropNotifications(w.dropped[why], why)
	}
	// A message that was tried least goes first, so that attempts that fail do not keep others from their first one.
	slices.SortStableFunc(w.lanes, func(a, b string) int { return cmp.Compare(w.owed[a][0].Tries, w.owed[b][0].Tries) })
	for _, key := range w.lanes {
		c.send(w.to[key], c.limit(key, w.owed[key]), &busy)
	}
	maps.DeleteFunc(c.deliveries.lanes, func(key string, l *lane) bool {
		return w.owed[key] == nil && l.message == 0 && !l.timer.set()
	})
}

// sorted has the notifications that can be delivered by lane, and those that have no receiver by the reason.
type sorted struct {
	lanes   []string // in the order of their oldest notifications
	to      map[string]receiver
	owed    map[string][]*statefile.Notification
	reasons []string
	dropped map[string][]*statefile.Notification
}

// sortOwed sorts the notifications that are not on their way. Before a load has read all definitions, a receiver of a job
// that seems to be missing may exist, so its notification waits.
func (c *Core) sortOwed(gone map[uint64]bool) *sorted {
	w := &sorted{to: map[string]receiver{}, owed: map[string][]*statefile.Notification{}, dropped: map[string][]*statefile.Notification{}}
	starts := map[uint64]bool{} // the runs whose on_start goes first
	for i := range c.facts.Notifications {
		o := &c.facts.Notifications[i] // thousands may wait, and records replace the list without changing it
		if gone[o.ID] || !c.mayGo(o) || starts[aboutRun(o)] {
			if startsFirst(o) {
				starts[o.Run.Run] = true
			}
			continue
		}
		r, why := c.receiverOf(o)
		if why != "" {
			if w.dropped[why] == nil {
				w.reasons = append(w.reasons, why)
			}
			w.dropped[why] = append(w.dropped[why], o)
			continue
		}
		if w.owed[r.lane] == nil {
			w.lanes, w.to[r.lane] = append(w.lanes, r.lane), r
		}
		w.owed[r.lane] = append(w.owed[r.lane], o)
		if startsFirst(o) && w.owed[r.lane][0].Tries == 0 && !c.pausing(r.lane) {
			starts[o.Run.Run] = true
		}
	}
	return w
}

// mayGo reports whether everything is known that a notification needs. The notifications of a message stay together at
// each attempt, so they do not wait for what only some of them need.
func (c *Core) mayGo(o *statefile.Notification) bool {
	return (o.Message != 0 || !c.outputOpen(o.Run)) && (o.Message == 0 && o.Job == "" || c.loaded.known)
}

// startsFirst reports whether other commands about the same run wait for this one, so that no command meets a run that
// has ended before one that meets its start. They do not wait for a pause between two attempts.
func startsFirst(o *statefile.Notification) bool {
	return o.Via == "on_start" && o.Run != nil && o.Tries == 0
}

// aboutRun returns the run whose on_start a command must wait for, 0 for none.
func aboutRun(o *statefile.Notification) uint64 {
	if !isCommandKey(o.Via) || o.Via == "on_start" || o.Run == nil || o.Message != 0 {
		return 0
	}
	return o.Run.Run
}

// limitUnsettled limits what waits before a load has read the settings. The receivers are not known then.
func (c *Core) limitUnsettled() {
	if len(c.facts.Notifications) <= maxOwed {
		return
	}
	waiting := map[string][]*statefile.Notification{}
	for i := range c.facts.Notifications {
		o := &c.facts.Notifications[i]
		key := targetLane + o.Via
		if o.Via == "mail" || isCommandKey(o.Via) {
			key = o.Via + " of " + o.Job
		}
		waiting[key] = append(waiting[key], o)
	}
	for _, key := range slices.Sorted(maps.Keys(waiting)) {
		c.limit(key, waiting[key])
	}
}

// limit drops the oldest notifications for a receiver if too many wait. It drops a tenth at once, so that this is not a
// line in the log for each further notification.
func (c *Core) limit(key string, owed []*statefile.Notification) []*statefile.Notification {
	if len(owed) <= maxOwed {
		return owed
	}
	n := len(owed) - maxOwed*9/10
	c.dropNotifications(owed[:n], "too many notifications are pending for "+key)
	return owed[n:]
}

// outputOpen reports whether the output of an ended run is still open. Its notification waits until the output is
// complete.
func (c *Core) outputOpen(o *statefile.Run) bool {
	if o == nil {
		return false
	}
	w := c.outputs[o.Run]
	return w != nil && !w.late
}

// awaitMessages makes the end of the daemon wait for messages on their way.
func (c *Core) awaitMessages() {
	grace := deliveryGrace
	if c.shutdown.Upgrade {
		grace = upgradeGrace
	}
	c.deliveries.grace.owner = &c.deliveries
	c.after(&c.deliveries.grace, grace)
}

// messagesAnswered reports whether no message is on its way that the end of the daemon must wait for.
func (c *Core) messagesAnswered() bool {
	if c.deliveries.over || c.shutdown.Hurry {
		return true
	}
	ids, _ := c.deliveries.onTheirWay()
	return len(ids) == 0
}

package core

import (
	"cmp"
	"time"

	"jobsd/statefile"
)

// DeliveryPauses are the pauses after the first failed attempts to deliver a message. Then it is always the last one.
// Tests shorten them.
var DeliveryPauses = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, time.Hour}

// A way is how a lane reaches its receiver.
type way uint8

const (
	byMail way = iota
	byTarget
	byCommand // of a job
	nWays
)

// maxLanes is how many messages may be on their way at once. Each way has its own share: a hundred commands of jobs that
// hang delay neither a mail nor a message to a target.
var maxLanes = [nWays]int{byMail: 16, byTarget: 32, byCommand: 8}

const (
	// longCommand is the time after which a command of a job probably hangs. It does not count in maxLanes any more, so
	// that commands of other jobs wait for it no longer.
	longCommand = 10 * time.Second
	// maxLong is how many of these there may be. The others count.
	maxLong = 24
	// hurryPause is the shortest time between two attempts that follow reloads.
	hurryPause = 10 * time.Second
)

// lane delivers the messages for one receiver, one after the other. So a receiver that does not answer delays no message
// for anybody else.
type lane struct {
	way     way
	timer   timer    // the pause before the next attempt, or until a command takes long
	message uint64   // on its way; 0: none
	ids     []uint64 // of its notifications

	early   bool          // a reload has shortened the pause before the next attempt
	hurried time.Duration // monotonic: no reload makes the attempt after that one earlier than this
}

// long reports whether the message on its way is a command that takes long.
func (l *lane) long() bool { return l.way == byCommand && l.message != 0 && !l.timer.set() }

func (l *lane) ring(c *Core) { c.deliveries.look = true }

// onTheirWay returns the notifications that have no answer yet, and how many messages of each way count in maxLanes. A
// notification on its way belongs to its message, even if the settings name another receiver meanwhile.
func (d *deliveries) onTheirWay() (ids map[uint64]bool, busy [nWays]int) {
	long := 0
	for _, l := range d.lanes {
		if l.message == 0 {
			continue
		}
		if l.long() && long < maxLong {
			long++
		} else {
			busy[l.way]++
		}
		if ids == nil {
			ids = map[uint64]bool{}
		}
		for _, id := range l.ids {
			ids[id] = true
		}
	}
	return ids, busy
}

// pausing reports whether a lane waits for its next attempt.
func (c *Core) pausing(key string) bool {
	l := c.deliveries.lanes[key]
	return l != nil && l.timer.set()
}

// retryDeliveries shortens the pauses after a load: whoever has repaired a receiver, or the file with its URL, reloads.
func (c *Core) retryDeliveries() {
	c.deliveries.look = true
	for _, l := range c.deliveries.lanes {
		soon := int64(max(c.now.Mono, l.hurried))
		if l.message == 0 && l.timer.set() && l.timer.deadline > soon {
			c.setTimer(&l.timer, mono, soon)
			l.early = true
		}
	}
}

// send starts the delivery of the oldest message of a lane, if the lane has time for it.
func (c *Core) send(to receiver, owed []*statefile.Notification, busy *[nWays]int) {
	l := c.deliveries.lanes[to.lane]
	if l == nil {
		l = &lane{way: to.way}
		l.timer.owner = l
		if c.deliveries.lanes == nil {
			c.deliveries.lanes = map[string]*lane{}
		}
		c.deliveries.lanes[to.lane] = l
		c.pause(l, *owed[0])
	}
	if l.message != 0 || l.timer.set() || busy[l.way] >= maxLanes[l.way] {
		return
	}
	list := together(owed)
	l.ids = nil
	for _, o := range list {
		l.ids = append(l.ids, o.ID)
	}
	l.message = l.ids[len(l.ids)-1]
	busy[l.way]++
	if l.way == byCommand {
		c.after(&l.timer, longCommand)
	}
	if l.early {
		l.hurried = c.now.Mono + hurryPause
	}
	if list[0].Message == 0 {
		c.record(&statefile.Message{Number: l.message, IDs: l.ids})
	}
	m := Deliver{Number: l.message, Host: cmp.Or(c.o.Machine, "localhost"), From: c.loaded.config.Mail.From, Sendmail: c.loaded.config.Mail.Sendmail,
		Mail: to.mail, Target: to.target, Command: to.command, Job: to.job}
	for _, o := range list {
		m.Events = append(m.Events, NotifiedEvent{*o, c.definition(o.Job).Description})
	}
	c.emit(m)
}

// together returns the notifications for the next message of a lane: those of a message whose delivery was interrupted
// or failed, or else all that do not belong to a message yet.
func together(owed []*statefile.Notification) (list []*statefile.Notification) {
	for _, o := range owed {
		if o.Message == owed[0].Message {
			list = append(list, o)
		}
	}
	return list
}

// deliveryPause returns the pause after that many failed attempts.
func deliveryPause(tries int) time.Duration {
	return DeliveryPauses[min(tries, len(DeliveryPauses))-1]
}

// pause makes a lane wait after a failed attempt. The pause holds over a restart of the daemon.
func (c *Core) pause(l *lane, o statefile.Notification) {
	if rest := o.RetryAt.Time().Sub(c.now.Wall); o.Tries > 0 && rest > 0 {
		c.after(&l.timer, min(rest, deliveryPause(o.Tries))) // the wall clock may have been set back
	}
}

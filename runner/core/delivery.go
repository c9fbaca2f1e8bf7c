package core

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"jobsd/internal/jobfile"
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

// deliveries are the notifications that are on their way.
type deliveries struct {
	lanes            map[string]*lane
	look             bool
	lastNotification uint64
	grace            timer // at the shutdown
	over             bool  // nothing waits for messages on their way any more
}

func (d *deliveries) ring(*Core) { d.over = true } // the end of the turn does the rest

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

// receiver is where a notification must go.
type receiver struct {
	way     way
	lane    string
	mail    []string        // addresses
	target  *jobfile.Target // of jobsd.toml
	command []string        // of the job
	job     *jobfile.Definition
}

// receiverOf finds the receiver of a notification in the settings of now. Otherwise it says why there is none.
func (c *Core) receiverOf(o *statefile.Notification) (r receiver, why string) {
	switch key := o.Via; {
	case key == "mail":
		r.mail = c.loaded.config.Mail.To // about the daemon, or about a job that was removed
		if d := c.definition(o.Job); d != undefined {
			r.mail = recipients(d)
		}
		if len(r.mail) == 0 {
			return r, "no recipient of mail is configured any more"
		}
		r.lane = mailLane(r.mail)
	case isCommandKey(key):
		r.way, r.job = byCommand, c.definition(o.Job)
		if r.command = command(r.job, key); len(r.command) == 0 {
			return r, "the job no longer has a command for this notification"
		}
		r.lane = key + " of " + o.Job
	default:
		r.way = byTarget
		if r.target = c.loaded.config.Targets[key]; r.target == nil {
			return r, "jobsd.toml no longer has the target " + key
		}
		r.lane = targetLane + key
	}
	return r, ""
}

// The lanes for mail and for targets have these words in front. Commands have "on_failure of JOB" and the like.
const (
	mailLanes  = "mail to "
	targetLane = "target "
)

func mailLane(to []string) string { return mailLanes + strings.Join(to, ", ") }

// deliver gives each lane that has nothing to do its next message. Before a load has read the settings, and for a job
// all definitions, a receiver that seems to be missing may exist, so the message waits.
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
	var order, reasons []string // the lanes; why notifications have no receiver
	owed, dropped := map[string][]*statefile.Notification{}, map[string][]*statefile.Notification{}
	to, starts := map[string]receiver{}, map[uint64]bool{}
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
			if dropped[why] == nil {
				reasons = append(reasons, why)
			}
			dropped[why] = append(dropped[why], o)
			continue
		}
		if owed[r.lane] == nil {
			order, to[r.lane] = append(order, r.lane), r
		}
		owed[r.lane] = append(owed[r.lane], o)
		if startsFirst(o) && owed[r.lane][0].Tries == 0 && !c.pausing(r.lane) {
			starts[o.Run.Run] = true
		}
	}
	for _, why := range reasons {
		c.tellJobs(dropped[why], "cannot notify: "+why)
		c.dropNotifications(dropped[why], why)
	}
	// A message that was tried least goes first, so that attempts that fail do not keep others from their first one.
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(owed[a][0].Tries, owed[b][0].Tries) })
	for _, key := range order {
		c.send(to[key], c.limit(key, owed[key]), &busy)
	}
	maps.DeleteFunc(c.deliveries.lanes, func(key string, l *lane) bool {
		return owed[key] == nil && l.message == 0 && !l.timer.set()
	})
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

// pausing reports whether a lane waits for its next attempt.
func (c *Core) pausing(key string) bool {
	l := c.deliveries.lanes[key]
	return l != nil && l.timer.set()
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
	if rest := o.RetryAt.Sub(c.now.Wall); o.Tries > 0 && rest > 0 {
		c.after(&l.timer, min(rest, deliveryPause(o.Tries))) // the wall clock may have been set back
	}
}

// delivered handles the answer to a message. No two messages on their way have the same number, because the number is
// that of a notification in it.
func (c *Core) delivered(e Delivered) {
	defer c.rescueDelivery()
	for key, l := range c.deliveries.lanes {
		if l.message == 0 || l.message != e.Number {
			continue
		}
		l.message = 0
		c.stopTimer(&l.timer)
		c.deliveries.look = true
		var list []*statefile.Notification
		for i := range c.facts.Notifications {
			if o := &c.facts.Notifications[i]; slices.Contains(l.ids, o.ID) {
				list = append(list, o)
			}
		}
		if len(list) > 0 {
			c.answered(key, l, list, e)
		}
		return
	}
}

// answered records what became of a message.
func (c *Core) answered(key string, l *lane, list []*statefile.Notification, e Delivered) {
	newest := list[len(list)-1]
	if isCommandKey(newest.Via) {
		if d := c.Definition(newest.Job); d != nil && e.Output != "" {
			c.emit(Marker{Job: d, Text: title(newest), Output: e.Output})
		}
	} else {
		c.note(Trouble{Part: key, Text: e.Error})
		c.showPrinted(newest.Via, e)
	}
	if e.Error != "" {
		e.Error = cannot(key) + ": " + e.Error
	}
	t := &statefile.Delivery{Error: e.Error}
	for _, o := range list {
		t.IDs = append(t.IDs, o.ID)
	}
	// An attempt that a reload has brought forward does not count: frequent reloads must not use up the attempts.
	early := l.early && list[0].RetryAt.After(c.now.Wall)
	l.early = false
	old := !early && c.now.Wall.Sub(list[0].At.Time).Abs() > deliveryPatience && list[0].Tries+1 >= deliveryTries
	switch {
	case e.Error == "":
		c.publishNotifyError(list, "")
	case e.Final || old:
		c.tellJobs(list, e.Error)
		if old {
			c.say(Error, "", "dropped notifications that could not be delivered for a day", "to", key, "notifications", len(list), "err", e.Error)
		}
	default:
		if t.RetryAt = list[0].RetryAt; !early {
			t.RetryAt = statefile.At(c.now.Wall.Add(deliveryPause(list[0].Tries + 1)))
		}
		c.tellJobs(list, e.Error)
	}
	c.record(t)
	if !t.RetryAt.IsZero() {
		first := *list[0]
		if first.RetryAt = t.RetryAt; !early {
			first.Tries++
		}
		c.pause(l, first)
	}
}

// cannot says what cannot be done if a lane does not work.
func cannot(key string) string {
	if name, ok := strings.CutPrefix(key, targetLane); ok {
		return "cannot notify " + name
	}
	if to, ok := strings.CutPrefix(key, mailLanes); ok {
		return "cannot send mail to " + to
	}
	via, _, _ := strings.Cut(key, " of ")
	return "cannot run " + via
}

// showPrinted logs the end of what the command of a target printed before it failed. It may have printed the output of a
// job, so it must not get into the state file, which more people can read than the log.
func (c *Core) showPrinted(via string, e Delivered) {
	if t := c.loaded.config.Targets[via]; e.Error != "" && e.Output != "" && t != nil && t.Cmd != nil {
		c.say(Error, "", "the command of the target "+via+" failed", "printed", lastLines(e.Output))
	}
}

// lastLines returns the end of a text, at most ten lines and two kilobytes.
func lastLines(text string) string {
	text = strings.TrimRight(text, "\n")
	text = strings.ToValidUTF8(text[max(0, len(text)-2000):], "")
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}

// publishNotifyError publishes the jobs whose notifications have another error now.
func (c *Core) publishNotifyError(list []*statefile.Notification, err string) {
	for _, o := range list {
		if j := c.jobs[o.Job]; j != nil && (err != "" || j.facts.NotifyError != nil) {
			c.markDirty(j)
		}
	}
}

// tellJobs logs once for each job that its notification could not be delivered.
func (c *Core) tellJobs(list []*statefile.Notification, err string) {
	c.publishNotifyError(list, err)
	said := map[string]bool{}
	for _, o := range list {
		if j := c.jobs[o.Job]; j != nil && !said[o.Job] {
			said[o.Job] = true
			c.logJob(j, Error, err)
		}
	}
}

// dropNotifications says once that notifications are dropped. With a line for each job, too many of them would fill the
// log of the daemon.
func (c *Core) dropNotifications(list []*statefile.Notification, why string) {
	c.say(Warn, "", why, "dropped", len(list))
	t := &statefile.Delivery{Error: why}
	for _, o := range list {
		t.IDs = append(t.IDs, o.ID)
	}
	c.publishNotifyError(list, why)
	c.record(t)
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

// title names a delivery in the log of its job.
func title(o *statefile.Notification) string {
	if o.Run == nil {
		return o.Via
	}
	return fmt.Sprintf("%s of run %d", o.Via, o.Run.Run)
}

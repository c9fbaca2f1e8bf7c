package core

import (
	"fmt"
	"slices"
	"strings"

	"jobsd/statefile"
)

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
	early := l.early && list[0].RetryAt.Time().After(c.now.Wall)
	l.early = false
	old := !early && c.now.Wall.Sub(list[0].At.Time()).Abs() > deliveryPatience && list[0].Tries+1 >= deliveryTries
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

// title names a delivery in the log of its job.
func title(o *statefile.Notification) string {
	if o.Run == nil {
		return o.Via
	}
	return fmt.Sprintf("%s of run %d", o.Via, o.Run.Run)
}

package core

import (
	"fmt"
	"slices"
	"strings"

	"jobsd/internal/jobfile"
)

// Troubled reports whether a part of the daemon has trouble.
func (c *Core) Troubled(part string) bool {
	return c.troubles.of(part) != ""
}

// heartbeatPart is the part that sends the heartbeat.
const heartbeatPart = "heartbeat"

// clearTrouble ends, after a load, the trouble with receivers for which nothing waits. Perhaps somebody has repaired them,
// and no message follows soon that would tell. A message that waits is sent at once. Before are the settings until now.
func (c *Core) clearTrouble(before *jobfile.Config) {
	if len(c.troubles.at) == 0 || before == nil {
		return
	}
	waiting := map[string]bool{}
	for i := range c.facts.Notifications {
		r, _ := c.receiverOf(&c.facts.Notifications[i])
		waiting[r.lane] = true
	}
	for _, t := range slices.Collect(c.troubles.all()) {
		if t.ofReceiver() && !waiting[t.Part] || t.Part == heartbeatPart && !before.Heartbeat.Same(c.loaded.config.Heartbeat) {
			c.endTrouble(t.Part, t.Part+" is not reported as degraded any more, because of the reload")
		}
	}
}

// endTrouble ends the trouble of a part.
func (c *Core) endTrouble(part, why string) {
	c.troubles.end(part)
	c.say(Info, "", why)
	c.changes.daemon = true
}

// note sets or clears one trouble of the daemon.
func (c *Core) note(e Trouble) {
	if e.Part == heartbeatPart && c.loaded.config != nil && c.loaded.config.Heartbeat == nil {
		e.Text = "" // the answer to the last heartbeat came after its settings were removed
	}
	switch e.Text {
	case c.troubles.of(e.Part):
		return
	case "":
		c.endTrouble(e.Part, e.Part+" has recovered")
	default:
		c.troubles.set(e)
		c.say(Error, "", e.words(""))
	}
	c.changes.daemon = true
}

// words describes the trouble. Of a receiver, Text only says why. others is a clause about those with the same trouble.
func (e Trouble) words(others string) string {
	if e.ofReceiver() {
		return cannot(e.Part) + others + ": " + e.Text
	}
	return e.Text
}

func (e Trouble) ofReceiver() bool { return e.ofMail() || strings.HasPrefix(e.Part, targetLane) }

func (e Trouble) ofMail() bool { return strings.HasPrefix(e.Part, mailLanes) }

// maxDegraded is how much trouble is shown. Each of very many jobs may have some, if the disk with their logs is full.
const maxDegraded = 100

// degraded returns the trouble in words. A mailer that is missing is the same trouble for all recipients.
func (c *Core) degraded() []string {
	list, told, shown := []string{}, map[string]bool{}, 0
	for t := range c.troubles.all() {
		if len(list) == maxDegraded {
			return append(list, fmt.Sprintf("and %d more, which are in the log of the daemon", len(c.troubles.at)-shown))
		}
		shown++
		switch {
		case !t.ofMail():
			list = append(list, t.words(""))
		case told[t.Text]:
		case c.troubles.mails[t.Text] > 1:
			list = append(list, t.words(" and others"))
		default:
			list = append(list, t.words(""))
		}
		if t.ofMail() {
			told[t.Text] = true
		}
	}
	return list
}

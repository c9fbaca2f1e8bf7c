package core

import (
	"slices"
	"strings"

	"jobsd/internal/jobfile"
)

// Troubled reports whether a part of the daemon has trouble.
func (c *Core) Troubled(part string) bool {
	return slices.ContainsFunc(c.trouble, func(t Trouble) bool { return t.Part == part })
}

// heartbeatPart is the part that sends the heartbeat.
const heartbeatPart = "heartbeat"

// clearTrouble ends, after a load, the trouble with receivers for which nothing waits. Perhaps somebody has repaired them,
// and no message follows soon that would tell. A message that waits is sent at once. Before are the settings until now.
func (c *Core) clearTrouble(before *jobfile.Config) {
	if len(c.trouble) == 0 || before == nil {
		return
	}
	waiting := map[string]bool{}
	for i := range c.facts.Notifications {
		r, _ := c.receiverOf(&c.facts.Notifications[i])
		waiting[r.lane] = true
	}
	for _, t := range slices.Clone(c.trouble) {
		if t.ofReceiver() && !waiting[t.Part] || t.Part == heartbeatPart && !before.Heartbeat.Same(c.loaded.config.Heartbeat) {
			c.endTrouble(t.Part, t.Part+" is not reported as degraded any more, because of the reload")
		}
	}
}

// endTrouble ends the trouble of a part.
func (c *Core) endTrouble(part, why string) {
	c.trouble = slices.DeleteFunc(c.trouble, func(t Trouble) bool { return t.Part == part })
	c.say(Info, "", why)
	c.changes.daemon = true
}

// note sets or clears one trouble of the daemon.
func (c *Core) note(e Trouble) {
	i := slices.IndexFunc(c.trouble, func(t Trouble) bool { return t.Part == e.Part })
	if e.Part == heartbeatPart && c.loaded.config != nil && c.loaded.config.Heartbeat == nil {
		e.Text = "" // the answer to the last heartbeat came after its settings were removed
	}
	switch {
	case e.Text == "" && i < 0, i >= 0 && c.trouble[i].Text == e.Text:
		return
	case e.Text == "":
		c.endTrouble(e.Part, e.Part+" has recovered")
	case i < 0:
		c.trouble = append(c.trouble, e)
		c.say(Error, "", e.words(""))
	default:
		c.trouble[i] = e
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

// degraded returns all trouble in words. A mailer that is missing is the same trouble for all recipients.
func (c *Core) degraded() []string {
	list := []string{}
	for i, t := range c.trouble {
		same := func(u Trouble) bool { return t.ofMail() && u.ofMail() && u.Text == t.Text }
		switch {
		case slices.ContainsFunc(c.trouble[:i], same):
		case slices.ContainsFunc(c.trouble[i+1:], same):
			list = append(list, t.words(" and others"))
		default:
			list = append(list, t.words(""))
		}
	}
	return list
}

package core

import (
	"slices"
	"strings"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// Troubled reports whether a part of the daemon has trouble.
func (c *Core) Troubled(part string) bool {
	return slices.ContainsFunc(c.trouble, func(t Trouble) bool { return t.Part == part })
}

// heartbeatPart is the part that sends the heartbeat.
const heartbeatPart = "heartbeat"

// clearTrouble ends the trouble with receivers that a load removed or changed. No message may follow that would end it:
// the last one was given up, or none is owed. Before are the settings until this load.
func (c *Core) clearTrouble(before *jobfile.Config, set *jobfile.Set) {
	if len(c.trouble) == 0 || before == nil {
		return
	}
	now := set.Config
	for _, t := range slices.Clone(c.trouble) {
		name, target := strings.CutPrefix(t.Part, targetLane)
		over := false
		switch {
		case target:
			over = c.changedTarget(before, now, name)
		case strings.HasPrefix(t.Part, mailLanes):
			over = !before.Mail.Same(&now.Mail) || !c.mails(t.Part)
		case t.Part == heartbeatPart:
			over = !before.Heartbeat.Same(now.Heartbeat)
		}
		if over { // nobody knows whether it works now
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

// changedTarget reports whether a target is gone, or reached in another way than before. The URL and the headers may be
// in files, which the settings only name. If such a file was mended and nothing is owed, the reload counts as a change.
func (c *Core) changedTarget(before, now *jobfile.Config, name string) bool {
	t := now.Targets[name]
	switch {
	case t == nil || !t.Same(before.Targets[name]):
		return true
	case t.Mail != nil:
		return !before.Mail.Same(&now.Mail)
	case t.URLFile == "" && t.HeadersFile == "":
		return false
	}
	return !slices.ContainsFunc(c.facts.Notifications, func(o statefile.Notification) bool { return o.Via == name })
}

// mails reports whether the settings still have mail for that lane.
func (c *Core) mails(lane string) bool {
	return mailLane(c.loaded.config.Mail.To) == lane ||
		slices.ContainsFunc(c.order, func(j *job) bool { return mailLane(recipients(j.def)) == lane })
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
	if strings.HasPrefix(e.Part, targetLane) || e.ofMail() {
		return cannot(e.Part) + others + ": " + e.Text
	}
	return e.Text
}

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

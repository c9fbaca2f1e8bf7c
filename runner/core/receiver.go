package core

import (
	"strings"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

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

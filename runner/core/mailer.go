package core

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

const (
	mailMin   = time.Minute // the back-off after a mail that could not be sent
	mailMax   = time.Hour
	mailTries = 24 // a little more than a day
)

// maxNamed is how many jobs a line of the log names.
const maxNamed = 10

// warnOfMailer warns at each load if mail cannot be sent, and names the jobs concerned.
func (c *Core) warnOfMailer(set *jobfile.Set) {
	if set.NoMailer == "" {
		return
	}
	var jobs []string
	for _, j := range c.order {
		if to := recipients(j.def); len(to) > 0 && !slices.Equal(to, c.loaded.config.Mail.To) {
			jobs = append(jobs, j.name)
		}
	}
	var concerns []any
	if len(c.loaded.config.Mail.To) > 0 {
		concerns = append(concerns, "to", "[mail] to")
	}
	if n := len(jobs); n > maxNamed {
		jobs = append(jobs[:maxNamed], fmt.Sprintf("and %d more", n-maxNamed))
	}
	if len(jobs) > 0 {
		concerns = append(concerns, "jobs", strings.Join(jobs, ", "))
	}
	if len(concerns) > 0 {
		c.say(Warn, "", "cannot send mail: "+set.NoMailer, concerns...)
	}
}

// mailer sends one mail at a time and waits after a failure.
type mailer struct {
	timer   timer
	tries   uint64
	busy    *run
	missing bool // the last load found no mailer
}

// retryMail ends the pause before the next attempt if a load shows that a mailer was installed or the mail settings
// changed. Other loads keep the pause: frequent reloads must not use up the attempts.
func (c *Core) retryMail(set *jobfile.Set) {
	installed := c.deliveries.mailer.missing && set.NoMailer == ""
	c.deliveries.mailer.missing = set.NoMailer != ""
	if installed || slices.Contains(set.Settings, "mail") {
		c.stopTimer(&c.deliveries.mailer.timer)
		c.deliveries.mailer.tries = 0
	}
}

func (p *mailer) ring(*Core) {} // the end of the turn does the rest

func (c *Core) deliverMail() {
	var to []string
	n := &delivery{via: "mail"}
	for _, o := range c.facts.Notifications {
		if o.Via != "mail" || c.outputOpen(o.Run) {
			continue
		}
		theirs := c.loaded.config.Mail.To // about the daemon, or about a job that was removed
		if d := c.definition(o.Job); d != undefined {
			theirs = recipients(d)
		}
		if len(n.notifications) == 0 {
			to = theirs
		}
		if slices.Equal(to, theirs) {
			n.notifications = append(n.notifications, o)
		}
	}
	switch {
	case len(n.notifications) == 0:
		return
	case len(to) == 0:
		c.dropNotifications(n.notifications, "no recipient of mail is configured any more")
		c.deliverMail() // for other recipients
		return
	}
	argv := append(slices.Clone(c.loaded.config.Mail.Sendmail), "-oi", "-t")
	r := c.newDelivery(c.deliveries.daemon, n, &jobfile.Definition{Name: c.deliveries.daemon.name, Argv: argv, Log: jobfile.Log{Discard: true}})
	r.mail = c.mailOf(to, n.notifications)
	c.deliveries.mailer.busy = r
}

// mailNotWritten postpones a mail that could not be written to a file.
func (c *Core) mailNotWritten(r *run, why string) {
	c.end(r, statefile.Run{Outcome: statefile.OutcomeStartError, StartError: &statefile.StartError{Stage: "mail", Errno: "EIO", Text: why}}, leftNothing)
	c.forget(r)
}

// mailDelivered records the delivery of a mail. A mail that could not be sent is retried after a pause, but
// notifications with too many attempts are dropped.
func (c *Core) mailDelivered(owed []statefile.Notification, err string) {
	c.note(Trouble{Part: "mail", Text: err})
	if err == "" {
		c.deliveries.mailer.tries = 0
		c.recordDelivery(owed, "", false)
		return
	}
	var old, young []statefile.Notification
	for _, o := range owed {
		if o.Tries+1 >= mailTries {
			old = append(old, o)
		} else {
			young = append(young, o)
		}
	}
	if len(old) > 0 {
		c.say(Error, "", "dropped notifications after too many attempts to send mail", "err", err, "notifications", len(old))
	}
	c.recordDelivery(old, err, false)
	c.recordDelivery(young, err, true)
	c.deliveries.mailer.timer.owner = &c.deliveries.mailer
	c.after(&c.deliveries.mailer.timer, doubled(mailMin, mailMax, c.deliveries.mailer.tries))
	c.deliveries.mailer.tries++
}

package core

import (
	"fmt"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// A notification is a fact in the journal from the outcome of the run on. It is owed until a delivery succeeds or is
// given up, so a crash in between delivers it twice rather than never.

// crashPause is the shortest time between two mails about crashes of the daemon.
const crashPause = time.Hour

// mustNotifyFailure reports whether one more failure of the job must be notified: the first after the configured number
// in a row, and no other until the job recovers.
func (c *Core) mustNotifyFailure(j *job, d *jobfile.Definition) bool {
	if d.KeepAlive != nil || j.facts.FailureNotified {
		return false
	}
	need := 1
	if d.Notify != nil {
		need = d.Notify.Failures
	}
	return int(j.facts.Consecutive)+1 >= need
}

// notifyOutcome adds the notifications of an outcome to its record.
func (c *Core) notifyOutcome(r *run, e *statefile.Ended) {
	d := r.def
	if r.reason == statefile.ReasonService {
		return
	}
	o := &e.Outcome
	switch {
	case e.Failed && e.Retry == nil && c.mustNotifyFailure(r.job, d):
		e.FailureNotified = true
		e.Notifications = c.notificationsOf(r.job, d, "failure", o)
	case !e.Failed && o.Outcome == statefile.OutcomeExited:
		if r.job.facts.FailureNotified {
			e.Notifications = c.notificationsOf(r.job, d, "recovery", o)
		}
		e.Notifications = append(e.Notifications, c.notificationsOf(r.job, d, "success", o)...)
	}
}

// notificationsOf returns the notifications that must be sent about an event.
func (c *Core) notificationsOf(j *job, d *jobfile.Definition, kind string, o *statefile.Run) (list []statefile.Notification) {
	if c.loaded.config == nil {
		return nil
	}
	var vias []string
	if kind != "success" && len(recipients(d)) > 0 {
		vias = append(vias, "mail")
	}
	if via := commandKey[kind]; len(command(d, via)) > 0 {
		vias = append(vias, via)
	}
	for _, via := range vias {
		list = append(list, c.newNotification(statefile.Notification{Job: j.name, Kind: kind, Via: via, Run: o, FailuresBefore: j.facts.Consecutive}))
	}
	return list
}

// commandKey maps a kind of event to the key of its command.
var commandKey = map[string]string{"failure": "on_failure", "crash_loop": "on_failure", "success": "on_success", "recovery": "on_recovery"}

func command(d *jobfile.Definition, via string) []string {
	if d.Notify == nil {
		return nil
	}
	return map[string][]string{"on_failure": d.Notify.OnFailure, "on_success": d.Notify.OnSuccess,
		"on_recovery": d.Notify.OnRecovery}[via]
}

// newNotification gives a notification its number and time.
func (c *Core) newNotification(o statefile.Notification) statefile.Notification {
	c.deliveries.lastNotification = max(c.deliveries.lastNotification, c.facts.LastNotification) + 1
	o.ID, o.At = c.deliveries.lastNotification, c.at()
	return o
}

func recipients(d *jobfile.Definition) []string {
	if d.Notify == nil {
		return nil
	}
	return d.Notify.Mail // the loader has filled in the recipients of jobsd.toml
}

// notifyCrash mails that the previous daemon crashed, but at most once an hour.
func (c *Core) notifyCrash() {
	since := c.now.Wall.Sub(c.facts.DaemonNotified.Time).Abs()
	if !c.previous.crashed || len(c.loaded.config.Mail.To) == 0 || !c.facts.DaemonNotified.IsZero() && since < crashPause {
		return
	}
	text := fmt.Sprintf("jobsd crashed and was restarted, %s so far", times(c.facts.Unclean))
	if s := c.facts.Suspect; s != "" {
		text += "; it was handling " + s
	}
	c.record(&statefile.DaemonNotification{Notifications: []statefile.Notification{c.newNotification(statefile.Notification{Kind: "daemon", Via: "mail", Text: text})}})
}

// notifyDamage mails once that all jobs are disabled because the journal was damaged. Otherwise nobody might notice
// that nothing runs.
func (c *Core) notifyDamage() {
	by := c.facts.DisabledBy
	if !by.ByDamage() || len(c.loaded.config.Mail.To) == 0 || !c.facts.DaemonNotified.Before(by.When.Time) {
		return
	}
	c.record(&statefile.DaemonNotification{Notifications: []statefile.Notification{c.newNotification(statefile.Notification{Kind: "daemon", Via: "mail",
		Text: "all jobs are disabled: " + by.Reason})}})
}

func times[N int | uint64](n N) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

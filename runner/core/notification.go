package core

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// A notification is a fact in the journal from the outcome of the run on. It is owed until a delivery succeeds or is
// given up, so a crash in between delivers it twice rather than never.

// crashPause is the shortest time between two notifications of crashes of the daemon.
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
		e.Notifications, e.FailureNotified = c.notifyFailure(r.job, d, "failure", o)
	case e.Failed && e.Retry == nil:
		e.Notifications = c.owe(r.job, c.checksOf(d), "failure", o)
	case e.Failed: // the retry ends it
	case o.Outcome != statefile.OutcomeExited:
		e.Notifications = c.owe(r.job, c.checksOf(d), "stopped", o)
	default:
		e.Notifications = c.notifyRecovery(r.job, d, endsWith(r.job.facts, e), "", o)
		e.Notifications = append(e.Notifications, c.notificationsOf(r.job, d, "success", o)...)
	}
}

// endsWith returns what a job recovers from when a run succeeds. A job stays slow if the run took too long.
func endsWith(f *statefile.JobFacts, e *statefile.Ended) (from []string) {
	if f.FailureNotified {
		from = append(from, "failure")
	}
	if f.Late {
		from = append(from, "late")
	}
	if f.Slow && e.InTime {
		from = append(from, "slow")
	}
	return from
}

// notifyRecovery returns the notifications that a job has recovered from something.
func (c *Core) notifyRecovery(j *job, d *jobfile.Definition, from []string, text string, o *statefile.Run) []statefile.Notification {
	if len(from) == 0 {
		return nil
	}
	list := c.notificationsOf(j, d, "recovery", o)
	for i := range list {
		list[i].RecoveredFrom, list[i].Text = from, text
	}
	return list
}

// notifyFailure returns the notifications of a failure, and whether it counts as notified: then no further failure is,
// but the recovery. It counts also for a job that notifies nobody of failures if it notifies somebody of recoveries. It
// does not count for a job that notifies nobody of either: if the job gets a receiver, the next failure is news to it.
func (c *Core) notifyFailure(j *job, d *jobfile.Definition, kind string, o *statefile.Run) ([]statefile.Notification, bool) {
	list := c.notificationsOf(j, d, kind, o)
	return list, len(list) > 0 || c.loaded.settled && len(c.toldOf(d, "recovery")) > 0
}

// notifySetAside adds the notifications that a job is set aside, and so does not run again by itself. The internal error may
// be one of its notifications, so another one costs only them.
func (c *Core) notifySetAside(j *job, s *statefile.SetAside) {
	defer func() { c.caught(recover(), j.name) }()
	if !j.facts.FailureNotified {
		s.Notifications = c.notificationsAbout(j, "failure", "internal error: "+s.Error, nil)
	}
}

// notifyLost adds the notifications of a run that is lost after an internal error. That error may be one of its
// notifications, so another one costs only them.
func (c *Core) notifyLost(r *run, e *statefile.Ended) {
	defer func() { c.caught(recover(), r.job.name) }()
	if l := r.live(); l == nil || !l.Ended { // otherwise they are in the record of its end
		c.notifyOutcome(r, e)
	}
}

// notificationsOf returns the notifications that must be sent about an event.
func (c *Core) notificationsOf(j *job, d *jobfile.Definition, kind string, o *statefile.Run) []statefile.Notification {
	if c.loaded.config == nil {
		return nil
	}
	return c.owe(j, c.toldOf(d, kind), kind, o)
}

// owe makes the notifications of an event.
func (c *Core) owe(j *job, vias []string, kind string, o *statefile.Run) (list []statefile.Notification) {
	for _, via := range vias {
		list = append(list, c.newNotification(statefile.Notification{Job: j.name, Kind: kind, Via: via, Run: o, FailuresBefore: j.facts.Consecutive}))
	}
	return list
}

// toldOf returns how a job's events of a kind are notified: "mail", the key of a command, or the name of a target.
func (c *Core) toldOf(d *jobfile.Definition, kind string) (vias []string) {
	if d.Notify == nil {
		return nil
	}
	if kind != "success" && kind != "start" && len(recipients(d)) > 0 {
		vias = append(vias, "mail")
	}
	if via := commandKey[kind]; len(command(d, via)) > 0 {
		vias = append(vias, via)
	}
	for _, name := range d.Notify.To {
		t := c.loaded.config.Targets[name]
		if t == nil && !c.loaded.settled { // the settings may well have it, once their mistakes are mended
			t = &jobfile.Target{}
		}
		if t != nil && d.Notify.Tells(t, kind) {
			vias = append(vias, name)
		}
	}
	return vias
}

// checksOf returns the targets of a job that are checks of Healthchecks. They learn of the end of each run, even if it
// was stopped or its failure is not notified otherwise: they learn of its start, and raise an alarm if no end follows. A
// run that was stopped is only noted in their log, as it is no success.
func (c *Core) checksOf(d *jobfile.Definition) (vias []string) {
	if d.Notify == nil || c.loaded.config == nil {
		return nil
	}
	for _, name := range d.Notify.To {
		if t := c.loaded.config.Targets[name]; t != nil && t.Preset == jobfile.PresetHealthchecks {
			vias = append(vias, name)
		}
	}
	return vias
}

// commandKey maps a kind of event to the key of its command.
var commandKey = map[string]string{"start": "on_start", "failure": "on_failure", "crash_loop": "on_failure", "success": "on_success",
	"late": "on_failure", "slow": "on_failure", "recovery": "on_recovery"}

// isCommandKey reports whether the key is one of commands, and not "mail" or the name of a target.
func isCommandKey(key string) bool {
	return slices.Contains([]string{"on_start", "on_failure", "on_success", "on_recovery"}, key)
}

func command(d *jobfile.Definition, via string) []string {
	if d.Notify == nil {
		return nil
	}
	return map[string][]string{"on_start": d.Notify.OnStart, "on_failure": d.Notify.OnFailure, "on_success": d.Notify.OnSuccess,
		"on_recovery": d.Notify.OnRecovery}[via]
}

// notifyStart returns the notifications that a run has started. A retry or a restart of a service is no news. But a check
// of Healthchecks compares the runs of a start and an end, so it learns of the retry that will end.
func (c *Core) notifyStart(r *run) []statefile.Notification {
	o := &statefile.Run{Run: r.number, Slot: r.slot, Reason: r.reason, Attempt: r.attempt, StartedAt: r.startedAt, Missed: r.missed}
	switch {
	case r.reason == statefile.ReasonService:
		return nil
	case r.attempt > 1:
		return c.owe(r.job, c.checksOf(r.def), "start", o)
	}
	return c.notificationsOf(r.job, r.def, "start", o)
}

// newNotification gives a notification its number and time.
func (c *Core) newNotification(o statefile.Notification) statefile.Notification {
	c.deliveries.look = true
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

// notifyDaemon notifies something about the daemon itself: the targets for that, or else the default recipients of mail.
func (c *Core) notifyDaemon(text string) {
	vias := c.loaded.config.Daemon.Notify
	if len(vias) == 0 && len(c.loaded.config.Mail.To) > 0 {
		vias = []string{"mail"}
	}
	var list []statefile.Notification
	for _, via := range vias {
		list = append(list, c.newNotification(statefile.Notification{Kind: "daemon", Via: via, Text: text}))
	}
	if list != nil {
		c.record(&statefile.DaemonNotification{Notifications: list})
	}
}

// notifyCrash notifies that the previous daemon crashed, but at most once an hour.
func (c *Core) notifyCrash() {
	since := c.now.Wall.Sub(c.facts.DaemonNotified.Time()).Abs()
	if !c.previous.crashed || !c.facts.DaemonNotified.IsZero() && since < crashPause {
		return
	}
	text := fmt.Sprintf("jobsd crashed and was restarted, %s so far", times(c.facts.Unclean))
	if s := c.facts.Suspect; s != "" {
		text += "; it was handling " + s
	}
	c.notifyDaemon(text)
}

// notifyDamage notifies once that all jobs are disabled because the journal was damaged. Otherwise nobody might notice
// that nothing runs.
func (c *Core) notifyDamage() {
	by := c.facts.DisabledBy
	if !by.ByDamage() || !c.facts.DaemonNotified.Time().Before(by.When.Time()) {
		return
	}
	c.notifyDaemon("all jobs are disabled: " + by.Reason)
}

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

func times[N int | uint64](n N) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

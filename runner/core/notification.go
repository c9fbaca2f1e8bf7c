package core

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// A notification is a fact in the journal from the outcome of the run on. It is owed until a delivery succeeds or is
// given up, so a crash in between delivers it twice rather than never. A delivery is a run like any other: a mailer or
// a command of the job that is started, timed out and reaped.
const (
	deliveryTime     = time.Minute // how long a mailer or a command may take
	deliveryGrace    = 5 * time.Second
	mailMin          = time.Minute // the back-off after a mail that could not be sent
	mailMax          = time.Hour
	mailTries        = 24   // a little more than a day
	maxNotifications = 1000 // with more than this, the machine has worse problems than lost notifications
	maxCommands      = 8    // commands running at once
	crashPause       = time.Hour
)

// firstDelivery begins the numbers of deliveries, far from those of runs.
const firstDelivery = 1 << 62

// deliveries are the notifications that are on their way.
type deliveries struct {
	mailer           mailer
	commands         map[string]*run // running commands, by job
	last             uint64          // the number of the last delivery
	lastNotification uint64
	daemon           *job // stands for the daemon where a job is required
}

// delivery lists the notifications that one mail or command delivers.
type delivery struct {
	via           string
	notifications []statefile.Notification
}

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

// deliver starts the deliveries of owed notifications: one mail at a time, which includes all notifications for the
// same recipients, and the commands of a job one after the other.
func (c *Core) deliver() {
	defer c.rescueDelivery()
	if !c.loaded.ready || c.shutdown != nil {
		return
	}
	if n := len(c.facts.Notifications) - maxNotifications; n > 0 {
		c.dropNotifications(c.facts.Notifications[:n], "too many notifications are pending")
	}
	if c.deliveries.mailer.busy == nil && !c.deliveries.mailer.timer.set() {
		c.deliverMail()
	}
	for _, o := range c.facts.Notifications {
		if o.Via != "mail" && !c.outputOpen(o.Run) && len(c.deliveries.commands) < maxCommands && c.deliveries.commands[o.Job] == nil {
			c.deliverCommand(o)
		}
	}
}

// outputOpen reports whether the output of an ended run is still open. Its notification waits until the output is
// complete.
func (c *Core) outputOpen(o *statefile.Run) bool {
	if o == nil {
		return false
	}
	r := c.runs[o.Run]
	return r != nil && r.open()
}

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

func (c *Core) definition(job string) *jobfile.Definition {
	if j := c.jobs[job]; j != nil {
		return j.def
	}
	return undefined
}

// deliverCommand starts a command of a job's notify table. If the same command is owed several times, it gets the
// newest event.
func (c *Core) deliverCommand(o statefile.Notification) {
	n := &delivery{via: o.Via}
	for _, other := range c.facts.Notifications {
		if other.Job == o.Job && other.Via == o.Via {
			n.notifications = append(n.notifications, other)
		}
	}
	if len(n.notifications) == 0 {
		return // they were dropped in this turn
	}
	argv := command(c.definition(o.Job), o.Via)
	if len(argv) == 0 {
		c.dropNotifications(n.notifications, "the job no longer has a command for this notification")
		return
	}
	j := c.jobs[o.Job]
	d := &jobfile.Definition{Name: j.name, Argv: argv, User: j.def.User, Dir: j.def.Dir, Env: j.def.Env, EnvFile: j.def.EnvFile,
		PassEnv: j.def.PassEnv, ExtraPath: j.def.ExtraPath, DirMayHang: j.def.DirMayHang, Log: j.def.Log}
	r := c.newDelivery(j, n, d)
	if c.deliveries.commands == nil {
		c.deliveries.commands = map[string]*run{}
	}
	c.deliveries.commands[j.name] = r
}

// newDelivery makes the run of a notification; d holds its particular settings.
func (c *Core) newDelivery(j *job, n *delivery, d *jobfile.Definition) *run {
	d.Timeout, d.StopSignal, d.StopTimeout = deliveryTime, "TERM", deliveryGrace
	d.Schedule, d.SuccessCodes, d.Umask, d.Enabled, d.Overlap = new(schedule.Schedule), []int{0}, -1, true, jobfile.Allow
	c.deliveries.last = max(c.deliveries.last, firstDelivery) + 1
	r := &run{origin: origin{source: fromNotification, reason: statefile.Reason(n.via)}, number: c.deliveries.last, job: j, def: d, attempt: 1, delivery: n}
	r.timer.owner = r
	c.runs[r.number] = r
	c.pending.add(r)
	return r
}

// mailNotWritten postpones a mail that could not be written to a file.
func (c *Core) mailNotWritten(r *run, why string) {
	c.end(r, statefile.Run{Outcome: statefile.OutcomeStartError, StartError: &statefile.StartError{Stage: "mail", Errno: "EIO", Text: why}}, leftNothing)
	c.forget(r)
}

// delivered records a delivery that ended. If the daemon's shutdown stopped it, they stay owed.
func (c *Core) delivered(r *run, o *statefile.Run) {
	err := ""
	if o.Outcome != statefile.OutcomeExited || *o.ExitCode != 0 {
		err = r.delivery.via + ": " + words(o)
	}
	mail := r.delivery.via == "mail"
	if mail {
		c.deliveries.mailer.busy = nil
	} else {
		delete(c.deliveries.commands, r.job.name)
	}
	switch {
	case o.Outcome == statefile.OutcomeStopped:
	case mail:
		c.mailDelivered(r.delivery.notifications, err)
	default:
		c.recordDelivery(r.delivery.notifications, err, false)
	}
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

// recordDelivery records the result of notifications and logs an error once for each job.
func (c *Core) recordDelivery(owed []statefile.Notification, err string, kept bool) {
	if len(owed) == 0 {
		return
	}
	t := &statefile.Delivery{Error: err, WillRetry: kept}
	said := map[string]bool{}
	for _, o := range owed {
		t.IDs = append(t.IDs, o.ID)
		j := c.jobs[o.Job]
		if j == nil || said[o.Job] {
			continue
		}
		said[o.Job] = true
		c.markDirty(j)
		if err != "" {
			c.logJob(j, Error, "cannot notify: "+err)
		}
	}
	c.record(t)
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

func (c *Core) dropNotifications(list []statefile.Notification, why string) {
	c.say(Warn, "", why, "dropped", len(list))
	c.recordDelivery(list, why, false)
}

// deliveryEnv returns the environment variables that describe the outcome to a command.
func deliveryEnv(o *statefile.Notification) []string {
	env := []string{"JOBSD_EVENT=" + o.Kind}
	r := o.Run
	if r == nil {
		return env
	}
	code, signal := "", ""
	if r.ExitCode != nil {
		code = strconv.Itoa(*r.ExitCode)
	}
	if r.Signal != nil {
		signal = *r.Signal
	}
	return append(env, "JOBSD_RUN="+itoa(r.Run), "JOBSD_OUTCOME="+string(r.Outcome), "JOBSD_EXIT_CODE="+code, "JOBSD_SIGNAL="+signal,
		"JOBSD_DURATION="+strconv.FormatFloat(time.Duration(r.Duration).Seconds(), 'f', 3, 64))
}

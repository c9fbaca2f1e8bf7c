package core

import (
	"strconv"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// A delivery is a run like any other: a mailer or a command of the job that is started, timed out and reaped.
const (
	deliveryTime     = time.Minute // how long a mailer or a command may take
	deliveryGrace    = 5 * time.Second
	maxNotifications = 1000 // with more than this, the machine has worse problems than lost notifications
	maxCommands      = 8    // commands running at once
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
	w := c.outputs[o.Run]
	return w != nil && !w.late
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

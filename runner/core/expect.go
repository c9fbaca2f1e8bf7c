package core

import (
	"fmt"
	"slices"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// uncountedMin is the shortest time asleep, or step of the wall clock, that is recorded.
const uncountedMin = time.Minute

// lateAgain is how much more time than it has used the newest definition must give to a late job, so that the job is no
// longer late. Steps of the clock that are not recorded yet make a smaller difference.
const lateAgain = 2 * uncountedMin

// lateAlarm rings when a job has had no success for longer than expected.
type lateAlarm struct {
	timer timer
	job   *job
}

func (a *lateAlarm) ring(c *Core) {
	j := a.job
	if rest := c.untilLate(j); rest > 0 { // the wall clock was set
		c.after(&a.timer, rest)
		return
	}
	text := "no success for " + schedule.FormatDuration(j.def.Expect.SuccessWithin)
	if !j.facts.LastSuccess.IsZero() {
		text += ", the last one on " + j.facts.LastSuccess.Time().In(j.zone()).Format("2006-01-02 at 15:04")
	}
	c.record(&statefile.Late{Job: j.name, Notifications: c.notificationsAbout(j, "late", text, nil)})
	c.logJob(j, Warn, "late: "+text)
	c.markDirty(j)
}

// expect watches whether the successes of a job come often enough. It is called when the job has succeeded, and at the
// end of each turn in which its definition changed or it became active or inactive.
func (c *Core) expect(j *job) {
	e := j.def.Expect
	counts := j.defined() && e != nil && e.SuccessWithin > 0 && c.expected(j)
	if counts != j.facts.Expected {
		c.record(&statefile.Expected{Job: j.name, Expected: counts})
		c.markDirty(j)
	}
	if j.facts.Slow && !c.expectsEnd(j) {
		c.record(&statefile.Slow{Job: j.name, Over: true})
		c.markDirty(j)
	}
	for _, r := range j.runs {
		c.expectEnd(r)
	}
	if counts && j.facts.Late && c.untilLate(j) > lateAgain {
		over := &statefile.Late{Job: j.name, Over: true}
		if !j.facts.FailureNotified && !j.facts.Slow { // otherwise the job has not recovered yet
			over.Notifications = c.notifyRecovery(j, j.def, []string{"late"}, "it has more time now", nil)
		}
		c.record(over)
		c.logJob(j, Info, "no longer late: it has more time now")
		c.markDirty(j)
	}
	if !counts || j.facts.Late {
		c.stopLate(j)
		return
	}
	if j.late == nil {
		j.late = &lateAlarm{job: j}
		j.late.timer.owner = j.late
	}
	c.after(&j.late.timer, max(0, c.untilLate(j)))
}

func (c *Core) stopLate(j *job) {
	if j.late != nil {
		c.stopTimer(&j.late.timer)
	}
}

// logRecovery logs that a job is no longer late or slow. The arguments say whether it was.
func (c *Core) logRecovery(j *job, late, slow bool) {
	if late && !j.facts.Late {
		c.logJob(j, Info, "no longer late")
	}
	if slow && !j.facts.Slow {
		c.logJob(j, Info, "no longer slow")
	}
}

// expected reports whether the job runs by itself now. A job that was set aside after an internal error should.
func (c *Core) expected(j *job) bool {
	return j.def.Enabled && !j.away && c.facts.DisabledBy == nil && j.facts.DisabledBy == nil && !j.facts.Held
}

// untilLate returns how long the job may still be without a success. The time in which the machine was asleep or no
// daemon ran does not count, nor the time before the job became active. Two times of the wall clock are subtracted here,
// and it may have been set in between. Therefore both belong to readings of uncounted time, which has the steps.
func (c *Core) untilLate(j *job) time.Duration {
	return j.def.Expect.SuccessWithin - c.now.Wall.Sub(j.facts.ExpectedSince.Time()) + time.Duration(c.facts.Uncounted-j.facts.UncountedBefore)
}

// slowAlarm rings when a run takes longer than expected.
type slowAlarm struct {
	timer timer
	run   *run
	rang  bool // it rings once for each run
}

func (a *slowAlarm) ring(c *Core) {
	r := a.run
	j := r.job
	if !c.expectsEnd(j) {
		return // the end of the turn in which this changes looks at the run again
	}
	if a.rang = true; !j.facts.Slow {
		text := fmt.Sprintf("run %d has not ended within %s", r.number, schedule.FormatDuration(j.def.Expect.DoneWithin))
		c.record(&statefile.Slow{Job: j.name, Run: r.number, Notifications: c.notificationsAbout(j, "slow", text, r)})
		c.logJob(j, Warn, "slow: "+text)
		c.markDirty(j)
	}
}

// expectsEnd reports whether runs of the job should end within some time.
func (c *Core) expectsEnd(j *job) bool {
	return j.defined() && j.def.Expect != nil && j.def.Expect.DoneWithin > 0 && c.expected(j)
}

// expectEnd watches whether a run ends as soon as its job's newest definition says. An expectation changes nothing about
// the run, so there is no reason to keep the one from its start.
func (c *Core) expectEnd(r *run) {
	if r.slow.rang || r.state != running && r.state != stopping || !c.expectsEnd(r.job) {
		c.stopTimer(&r.slow.timer)
		return
	}
	r.slow.timer.owner, r.slow.run = &r.slow, r
	c.after(&r.slow.timer, max(0, r.job.def.Expect.DoneWithin-c.age(r)))
}

// inTime reports whether a run that ends now does so as soon as expected.
func (c *Core) inTime(r *run) bool {
	e := r.job.def.Expect
	return e == nil || e.DoneWithin == 0 || c.age(r) <= e.DoneWithin
}

// notificationsAbout returns the notifications about an expectation that was not met.
func (c *Core) notificationsAbout(j *job, kind, text string, r *run) []statefile.Notification {
	var o *statefile.Run
	if r != nil {
		o = &statefile.Run{Run: r.number, Slot: r.slot, Reason: r.reason, Attempt: r.attempt, StartedAt: r.startedAt, Missed: r.missed}
	}
	list := c.notificationsOf(j, j.def, kind, o)
	for i := range list {
		list[i].Text = text
	}
	return list
}

// readSleep records time that counts neither as time without a success nor as the duration of a run: the machine was
// asleep, or the wall clock was set. For runs, only the next daemon needs the record, since the timers of this one stand
// still during sleep.
func (c *Core) readSleep(step time.Duration) {
	asleep := c.now.Boot - c.now.Mono
	uncounted := asleep - c.asleep + step
	if uncounted.Abs() < uncountedMin {
		c.asleep -= step // small steps add up, as short sleeps do
		return
	}
	c.asleep = asleep
	if len(c.runs) > 0 || slices.ContainsFunc(c.order, func(j *job) bool { return j.facts.Expected }) {
		c.record(&statefile.Uncounted{Total: c.facts.Uncounted + statefile.Seconds(uncounted)})
	}
}

// timeDown returns how long no daemon can have run before this one: since the last record, if the previous daemon ended
// cleanly or the machine went down. It is negative if the wall clock went back, as in a machine without a battery for its
// clock. The step to the right time, which follows, cancels that.
//
// If the previous daemon was killed while the machine was running, nobody knows when, because an idle daemon leaves no
// trace for days. A supervisor restarts it at once as a rule, so the time counts: if it was down for days after all, jobs
// are reported as late, and it is true that they had no success. The other choice could hide a job that fails for days.
func (c *Core) timeDown(clean, power bool) statefile.Seconds {
	if !clean && !power || c.facts.LastAt.IsZero() {
		return 0
	}
	return statefile.Seconds(c.now.Wall.Sub(c.facts.LastAt.Time()))
}

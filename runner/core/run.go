package core

import (
	"strconv"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// run is one execution, from the slot handed out to the empty group.
type run struct {
	number  uint64
	job     *job
	def     *jobfile.Definition // its own: a reload does not change it. nil: adopted, and not known yet
	state   runState
	why     string // of pending
	text    string // what went wrong last, for people
	slot    statefile.Time
	epoch   uint64 // of slot
	reason  string
	attempt int
	missed  uint64            // how many slots it makes up for
	row     *statefile.Passed // those, until its intent
	anchor  *statefile.Anchor

	pid         int
	startedAt   statefile.Time
	started     time.Duration // monotonic
	adopted     bool          // from a daemon before this one: it is no child of ours
	inherited   bool          // from the journal, a child or not
	durable     bool          // its intent was handed to the disk before
	unjournaled bool
	forced      bool // a person started it although its job is not to run
	promised    bool // a person asked for it before, and the journal knows
	settled     bool // a retry: the journal knows its slot
	remains     bool // processes of it may live although its leader, of an earlier daemon, does not
	lost        bool // it was alive when the daemon before this one ended, and is not any more

	notice *notice // it is a notification
	letter *Letter // and this the mail

	stopBy string // who wants it to end; "timeout" is a reason of its own
	killAt time.Duration
	killed bool
	spared bool // its group is looked at before it is told to end
	open   bool // and may still write to the run's log, which then ends with the mark
	mark   string
	far    bool // it was stopped: what has left its group goes too
	undead bool // it survived KILL

	args    []string // a person's, added to those of the job
	alone   bool     // starts when no other run of its job is left, whatever overlap says
	watches []*watch

	notBefore time.Duration // of a catch-up, monotonic
	occupies  bool          // its lock and its place among those that run

	timer timer
	wait  time.Duration // the last pause between tries or looks
	tries int
}

func (r *run) ring(c *Core) { c.move(r.number, evRing, nil) }

// newRun makes a pending run of a job.
func (c *Core) newRun(j *job, slot statefile.Time, reason string, missed *statefile.Passed, a *statefile.Anchor) *run {
	r := &run{number: c.nextRun(), job: j, def: j.def, slot: slot, epoch: c.facts.Epoch, reason: reason, attempt: 1, row: missed, anchor: a}
	if missed != nil {
		r.missed = missed.Number
	}
	if reason == "catch_up" {
		r.notBefore = c.now.Mono + c.config.CatchUpDelay
	}
	c.enlist(r)
	return r
}

func (c *Core) enlist(r *run) {
	r.timer.owner = r
	r.job.runs = append(r.job.runs, r)
	c.runs[r.number] = r
	c.wait(r)
	c.soil(r.job)
}

// unsettle gives up the slots of a pending run of which the journal knows nothing yet. Unless later ones are settled
// already, the next daemon judges them anew.
func (c *Core) unsettle(r *run) {
	if r.notice != nil { // what it tells is owed on
		return
	}
	if r.promised { // the next daemon starts it
		return
	}
	if r.onlyHere() {
		c.say(Warn, r.job.name, "dropped before it started: the daemon is stopping", "run", r.number, "reason", r.reason)
		return
	}
	if r.slot.IsZero() {
		return
	}
	later := len(r.job.streaks) > 0 || r.job.facts.LastSlot.After(r.slot.Time)
	if later && !r.settled {
		c.skip(r, "shutdown")
	}
}

// onlyHere tells whether only this daemon knows of a run that waits to be let in: the next one will not make it again.
func (r *run) onlyHere() bool {
	return r.state == pending && r.slot.IsZero() && !r.durable && !r.settled && !r.promised && r.notice == nil &&
		r.reason != "service" && r.reason != "boot"
}

// skip counts the slots of a pending run that will not be.
func (c *Core) skip(r *run, why string) {
	switch {
	case r.state != pending || r.durable || r.notice != nil:
		return
	case r.settled:
		c.giveUp(r.job, r.def, r.number, why)
		return
	case r.slot.IsZero():
		return
	}
	if r.row != nil {
		c.pass(r.job, r.row, before(r.row, r.slot.Time, r.anchor, r.def))
	}
	if r.reason == "schedule" {
		row := c.row(r.job, "skipped", why, r.slot.Time, r.slot.Time, 1)
		row.Epoch = r.epoch
		c.pass(r.job, row, r.anchor)
	}
}

// isAt tells whether the run is that of the `at`, not one of its boot or after another job.
func (r *run) isAt() bool { return r.def.Schedule.Kind() == schedule.At && !r.slot.IsZero() }

func drop(c *Core, r *run, _ Event) {
	if r.durable || r.notice != nil { // it waited for a fork
		c.end(r, statefile.Run{Outcome: "stopped", By: new(r.stopBy)}, false)
	}
	switch {
	case !r.promised || r.durable:
	case c.shutdown == nil:
		c.record(&statefile.GaveUp{Job: r.job.name, Run: r.number, Why: "stopped by " + r.stopBy})
	default:
		r.putOff()
	}
	c.forget(r)
}

// title is what people call it.
func (r *run) title() string {
	if n := r.notice; n != nil {
		if o := n.owed[len(n.owed)-1]; o.Run != nil && n.way != "mail" {
			return n.way + " of run " + itoa(o.Run.Run)
		}
		return n.way
	}
	return "run " + itoa(r.number)
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

package core

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

const (
	journalWait = 2 * time.Second  // so long a start waits for its intent to be durable
	startWait   = 30 * time.Second // so long a shim may take: its program or directory may hang on a dead file system
	weatherMin  = time.Second      // back-off after a fork failed for want of a resource
	weatherMax  = time.Minute
	busyWait    = 300 * time.Millisecond // between tries while the program is being written (golang/go#22315)
	busyTries   = 3
	reapWait    = 3 * time.Second       // so long a process may lie about as a zombie before it counts as left behind
	probeMin    = 10 * time.Millisecond // between looks at a draining group
	probeMax    = time.Second
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
	c.lastRun++
	r := &run{number: c.lastRun, job: j, def: j.def, slot: slot, epoch: c.facts.Epoch, reason: reason, attempt: 1, row: missed, anchor: a}
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

// begin passes the point of no return.
func begin(c *Core, r *run, _ Event) {
	p := Prepare{Run: r.number, Job: r.def, At: c.at(), Letter: r.letter}
	if r.notice != nil && r.letter == nil {
		p.Mark = r.title()
	}
	if !r.durable && r.notice == nil {
		r.durable = true
		c.settleMissed(r)
		p.Record = &statefile.Intent{Job: r.job.name, Run: r.number, Slot: r.slot, Epoch: r.epoch,
			Reason: r.reason, Attempt: r.attempt, Missed: r.missed, Anchor: r.anchor, At: r.isAt()}
		c.apply(p.Record)
	}
	c.occupy(r)
	r.why = ""
	c.to(r, intent)
	c.after(&r.timer, journalWait)
	c.emit(p)
	if p.Record != nil && !r.job.unsettled() { // of later slots: torn off from the intent, they would settle this one
		c.endStreaks(r.job)
	}
	c.soil(r.job)
}

// settleMissed writes down the slots that the run makes up for.
func (c *Core) settleMissed(r *run) {
	if r.row != nil {
		c.settlePassed(r.job, r.row)
		c.tell(r.job, Info, fmt.Sprintf("missed %d, ran 1", r.missed))
		r.row = nil
	}
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
	if r.slot.IsZero() { // nothing will judge it anew
		c.say(Warn, r.job.name, "given up before it began: the daemon ends", "run", r.number, "reason", r.reason)
		return
	}
	later := len(r.job.streaks) > 0 || r.job.facts.LastSlot.After(r.slot.Time)
	if later && !r.settled {
		c.skip(r, "shutdown")
	}
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

// tryAgain lets in a run whose fork had failed.
func tryAgain(c *Core, r *run, _ Event) { c.regate = true }

func forkPrepared(c *Core, r *run, e Event) {
	if err := e.(Prepared).Err; err != nil && r.letter != nil {
		c.unwritten(r, err.Error())
		return
	} else if err != nil {
		r.unjournaled = true
		c.say(Error, r.job.name, "starting all the same", "run", r.number, "err", err)
	}
	c.fork(r)
}

// forkUnjournaled starts a run whose intent did not become durable in time: a full or hung disk must not stop the job
// that would mend it.
func forkUnjournaled(c *Core, r *run, _ Event) {
	if r.letter != nil {
		c.unwritten(r, "cannot write a mail: the disk does not answer")
		return
	}
	r.unjournaled = true
	c.say(Error, r.job.name, "starting although its intent is not on disk yet", "run", r.number)
	c.fork(r)
}

func (c *Core) fork(r *run) {
	c.to(r, forking)
	c.stopTimer(&r.timer)
	s := Start{Job: r.def, Run: r.number, Slot: r.slot, Reason: r.reason, Attempt: r.attempt, Args: r.args}
	if r.notice != nil {
		s.Mail = r.letter != nil
		s.Env = noticeEnv(&r.notice.owed[len(r.notice.owed)-1])
	}
	c.emit(Fork{s})
}

func forked(c *Core, r *run, e Event) {
	f := e.(Forked)
	r.pid, r.startedAt, r.started = f.PID, c.at(), c.now.Mono
	if r.notice == nil {
		c.record(&statefile.Started{Job: r.job.name, Run: r.number, PID: f.PID, Inode: f.Inode, PIDStart: f.PIDStart,
			BootID: c.o.BootID})
	}
	c.say(Debug, r.job.name, "started", "run", r.number, "pid", f.PID)
	if f.Executing {
		executed(c, r, e)
		return
	}
	c.after(&r.timer, startWait)
	if r.stopBy != "" {
		stopForking(c, r, nil)
	}
}

func executed(c *Core, r *run, _ Event) {
	c.to(r, running)
	c.stopTimer(&r.timer)
	if r.def.Timeout > 0 {
		c.after(&r.timer, r.def.Timeout)
	}
	if r.stopBy != "" {
		c.terminate(r)
	} else if r.reason == "service" {
		c.needArm(r.job)
	}
}

// notStarted tells weather from failure. What is short now comes back by itself: that is tried again and never
// counted against the job.
func notStarted(c *Core, r *run, e Event) {
	n := e.(NotStarted)
	r.text = n.Text
	again := n.Weather || n.Busy && r.tries < busyTries
	r.startedAt = statefile.Time{}
	if !again || r.stopBy != "" {
		o := statefile.Run{Outcome: "start_error", StartError: &n.Error}
		r.blame(&o)
		c.end(r, o, false)
		c.forget(r)
		return
	}
	if r.pid > 0 {
		c.emit(Release{r.number})
		r.pid = 0
	}
	r.why = "fork"
	c.to(r, pending)
	r.wait = busyWait
	if n.Weather {
		r.wait = min(max(weatherMin, 2*r.wait), weatherMax)
	}
	r.tries++
	c.after(&r.timer, r.wait)
	c.wait(r)
	c.say(Warn, r.job.name, "cannot start now, will try again", "run", r.number, "in", r.wait, "err", n.Text)
}

// leaderEnded publishes the outcome; the run is over when its group is empty too.
func leaderEnded(c *Core, r *run, e Event) {
	x := e.(Exited)
	over := !r.far && (!x.Group || r.keeps())
	c.end(r, r.outcome(x), !over)
	if over {
		c.forget(r)
		return
	}
	switch {
	case r.far: // its deadline stands
	case r.adopted: // its zombie counts until its parent, which is not this daemon, has reaped it
		r.spared, r.killAt = true, c.now.Mono+reapWait
	default:
		c.stopLeftovers(r)
	}
	c.to(r, draining)
	r.wait = probeMin
	c.after(&r.timer, r.wait)
	if r.far {
		c.emit(Probe{r.number, true})
	}
}

func (c *Core) stopLeftovers(r *run) {
	c.tell(r.job, Info, r.title()+" left processes behind: stopping them")
	c.signalStop(r)
}

func (r *run) keeps() bool { return r.def != nil && r.def.KeepLeftovers && r.stopBy == "" }

// end completes and records an outcome.
func (c *Core) end(r *run, o statefile.Run, draining bool) {
	if r.notice != nil {
		c.delivered(r, &o)
		return
	}
	now := statefile.At(c.now.Wall.In(r.job.zone()))
	o.Run, o.Slot, o.Reason, o.Attempt = r.number, r.slot, r.reason, r.attempt
	o.EndedAt, o.Missed, o.Unjournaled = now, r.missed, r.unjournaled
	if !r.startedAt.IsZero() {
		o.StartedAt = statefile.At(r.startedAt.In(r.job.zone()))
	}
	switch {
	case r.startedAt.IsZero():
	case r.adopted:
		o.Duration = statefile.Seconds(max(0, now.Sub(r.startedAt.Time)))
	default:
		o.Duration = statefile.Seconds(c.now.Mono - r.started)
	}
	ended := &statefile.Ended{Job: r.job.name, Outcome: o, Failed: r.failed(&o), Drained: !draining}
	ended.Retry = c.tryLater(r, ended)
	c.lived(r, ended)
	c.tellOutcome(r, ended)
	c.fellIntoLoop(r, ended)
	c.facts.Apply(statefile.Entry{At: c.at(), Record: ended})
	c.emit(Finish{Job: r.def, Record: ended, At: c.at(), Mark: mark(r, &o)})
	level := Debug
	if ended.Failed {
		level = Warn
	}
	r.told(c, &ended.Outcome)
	c.say(level, r.job.name, "ended", "run", r.number, "outcome", words(&o, r.text), "after", time.Duration(o.Duration).Round(time.Millisecond))
	c.soil(r.job)
	if o.Outcome == "exited" && !ended.Failed {
		c.followUp(r.job)
	}
}

// forget ends a run for good: what waited for it may go on.
func (c *Core) forget(r *run) {
	if r.state == draining && r.notice == nil {
		c.record(&statefile.Drained{Job: r.job.name, Run: r.number})
	}
	c.strike(r)
}

// strike takes a run off the list.
func (c *Core) strike(r *run) {
	c.to(r, done)
	r.gone(c)
	c.vacate(r)
	c.stopTimer(&r.timer)
	delete(c.runs, r.number)
	j := r.job
	j.runs = slices.DeleteFunc(j.runs, func(o *run) bool { return o == r })
	if r.pid > 0 {
		c.emit(Release{r.number})
	}
	c.regate = len(c.pending) > 0 // it may be one of them, too
	c.soil(j)
	if r.notice != nil {
		return
	}
	if c.ready && len(j.runs) == 0 {
		c.moveJob(j, jeEmpty, nil)
	}
	if r.reason == "service" || j.def != nil && j.def.KeepAlive != nil { // it may have become one while this ran
		c.needArm(j)
	}
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

package core

import (
	"fmt"
	"time"

	"jobsd/statefile"
)

const (
	startWait  = 30 * time.Second // how long a shim may take: its program or directory may hang on a dead file system
	weatherMin = time.Second      // the back-off after a fork failed for lack of a resource
	weatherMax = time.Minute
	busyWait   = 300 * time.Millisecond // between attempts while the program file is open for writing (golang/go#22315)
	busyTries  = 3
)

// JournalWait is how long a start waits for its intent to be durable, and a message for what it tells. Tests that need
// that raise it.
var JournalWait = 2 * time.Second

// begin passes the point of no return: the run will be started.
func begin(c *Core, r *run, _ Event) {
	p := Prepare{Run: r.number, Job: r.def, At: c.at(), Args: r.args}
	if !r.intended {
		r.intended = true
		c.settleMissed(r)
		p.Record = &statefile.Intent{Job: r.job.name, Identity: r.identity(), Anchor: r.anchor, At: r.isAt(),
			Discard: r.discards(), HasArgs: len(r.args) > 0}
		c.apply(p.Record)
		c.gate.enter(r.number, r.claim())
	}
	r.why = ""
	c.to(r, intent)
	c.after(&r.timer, JournalWait)
	c.emit(p)
	kept := r.job.slots.notRun
	if p.Record != nil && kept.waits() && !r.job.unsettled() { // later slots: before the intent they would settle this one
		c.writeNotRun(r.job)
	}
	if kept != nil {
		kept.written = 0
	}
	if !kept.waits() {
		r.job.slots.notRun = nil
	}
}

// settleMissed records the slots that the run catches up.
func (c *Core) settleMissed(r *run) {
	if r.missedSlots != nil {
		c.recordNotRun(r.job, r.missedSlots)
		c.logJob(r.job, Info, fmt.Sprintf("missed %d, ran 1", r.missed))
		r.missedSlots = nil
	}
}

// tryAgain makes the end of the turn admit a run again whose fork had failed.
func tryAgain(c *Core, r *run, _ Event) { c.pending.ask(r) }

func forkPrepared(c *Core, r *run, e Event) {
	if err := e.(Prepared).Err; err != nil {
		r.unjournaled = true
		c.say(Error, r.job.name, "starting without a durable journal entry", "run", r.number, "err", err)
	}
	c.fork(r)
}

// forkUnjournaled starts a run whose intent did not become durable in time. A full or hung disk must not stop the job
// that would repair it.
func forkUnjournaled(c *Core, r *run, _ Event) {
	r.unjournaled = true
	c.say(Error, r.job.name, "starting before its intent is on disk", "run", r.number)
	c.fork(r)
}

func (c *Core) fork(r *run) {
	c.to(r, forking)
	c.stopTimer(&r.timer)
	c.emit(Fork{Start{Job: r.def, Identity: r.identity(), Args: r.args, Marker: c.startMarker(r)}})
}

func forked(c *Core, r *run, e Event) {
	f := e.(Forked)
	r.pid, r.startedAt, r.started = f.PID, c.at(), c.now.Mono
	s := &statefile.Started{Job: r.job.name, Run: r.number, PID: f.PID, Inode: f.Inode, PIDStart: f.PIDStart,
		BootID: c.o.BootID, Reason: r.reason}
	if l := r.live(); l == nil || l.PID == 0 { // otherwise an earlier process of the run could not become its program
		s.Notifications = c.notifyStart(r)
	}
	c.record(s)
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
	c.expectEnd(r)
	if r.def.Timeout > 0 {
		c.after(&r.timer, r.def.Timeout)
	}
	if r.stopBy != "" {
		c.terminate(r)
	} else if r.reason == statefile.ReasonService {
		c.needArm(r.job)
	}
}

// notStarted distinguishes temporary problems from failures. If a resource is short now, the start is retried and does
// not count as a failure of the job.
func notStarted(c *Core, r *run, e Event) {
	n := e.(NotStarted)
	r.text = n.Text
	again := n.Weather || n.Busy && r.tries < busyTries
	r.startedAt = statefile.Time{}
	if !again || r.stopBy != "" {
		o := statefile.Run{Outcome: statefile.OutcomeStartError, StartError: &n.Error}
		r.blame(&o)
		c.end(r, o, leftNothing)
		c.forget(r)
		return
	}
	if r.pid > 0 {
		c.emit(Release{r.number})
		r.pid = 0
	}
	r.why = statefile.WhyFork
	c.to(r, pending)
	r.wait = busyWait
	if n.Weather {
		r.wait = min(max(weatherMin, 2*r.wait), weatherMax)
	}
	r.tries++
	c.after(&r.timer, r.wait)
	c.pending.ask(r)
	c.say(Warn, r.job.name, "cannot start now; will retry", "run", r.number, "in", r.wait, "err", n.Text)
}

package core

import (
	"fmt"
	"slices"

	"jobsd/statefile"
)

// Verb is the kind of an Order.
type Verb string

// The verbs.
const (
	VerbStart   Verb = "start"
	VerbStop    Verb = "stop"
	VerbRestart Verb = "restart"
	VerbEnable  Verb = "enable"
	VerbDisable Verb = "disable"
	VerbSignal  Verb = "signal"
	VerbReload  Verb = "reload"
)

// Refused says why an order is not carried out.
type Refused struct {
	Text  string
	NoJob bool // no job or run has that name
}

// watch is a client that waits for the end of runs.
type watch struct {
	id   uint64
	over bool // wait until no process is left, not only for the outcome
	runs []uint64
	left int
}

// obey carries out an order. The shell has checked that its sender has the right to give it.
func (c *Core) obey(o Order) {
	defer c.rescueOrder(o)
	j := c.jobs[o.Job]
	switch {
	case o.Verb == VerbReload && (c.shutdown == nil || c.shutdown.Upgrade):
		c.reloads = append(c.reloads, reload{o, c.now.Boot})
		return
	case c.shutdown != nil:
		c.refuse(o, shuttingDown)
		return
	case o.Job == "":
		c.orderAll(o)
		return
	case j == nil || !j.defined() && o.Verb != VerbStop && o.Verb != VerbSignal:
		c.emit(Answer{ID: o.ID, Refused: &Refused{Text: fmt.Sprintf("no job is called %q", o.Job), NoJob: true}, Last: true})
		return
	}
	switch o.Verb {
	case VerbStart:
		c.orderStart(j, o)
	case VerbStop:
		c.orderStop(j, o)
	case VerbRestart:
		c.orderRestart(j, o)
	case VerbEnable:
		c.orderEnable(j, o)
	case VerbDisable:
		c.orderDisable(j, o)
	case VerbSignal:
		c.orderSignal(j, o)
	default:
		c.never("order %q", o.Verb)
	}
}

const shuttingDown = "the daemon is shutting down"

func (c *Core) refuse(o Order, format string, args ...any) {
	c.emit(Answer{ID: o.ID, Refused: &Refused{Text: fmt.Sprintf(format, args...)}, Last: true})
}

// orderStart starts a run outside of the schedule.
func (c *Core) orderStart(j *job, o Order) {
	if o.In > 0 {
		c.delayStart(j, o)
		return
	}
	r, why := c.start(j, o)
	if r == nil {
		c.refuse(o, "%s", why)
		return
	}
	c.begun(o, r)
}

// start respects overlap, lock and machines, but ignores disabled and held. Without a run it returns the reason.
func (c *Core) start(j *job, o Order) (r *run, why string) {
	if j.away {
		return nil, c.awayText(j)
	}
	busy := j.alive()
	if busy != nil && busy.state == pending && busy.why == statefile.WhyBackoff {
		c.stopTimer(&busy.timer)
		c.pending.lookAgain()
		return busy, ""
	}
	if busy != nil && o.Run != 0 && j.ending() { // this delayed start has no client that could try again
		c.cancelRetries(j)
		r := c.manual(j, o)
		r.alone = true
		return r, ""
	}
	if busy != nil && (j.def.KeepAlive != nil || !c.makeRoom(j)) {
		return nil, fmt.Sprintf("run %d of %s is %s", busy.number, j.name, runStates[busy.state])
	}
	c.cancelRetries(j)
	return c.manual(j, o), ""
}

func (c *Core) awayText(j *job) string {
	return fmt.Sprintf("%s does not run on this machine (%s)", j.name, c.o.Machine)
}

// manual makes the run that a person requested. A service that was held or in back-off starts over.
func (c *Core) manual(j *job, o Order) *run {
	from := origin{source: fromDelayed, reason: statefile.ReasonManual}
	if j.def.KeepAlive != nil {
		from.reason = statefile.ReasonService
	}
	c.release(j, o.By)
	from.inactive = !c.active(j) || j.facts.Finished
	number := o.Run
	if number == 0 {
		from.source, number = fromPerson, c.nextRun()
	}
	r := c.newRun(j, number, from)
	r.args = o.Args
	return r
}

// begun answers with the number of the run, and registers the client if it waits for the outcome.
func (c *Core) begun(o Order, r *run) {
	c.emit(Answer{ID: o.ID, Run: r.number, Last: !o.Wait})
	if o.Wait {
		r.watches = append(r.watches, &watch{id: o.ID, runs: []uint64{r.number}, left: 1})
	}
}

// orderStop stops one run or all runs of a job. A service is held until it is started again or the machine boots.
func (c *Core) orderStop(j *job, o Order) {
	if c.isPast(o) {
		return
	}
	runs := slices.Clone(j.runs)
	broken := c.dropDelayedStarts(j, o.Run, "stopped by "+o.By)
	if o.Run != 0 {
		runs = slices.DeleteFunc(runs, func(r *run) bool { return r.number != o.Run })
		if len(runs)+len(broken) == 0 {
			c.emit(Answer{ID: o.ID, Refused: &Refused{Text: fmt.Sprintf("%s has no live run %d", j.name, o.Run), NoJob: true}, Last: true})
			return
		}
	}
	switch {
	case !o.Until.IsZero() && j.defined():
		o.Reason = "stopped"
		c.disable(j, o)
	case j.def.KeepAlive != nil && !j.facts.Held && (o.Run == 0 || len(runs) > 0):
		c.hold(j, o.By)
	}
	c.stopRuns(j, runs, broken, o)
}

// orderSignal sends a signal to one run or to all runs of a job that have a process. The daemon does nothing else with
// them.
func (c *Core) orderSignal(j *job, o Order) {
	var sent []uint64
	for _, r := range j.runs {
		if o.Run != 0 && r.number != o.Run || r.state != running && r.state != stopping || r.delivery != nil {
			continue
		}
		c.emit(Signal{Run: r.number, Name: o.Signal, Leader: !o.Group})
		sent = append(sent, r.number)
	}
	switch {
	case sent != nil:
		c.logJob(j, Info, "signal "+o.Signal+" was sent by "+o.By)
		c.emit(Answer{ID: o.ID, Runs: sent, Last: true})
	case o.Run != 0:
		c.emit(Answer{ID: o.ID, Refused: &Refused{Text: fmt.Sprintf("run %[2]d of %[1]s is not running", j.name, o.Run), NoJob: true}, Last: true})
	default:
		c.refuse(o, "%s is not running", j.name)
	}
}

// hold keeps a service from running until it is started again or the machine boots.
func (c *Core) hold(j *job, by string) {
	c.record(&statefile.Held{Job: j.name, Held: true, By: by})
	c.logJob(j, Info, "held by "+by)
	c.markDirty(j)
}

// stopRuns stops runs and answers when nothing is left of them. Others are the numbers of dropped delayed starts.
func (c *Core) stopRuns(j *job, runs []*run, others []uint64, o Order) {
	w := &watch{id: o.ID, over: true, runs: others}
	for _, r := range runs {
		w.runs = append(w.runs, r.number)
		if r.state != pending {
			r.watches = append(r.watches, w)
			w.left++
		} else if r.delivery == nil {
			c.logJob(j, Info, "run "+itoa(r.number)+" was stopped by "+o.By+" before it started")
		}
	}
	if w.left == 0 {
		c.emit(Answer{ID: o.ID, Runs: w.runs, Last: true})
	}
	c.stopAll(runs, o.By)
}

// orderRestart stops the live runs and starts a new run once nothing is left of them, or at a later time. The answer is
// about the new run.
func (c *Core) orderRestart(j *job, o Order) {
	if j.away {
		c.refuse(o, "%s", c.awayText(j))
		return
	}
	if c.isPast(o) {
		return
	}
	if !o.Until.IsZero() {
		c.restartAt(j, o)
		return
	}
	old := slices.Clone(j.runs)
	r := c.manual(j, o)
	r.alone = true
	c.stopAll(old, o.By)
	c.begun(o, r)
}

// restartAt stops a job now and starts it at a given time. A service does not start before that: earlier delayed
// starts are dropped.
func (c *Core) restartAt(j *job, o Order) {
	if j.def.KeepAlive != nil {
		c.dropDelayedStarts(j, 0, o.By+" requested a restart at another time")
		if !j.facts.Held {
			c.hold(j, o.By)
		}
	} else if why := c.cannotDelay(j); why != "" {
		c.refuse(o, "%s", why)
		return
	}
	c.stopAll(slices.Clone(j.runs), o.By)
	c.delayStart(j, o)
}

func (c *Core) stopAll(runs []*run, by string) {
	for _, r := range runs {
		c.skip(r, "stopped")
		c.stop(r, by)
	}
}

// release ends a hold, or the setting aside after crashes, of an enabled job.
func (c *Core) release(j *job, by string) {
	if j.facts.Held || j.facts.SetAside {
		aside := j.facts.SetAside
		c.record(&statefile.Held{Job: j.name, By: by})
		if aside {
			c.countFrom(j, c.now.Wall)
		}
		c.needArm(j)
		c.markDirty(j)
	}
}

// answerOutcome answers the clients that wait for the outcome of the run.
func (r *run) answerOutcome(c *Core, o *statefile.Run) {
	r.watches = slices.DeleteFunc(r.watches, func(w *watch) bool {
		if !w.over {
			c.emit(Answer{ID: w.id, Run: r.number, Outcome: o, Last: true})
		}
		return !w.over
	})
}

// answerOver answers the clients that wait until nothing is left of the run, and refuses those that wait for an outcome
// that will not come.
func (r *run) answerOver(c *Core) {
	for _, w := range r.watches {
		if !w.over {
			c.emit(Answer{ID: w.id, Refused: &Refused{Text: fmt.Sprintf("run %d was dropped before it started", r.number)}, Last: true})
			continue
		}
		if w.left--; w.left == 0 {
			c.emit(Answer{ID: w.id, Runs: w.runs, Last: true})
		}
	}
	r.watches = nil
}

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
		c.loaded.clients = append(c.loaded.clients, reload{o, c.now.Boot})
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

// orderSignal sends a signal to one run or to all runs of a job that have a process. The daemon does nothing else with
// them.
func (c *Core) orderSignal(j *job, o Order) {
	var sent []uint64
	for _, r := range j.runs {
		if o.Run != 0 && r.number != o.Run || r.state < outlived || r.state.ended() {
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

// watch makes the last answer to an order that of the end of the run.
func (r *run) watch(order uint64) {
	r.watches = append(r.watches, &watch{id: order, runs: []uint64{r.number}, left: 1})
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

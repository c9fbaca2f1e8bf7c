package core

import (
	"fmt"
	"slices"

	"jobsd/statefile"
)

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

// stopRuns stops runs and answers when nothing is left of them. Others are the numbers of dropped delayed starts.
func (c *Core) stopRuns(j *job, runs []*run, others []uint64, o Order) {
	w := &watch{id: o.ID, over: true, runs: others}
	for _, r := range runs {
		w.runs = append(w.runs, r.number)
		if r.state != pending {
			r.watches = append(r.watches, w)
			w.left++
		} else {
			c.logJob(j, Info, "run "+itoa(r.number)+" was stopped by "+o.By+" before it started")
		}
	}
	if w.left == 0 {
		c.emit(Answer{ID: o.ID, Runs: w.runs, Last: true})
	}
	c.stopAll(runs, o.By)
}

func (c *Core) stopAll(runs []*run, by string) {
	for _, r := range runs {
		c.skip(r, statefile.CauseStopped)
		c.stop(r, by)
	}
}

// hold keeps a service from running until it is started again or the machine boots.
func (c *Core) hold(j *job, by string) {
	c.record(&statefile.Held{Job: j.name, Held: true, By: by})
	c.logJob(j, Info, "held by "+by)
	c.markDirty(j)
}

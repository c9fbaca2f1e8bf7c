package core

import (
	"fmt"
	"slices"
	"time"

	"jobsd/statefile"
)

// noFile is why what is to come of a job that was removed does not.
const noFile = "the job was removed"

// laterMost is how many starts of one job may be to come at once.
const laterMost = 100

// later is a start that somebody asked for and that is to come. It is no run until then, and holds up nothing.
type later struct {
	statefile.Later
	wait uint64 // the order whose client waits for the outcome; 0: none does
}

// orderLater promises a start. It outlives the daemon.
func (c *Core) orderLater(j *job, o Order) {
	if why := c.noLater(j); why != "" {
		c.refuse(o, "%s", why)
		return
	}
	due := statefile.Anchor{Wall: statefile.At(c.now.Wall.Add(o.In).In(j.zone())), Boot: c.now.Boot + o.In, BootID: c.o.BootID}
	if !o.Until.IsZero() { // that is a time of the wall clock, which may be set until then
		due = statefile.Anchor{Wall: statefile.At(o.Until.In(j.zone()))}
	}
	l := &later{Later: statefile.Later{Job: j.name, Run: c.nextRun(), Due: due, By: o.By, Args: o.Args, HasArgs: len(o.Args) > 0}}
	if o.Wait {
		l.wait = o.ID
	}
	c.record(&l.Later)
	c.tell(j, Info, fmt.Sprintf("run %d will start at %s, requested by %s", l.Run, due.Wall, o.By))
	c.emit(Answer{ID: o.ID, Run: l.Run, Last: !o.Wait})
	j.later = append(j.later, l)
	c.remind(l)
	c.soil(j)
}

// noLater says why no more starts of a job can be promised, "" if nothing speaks against it.
func (c *Core) noLater(j *job) string {
	switch {
	case j.away:
		return c.awayText(j)
	case len(j.later) >= laterMost:
		return fmt.Sprintf("%s already has %d delayed starts", j.name, laterMost)
	}
	return ""
}

// due counts on the boot clock; over a reboot, and to a time that a person named, on the wall clock.
func (c *Core) due(l *later) time.Duration {
	if l.Due.BootID == c.o.BootID {
		return l.Due.Boot - c.now.Boot
	}
	return l.Due.Wall.Sub(c.now.Wall)
}

// shownDue is when it comes as the wall clock has it, which may have been set since it was asked for.
func (c *Core) shownDue(l *later) statefile.Time {
	due := c.now.Wall.Add(c.due(l))
	if due.Sub(l.Due.Wall.Time).Abs() < time.Second { // two clocks waver
		return l.Due.Wall
	}
	return statefile.At(due.In(l.Due.Wall.Location()))
}

func (c *Core) remind(l *later) {
	c.emit(Remind{Reminded{l.Job, l.Run}, c.now.Boot + max(0, c.due(l))})
}

// remindAnew is for a wall clock that was set: what counts on it is due at another time now.
func (c *Core) remindAnew(j *job) {
	for _, l := range j.later {
		if l.Due.BootID != c.o.BootID {
			c.remind(l)
		}
	}
}

// resumeLater takes up the starts that were to come when the daemon before this one ended.
func (c *Core) resumeLater(j *job) {
	for _, l := range j.facts.Later {
		l.Args = c.o.Promised[l.Run]
		switch {
		case j.def == nil: // its file is gone, and only a run of it lives on
			c.breakPromise(j, &later{Later: l}, noFile)
		case c.inDoubt(l.Run):
			c.breakPromise(j, &later{Later: l}, doubtText)
		case l.HasArgs && l.Args == nil:
			c.breakPromise(j, &later{Later: l}, "its arguments are lost")
		case !slices.ContainsFunc(j.runs, func(r *run) bool { return r.number == l.Run }):
			j.later = append(j.later, &later{Later: l})
			c.remind(j.later[len(j.later)-1])
		}
	}
}

// putOff makes a run that was promised, and is not begun, one to come again: for the next daemon. Who waits for its
// outcome does so under that one.
func (r *run) putOff() {
	for _, l := range r.job.facts.Later {
		if l.Run == r.number {
			r.job.later = append(r.job.later, &later{Later: l})
			r.watches = nil
		}
	}
}

// reminded starts what was promised. A reminder may come too early, or for what is not wanted any more.
func (c *Core) reminded(e Reminded) {
	j := c.jobs[e.Job]
	if j == nil || c.shutdown != nil {
		return
	}
	defer c.rescueJob(j)
	i := slices.IndexFunc(j.later, func(l *later) bool { return l.Run == e.Run })
	if i < 0 {
		return
	}
	l := j.later[i]
	if c.due(l) > 0 {
		c.remind(l)
		return
	}
	j.later = slices.Delete(j.later, i, i+1)
	c.soil(j)
	o := Order{ID: l.wait, Verb: VerbStart, Job: j.name, Run: l.Run, By: l.By, Args: l.Args, Wait: l.wait != 0}
	r, why := c.start(j, o)
	switch {
	case r == nil:
		c.breakPromise(j, l, why)
		return
	case r.number != l.Run:
		c.breakPromise(j, &later{Later: l.Later}, "run "+itoa(r.number)+" was about to start and takes its place")
	}
	if o.Wait {
		r.watches = append(r.watches, &watch{id: o.ID, runs: []uint64{r.number}, left: 1})
	}
}

// breakPromise says that a start is not to be.
func (c *Core) breakPromise(j *job, l *later, why string) {
	c.record(&statefile.GaveUp{Job: j.name, Run: l.Run, Why: why})
	c.tell(j, Warn, fmt.Sprintf("run %d does not start: %s", l.Run, why))
	if l.wait != 0 {
		c.refuse(Order{ID: l.wait}, "run %d does not start: %s", l.Run, why)
	}
	c.soil(j)
}

// breakPromises gives up all starts of a job, or one of that number, and returns their numbers.
func (c *Core) breakPromises(j *job, run uint64, why string) (runs []uint64) {
	j.later = slices.DeleteFunc(j.later, func(l *later) bool {
		if run != 0 && l.Run != run {
			return false
		}
		c.breakPromise(j, l, why)
		runs = append(runs, l.Run)
		return true
	})
	return runs
}

package core

import (
	"fmt"
	"slices"
	"time"

	"jobsd/statefile"
)

// jobRemoved is the reason why the retries and delayed starts of a removed job are dropped.
const jobRemoved = "the job was removed"

// maxDelayed is how many delayed starts one job may have.
const maxDelayed = 100

// delayedStart is a delayed start. It becomes a run only when it is due, so it holds up nothing before.
type delayedStart struct {
	statefile.Delayed
	job   *job
	timer timer
	wait  uint64 // the order whose client waits for the outcome; 0: none does
}

// delayStart accepts a delayed start. It survives the end of the daemon.
func (c *Core) delayStart(j *job, o Order) {
	if why := c.cannotDelay(j); why != "" {
		c.refuse(o, "%s", why)
		return
	}
	due := statefile.Anchor{Wall: statefile.At(c.now.Wall.Add(o.In).In(j.zone())), Boot: c.now.Boot + o.In, BootID: c.o.BootID}
	if !o.Until.IsZero() { // a time of the wall clock, which may be set before it comes
		due = statefile.Anchor{Wall: statefile.At(o.Until.In(j.zone()))}
	}
	l := &delayedStart{Delayed: statefile.Delayed{Job: j.name, Run: c.nextRun(), Due: due, By: o.By, Args: o.Args, HasArgs: len(o.Args) > 0}}
	if o.Wait {
		l.wait = o.ID
	}
	c.record(&l.Delayed)
	c.logJob(j, Info, fmt.Sprintf("run %d will start at %s, requested by %s", l.Run, due.Wall, o.By))
	c.emit(Answer{ID: o.ID, Run: l.Run, Last: !o.Wait})
	c.await(j, l)
	c.markDirty(j)
}

// cannotDelay returns why the job cannot have another delayed start, or "" if it can.
func (c *Core) cannotDelay(j *job) string {
	switch {
	case j.away:
		return c.awayText(j)
	case len(j.delayed) >= maxDelayed:
		return fmt.Sprintf("%s already has %d delayed starts", j.name, maxDelayed)
	}
	return ""
}

// due returns how long the start still has to wait. It uses the boot clock, but the wall clock after a reboot and for a
// time that a person named.
func (c *Core) due(l *delayedStart) time.Duration {
	if l.Due.BootID == c.o.BootID {
		return l.Due.Boot - c.now.Boot
	}
	return l.Due.Wall.Time().Sub(c.now.Wall)
}

// shownDue returns when the start comes by the present wall clock, which may have been set since the order.
func (c *Core) shownDue(l *delayedStart) statefile.Time {
	due := c.now.Wall.Add(c.due(l))
	if due.Sub(l.Due.Wall.Time()).Abs() < time.Second { // the two clocks drift a little
		return l.Due.Wall
	}
	return statefile.At(due.In(l.Due.Wall.Time().Location()))
}

// await adds a delayed start to those of its job and sets its timer.
func (c *Core) await(j *job, l *delayedStart) {
	l.job, l.timer.owner = j, l
	j.delayed = append(j.delayed, l)
	if l.Due.BootID == c.o.BootID {
		c.setTimer(&l.timer, boot, int64(l.Due.Boot))
	} else {
		c.setTimer(&l.timer, wall, nanos(l.Due.Wall.Time()))
	}
}

// resumeDelayed resumes the delayed starts that were pending when the previous daemon ended.
func (c *Core) resumeDelayed(j *job) {
	for _, l := range statefile.Items(j.facts.Delayed) {
		l.Args = c.o.DelayedArgs[l.Run]
		switch {
		case !j.defined(): // its file was removed, and only a run of it is alive
			c.dropDelayed(j, &delayedStart{Delayed: l}, jobRemoved)
		case c.inDoubt(l.Run):
			c.dropDelayed(j, &delayedStart{Delayed: l}, doubtText)
		case l.HasArgs && l.Args == nil:
			c.dropDelayed(j, &delayedStart{Delayed: l}, "its arguments are lost")
		case !slices.ContainsFunc(j.runs, func(r *run) bool { return r.number == l.Run }):
			c.await(j, &delayedStart{Delayed: l})
		}
	}
}

// delayAgain turns a pending run of a delayed start back into a delayed start, for the next daemon. Clients that wait
// for its outcome continue to wait under that daemon.
func (r *run) delayAgain() {
	for _, l := range statefile.Items(r.job.facts.Delayed) {
		if l.Run == r.number {
			r.job.delayed = append(r.job.delayed, &delayedStart{Delayed: l})
			r.watches = nil
		}
	}
}

// ring starts a run that is due.
func (l *delayedStart) ring(c *Core) {
	j := l.job
	if c.shutdown != nil {
		return
	}
	defer c.rescueJob(j)
	i := slices.Index(j.delayed, l)
	j.delayed = slices.Delete(j.delayed, i, i+1)
	c.markDirty(j)
	o := Order{ID: l.wait, Verb: VerbStart, Job: j.name, Run: l.Run, By: l.By, Args: l.Args, Wait: l.wait != 0}
	r, why := c.start(j, o)
	switch {
	case r == nil:
		c.dropDelayed(j, l, why)
		return
	case r.number != l.Run:
		c.dropDelayed(j, &delayedStart{Delayed: l.Delayed}, "run "+itoa(r.number)+" was about to start and takes its place")
	}
	if o.Wait {
		r.watch(o.ID)
	}
}

// dropDelayed drops a delayed start.
func (c *Core) dropDelayed(j *job, l *delayedStart, why string) {
	c.stopTimer(&l.timer)
	c.record(&statefile.Dropped{Job: j.name, Run: l.Run, Why: why})
	c.logJob(j, Warn, fmt.Sprintf("run %d does not start: %s", l.Run, why))
	if l.wait != 0 {
		c.refuse(Order{ID: l.wait}, "run %d does not start: %s", l.Run, why)
	}
	c.markDirty(j)
}

// dropDelayedStarts drops all delayed starts of a job, or only the one with the given number, and returns their
// numbers.
func (c *Core) dropDelayedStarts(j *job, run uint64, why string) (runs []uint64) {
	j.delayed = slices.DeleteFunc(j.delayed, func(l *delayedStart) bool {
		if run != 0 && l.Run != run {
			return false
		}
		c.dropDelayed(j, l, why)
		runs = append(runs, l.Run)
		return true
	})
	return runs
}

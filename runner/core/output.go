package core

import (
	"slices"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// outputPatience is how long notifications and the end of the daemon wait for the output of a run that has ended. It is
// written at once, unless the disk is full or does not answer.
const outputPatience = 5 * time.Second

// output is the output of a run whose outcome is known, until all of it is in the log.
type output struct {
	job   string
	timer timer
	late  bool // nothing waits for it any more
}

func (o *output) ring(c *Core) { o.late, c.deliveries.look = true, true } // the end of the turn does the rest

// awaitOutput waits for the end of the output of a run whose outcome is known.
func (c *Core) awaitOutput(job string, run uint64) {
	o := &output{job: job}
	o.timer.owner = o
	c.outputs[run] = o
	c.after(&o.timer, outputPatience)
}

// endOutput ends the output of a run when nothing more of it can come. Leftovers may still write to the pipe, but what
// they write does not belong to the run any more.
func (c *Core) endOutput(r *run) {
	if r.outputOver {
		return
	}
	r.outputOver = true
	c.emit(EndOutput{Run: r.number, Name: r.job.name, Job: known(r.def), Marker: r.marker, Discard: r.discards()})
}

// discards reports whether the output of a run is discarded. What its job said when the run began counts: the definition
// of a run that outlived its daemon may be another one.
func (r *run) discards() bool {
	if r.source == fromJournal || r.def == nil {
		return r.discard
	}
	return r.def.Log.Discard
}

// outputBegan records where the output of a run begins, unless the run has ended already, and from where on lines of
// other runs stand between its own.
func (c *Core) outputBegan(e OutputBegan) {
	r := c.runs[e.Run]
	if r == nil {
		return
	}
	l := r.live()
	switch {
	case l == nil:
	case l.Output == nil && !l.Ended, l.Output != nil && l.Output.To == nil && l.Output.Mixed == nil && e.Place.Mixed != nil:
		c.record(&statefile.Output{Job: r.job.name, Run: e.Run, Place: e.Place})
	}
}

// outputEnded records where the output of a run is.
func (c *Core) outputEnded(e OutputEnded) {
	o := c.outputs[e.Run]
	if o == nil {
		return
	}
	c.deliveries.look = true
	c.stopTimer(&o.timer)
	delete(c.outputs, e.Run)
	facts := c.facts.Job(o.job)
	if i := slices.IndexFunc(facts.Live, func(l statefile.Live) bool { return l.Run == e.Run }); i >= 0 {
		if known := facts.Live[i].Output; known != nil && e.Place.From.Inode == 0 { // its recorder was killed
			e.Place.From, e.Place.Mixed = known.From, known.Mixed
		}
	}
	c.record(&statefile.Output{Job: o.job, Run: e.Run, Place: e.Place})
	if j := c.jobs[o.job]; j != nil {
		c.markDirty(j)
	}
}

// outputsWritten reports whether all output that the daemon must wait for is in the logs.
func (c *Core) outputsWritten() bool {
	for _, o := range c.outputs {
		if !o.late {
			return false
		}
	}
	return true
}

// Lives reports whether a run with this number is not over.
func (c *Core) Lives(run uint64) bool { return c.runs[run] != nil }

// Definition returns the definition of a job, nil if there is none.
func (c *Core) Definition(job string) *jobfile.Definition { return known(c.definition(job)) }

package core

import (
	"maps"
	"slices"
	"strings"

	"jobsd/statefile"
)

// Outlived is a run that the previous daemon left behind.
type Outlived struct {
	Job string
	statefile.Live
}

// Outliving returns the runs that were alive when the previous daemon ended. The shell looks for their processes and
// answers with one Adopted for each before the first load.
func (c *Core) Outliving() []Outlived {
	c.outlived = map[uint64]Outlived{}
	var all []Outlived
	for _, name := range slices.Sorted(maps.Keys(c.facts.Jobs)) {
		for _, l := range c.facts.Jobs[name].Live {
			o := Outlived{name, l}
			all = append(all, o)
			c.outlived[l.Run] = o
		}
	}
	return all
}

// adopt takes over a run of the previous daemon, or settles it as lost. It never starts the run a second time.
func (c *Core) adopt(e Adopted) {
	l, ok := c.outlived[e.Run]
	if !ok {
		c.never("run %d was adopted but is not known", e.Run)
		return
	}
	delete(c.outlived, e.Run)
	name := l.Job
	if l.Ended && !e.Remains {
		if l.Open {
			c.outputEnds(name, l.Run, undefined, "")
		}
		c.record(&statefile.Drained{Job: name, Run: l.Run})
		return
	}
	if e.Alive && l.PID == 0 && e.PID > 0 { // the previous daemon was killed between the fork and this record
		c.record(&statefile.Started{Job: name, Run: l.Run, PID: e.PID, Inode: e.Inode, PIDStart: e.PIDStart, BootID: c.o.BootID,
			Reason: l.Reason})
		l.PID, l.StartedAt = e.PID, c.at()
	}
	j := c.jobs[name]
	if j == nil {
		j = c.orphanJob(name)
	}
	r := &run{origin: origin{fromJournal, l.Reason, true, l.Reason == statefile.ReasonService && c.wasDisabled(j)},
		number: l.Run, job: j, def: undefined, state: running, slot: l.Slot, epoch: l.Epoch, attempt: l.Attempt,
		missed: l.Missed, pid: l.PID, startedAt: l.StartedAt, adopted: !e.Child, inherited: true, stopBy: l.StoppedBy,
		remains: e.Remains, started: c.now.Mono}
	if !l.StartedAt.IsZero() {
		r.started -= max(0, c.now.Wall.Sub(l.StartedAt.Time))
	}
	r.timer.owner = r
	j.runs = append(j.runs, r)
	c.runs[r.number] = r
	c.markDirty(j)
	switch {
	case l.Ended:
		if r.open = l.Open; r.open && j.facts.LastRun != nil && j.facts.LastRun.Run == r.number {
			r.marker = outcomeMarker(r, j.facts.LastRun)
		}
		c.drainRemains(r)
	case e.Child:
	case e.Alive:
		c.say(Info, name, "adopted", "run", r.number, "pid", r.pid)
	default:
		r.lost = true
	}
}

// wasDisabled reports, before the first load, whether a job was disabled when the previous daemon ended. If a run of
// such a service is alive, a person started it: the other runs were stopped when the job was disabled.
func (c *Core) wasDisabled(j *job) bool {
	return c.facts.DisabledBy != nil || j.facts.DisabledBy != nil || strings.HasSuffix(j.facts.Schedule, disabledHash)
}

// settleLost ends the runs of the previous daemon of which nothing is left. It waits for the first load, because only
// the definitions say whether to retry a run and whom to notify.
func (c *Core) settleLost() {
	for _, r := range c.sortedRuns() {
		if !r.lost {
			continue
		}
		if !r.defined() {
			r.def = r.job.def
		}
		stage := "started"
		if r.pid == 0 {
			stage = "intent"
		}
		o := statefile.Run{Outcome: statefile.OutcomeLost, LostStage: &stage}
		if r.stopBy != "" { // it was stopped and did end, but nobody knows how
			o.LostStage = nil
			r.blame(&o)
		}
		c.end(r, o, r.remains)
		if r.remains {
			if r.defined() { // no other run starts while processes of this one remain
				c.enter(r)
			}
			c.drainRemains(r)
		} else {
			c.forget(r)
		}
	}
}

// drainRemains looks for leftovers of a run whose leader ended under the previous daemon or after it.
func (c *Core) drainRemains(r *run) {
	c.to(r, lingering)
	r.killAt, r.wait = c.now.Mono+reapWait, probeMin
	c.after(&r.timer, r.wait)
	c.emit(Probe{r.number, r.far()})
}

// resumeStops continues the stops that the previous daemon began. Only now do the definitions say how to stop each run.
func (c *Core) resumeStops() {
	for _, r := range c.sortedRuns() {
		switch {
		case !r.inherited:
		case r.state == running && r.stopBy != "" && c.previous.clean: // the previous daemon already signaled it; once is enough
			c.to(r, stopping)
			r.killAt = c.now.Mono + r.def.StopTimeout
			c.setTimer(&r.timer, mono, int64(r.killAt))
		case r.state == running && r.stopBy != "":
			c.stop(r, r.stopBy)
		case r.state != lingering:
		case r.keepsLeftovers():
			c.forget(r)
		case r.far():
			c.to(r, draining)
			c.signalStop(r, r.leaderOnly())
		default:
			r.killAt = min(r.killAt, c.now.Mono+leaveTime)
		}
	}
}

// orphanJob makes a job for runs that have no definition: before the first load, or after their file was removed.
func (c *Core) orphanJob(name string) *job {
	j := &job{name: name, def: undefined, facts: c.facts.Job(name), state: needsDelete}
	j.process = j.facts.Process
	j.timer.owner = j
	j.slots.recall(j.facts, c.moment())
	c.jobs[name] = j
	c.order = append(c.order, j)
	c.disordered = true
	return j
}

package core

import (
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"jobsd/statefile"
)

// fate is what the shell has found out about a run that outlived the previous daemon.
type fate uint8

// sought   nothing yet
// alive    its leader is alive, or some process of it that counts as the leader
// remains  its leader has ended, but leftovers may be alive
// gone     nothing of it is alive
// unforked it certainly never had a process, so it can still start
const (
	sought fate = iota
	alive
	remains
	gone
	unforked
)

// Outliving takes over the runs that the previous daemon left behind, and returns them by job. The shell looks for their
// processes and answers with one Found or Gone for each before the first load. No run is forked a second time.
func (c *Core) Outliving() iter.Seq2[string, statefile.Live] {
	type outlived struct {
		job string
		statefile.Live
	}
	var all []outlived
	for _, name := range slices.Sorted(maps.Keys(c.facts.Jobs)) {
		for _, l := range c.facts.Jobs[name].Live {
			if l.Open {
				c.awaitOutput(name, l.Run)
			}
			if l.Drained { // only the end of its output is missing
				c.emit(EndOutput{Run: l.Run, Name: name, Discard: l.Discard})
				continue
			}
			all = append(all, outlived{name, l})
			c.takeOver(name, l)
		}
	}
	return func(yield func(string, statefile.Live) bool) {
		for _, o := range all {
			if !yield(o.job, o.Live) {
				return
			}
		}
	}
}

// takeOver makes the run of a journal entry.
func (c *Core) takeOver(name string, l statefile.Live) {
	j := c.jobs[name]
	if j == nil {
		j = c.orphanJob(name)
	}
	r := &run{origin: origin{fromJournal, l.Reason, true, l.Reason == statefile.ReasonService && c.wasDisabled(j)},
		number: l.Run, job: j, def: undefined, state: outlived, slot: l.Slot, epoch: l.Epoch, attempt: l.Attempt,
		missed: l.Missed, pid: l.PID, startedAt: l.StartedAt, adopted: true, discard: l.Discard, stopBy: l.StoppedBy, started: c.now.Mono,
		timing: j.facts.Timing}
	if !l.StartedAt.IsZero() {
		r.started -= max(0, c.now.Wall.Sub(l.StartedAt.Time())-time.Duration(c.facts.Uncounted-l.UncountedBefore))
	}
	r.timer.owner = r
	j.runs = append(j.runs, r)
	c.runs[r.number] = r
	c.markDirty(j)
}

// foundAlive leaves the run alone until its definition is known.
func foundAlive(c *Core, r *run, e Event) {
	f := e.(Found)
	r.fate, r.adopted = alive, !f.Child
	c.recordFork(r, f.Leader)
	if r.adopted {
		c.say(Info, r.job.name, "adopted", "run", r.number, "pid", r.pid)
	}
}

// recordFork records the process of a run if the previous daemon was killed between the fork and this record.
func (c *Core) recordFork(r *run, l Leader) {
	if r.pid > 0 || l.PID == 0 {
		return
	}
	r.untold = &statefile.Started{Job: r.job.name, Run: r.number, PID: l.PID, Inode: l.Inode, PIDStart: l.PIDStart,
		BootID: c.o.BootID, Reason: r.reason}
	c.record(r.untold)
	r.pid, r.startedAt, r.started = l.PID, c.at(), c.now.Mono
}

// foundGone looks for the leftovers of a run whose outcome is published. Otherwise only the definition says whether to
// retry the run and whom to notify.
func foundGone(c *Core, r *run, e Event) {
	g := e.(Gone)
	switch {
	case g.Unforked:
		r.fate = unforked
		return
	case g.Remains:
		r.fate = remains
	default:
		r.fate = gone
	}
	r.forked = g.Forked
	c.recordFork(r, g.Leader)
	l := r.live()
	if !l.Ended {
		return
	}
	if r.fate == gone {
		c.forget(r)
		return
	}
	if last := r.job.facts.LastRun; l.Open && last != nil && last.Run == r.number {
		r.marker = outcomeMarker(r, last)
	}
	c.awaitRemains(r)
}

// awaitRemains gives the leftovers of a run a moment whose leader ended without this daemon.
func (c *Core) awaitRemains(r *run) {
	c.to(r, lingering)
	r.killAt, r.wait = c.now.Mono+reapWait, probeMin
	c.after(&r.timer, r.wait)
	c.emit(Probe{r.number, r.far()})
}

// wasDisabled reports, before the first load, whether a job was disabled when the previous daemon ended. If a run of
// such a service is alive, a person started it: the other runs were stopped when the job was disabled.
func (c *Core) wasDisabled(j *job) bool {
	return c.facts.DisabledBy != nil || j.facts.DisabledBy != nil || strings.HasSuffix(j.facts.Circumstances, disabledWord)
}

// defineRuns tells the runs of the previous daemon that a load has defined their jobs, or that all is the first load to
// read all definitions, so that a job without one has none.
func (c *Core) defineRuns(all bool) {
	for _, r := range c.sortedRuns() {
		if (r.state == outlived || r.state == lingering) && !r.defined() && (all || r.job.defined()) {
			c.move(r.number, evDefined, nil)
		}
	}
}

// takeDefinition gives a run the definition of its job, if there is one.
func (c *Core) takeDefinition(r *run) {
	if r.def = r.job.def; r.defined() {
		c.gate.enter(r.number, r.claim()) // no run that it excludes starts while anything of it is alive
	}
}

// continueOutlived settles a run that outlived the previous daemon, or lets it continue. The run of a job whose file was
// removed waits on, because the file may come back.
func continueOutlived(c *Core, r *run, _ Event) {
	c.takeDefinition(r)
	if r.fate == unforked {
		c.resumeUnforked(r)
		return
	}
	c.tellStart(r)
	if r.fate == remains || r.fate == gone {
		if c.settleLost(r); r.state == lingering {
			settleRemains(c, r, nil)
		}
		return
	}
	switch {
	case r.stopBy != "" && c.previous.clean: // the previous daemon already signaled it; once is enough
		c.to(r, stopping)
		r.killAt = c.now.Mono + r.def.StopTimeout
		c.setTimer(&r.timer, mono, int64(r.killAt))
	case r.stopBy != "":
		c.terminate(r)
	case !r.defined():
	case r.reason == statefile.ReasonService && r.job.process != statefile.Hash(r.def.ProcessHash):
		r.stopBy = "reload"
		c.terminate(r)
	default:
		c.to(r, running)
		c.expectEnd(r)
		if r.def.Timeout > 0 {
			c.after(&r.timer, max(0, r.def.Timeout-c.age(r)))
		}
	}
}

// tellStart adds the notifications of its start to a run whose start this daemon recorded, now that its definition is known.
// They are in a second record of the same process, which adds nothing else.
func (c *Core) tellStart(r *run) {
	if r.untold == nil || !r.defined() {
		return
	}
	s := *r.untold
	if s.Notifications, r.untold = c.notifyStart(r), nil; len(s.Notifications) > 0 {
		c.record(&s)
	}
}

// settleLost ends a run whose leader ended without a daemon.
func (c *Core) settleLost(r *run) {
	o := statefile.Run{Outcome: statefile.OutcomeLost, LostStage: r.lostStage()}
	if r.stopBy != "" { // it was stopped and did end, but nobody knows how
		o.LostStage = nil
		r.blame(&o)
	}
	if r.fate == remains {
		c.end(r, o, leftProcesses)
		c.awaitRemains(r)
	} else {
		c.end(r, o, leftNothing)
		c.forget(r)
	}
}

// settleRemains decides about the leftovers of a run whose leader ended without a daemon. It continues the stop that the
// previous daemon began.
func settleRemains(c *Core, r *run, _ Event) {
	c.takeDefinition(r)
	switch {
	case r.keepsLeftovers():
		c.forget(r)
	case r.far():
		c.to(r, draining)
		c.signalStop(r, r.leaderOnly())
	default:
		r.killAt = min(r.killAt, c.now.Mono+leaveTime)
	}
}

// stopOutlived stops a run that may have no definition. At a shutdown nothing waits for a load any more.
func stopOutlived(c *Core, r *run, _ Event) {
	switch {
	case r.fate == alive:
		c.terminate(r)
	case c.shutdown == nil:
	case r.fate == sought:
		c.say(Warn, r.job.name, "left to the next daemon: its process has not been found yet", "run", r.number)
		c.unlist(r)
	case r.fate == unforked:
		c.say(Warn, r.job.name, "left to the next daemon: it has not started yet", "run", r.number)
		c.unlist(r)
	default:
		if c.settleLost(r); r.state == lingering {
			stopLingering(c, r, nil)
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

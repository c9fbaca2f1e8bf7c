package core

import (
	"maps"
	"slices"

	"jobsd/statefile"
)

// Outliving returns the runs that the daemon before this one left alive, for the shell to look for their processes.
// For each the shell answers Adopted before the first load.
func (c *Core) Outliving() []statefile.Live {
	var all []statefile.Live
	for _, name := range slices.Sorted(maps.Keys(c.facts.Jobs)) {
		all = append(all, c.facts.Jobs[name].Live...)
	}
	return all
}

// JobOf returns the job of a run that Outliving has returned.
func (c *Core) JobOf(run uint64) string {
	name, _, _ := c.findLive(run)
	return name
}

// adopt takes on a run that outlived its daemon, or settles it as lost: it is never started a second time.
func (c *Core) adopt(e Adopted) {
	name, l, ok := c.findLive(e.Run)
	if !ok {
		c.never("run %d was adopted but is not known", e.Run)
		return
	}
	if l.Ended { // its outcome is known, what was left of its group is not
		c.say(Warn, name, "cannot tell what is left of a run that ended before", "run", l.Run)
		c.record(&statefile.Drained{Job: name, Run: l.Run})
		return
	}
	if e.Alive && l.PID == 0 { // the daemon before this one was killed between the fork and this record
		c.record(&statefile.Started{Job: name, Run: l.Run, PID: e.PID, Inode: e.Inode, PIDStart: e.PIDStart, BootID: c.o.BootID})
		_, l, _ = c.findLive(e.Run)
	}
	j := c.jobs[name]
	if j == nil {
		j = c.orphanJob(name)
	}
	r := &run{number: l.Run, job: j, state: running, slot: l.Slot, epoch: l.Epoch, reason: l.Reason, attempt: l.Attempt,
		missed: l.Missed, pid: l.PID, startedAt: l.StartedAt, adopted: true, durable: true}
	r.timer.owner = r
	j.runs = append(j.runs, r)
	c.runs[r.number] = r
	c.soil(j)
	if e.Alive {
		c.say(Info, name, "adopted", "run", r.number, "pid", r.pid)
		return
	}
	r.lost = true
	if c.ready {
		c.settleLost()
	}
}

// settleLost ends the runs of the daemon before this one of which nothing is left. It waits for the first load, which
// tells whether they are tried again and who is told.
func (c *Core) settleLost() {
	for _, r := range c.sortedRuns() {
		if !r.lost {
			continue
		}
		if r.def == nil {
			r.def = r.job.def
		}
		stage := "started"
		if r.pid == 0 {
			stage = "intent"
		}
		c.end(r, statefile.Run{Outcome: "lost", LostStage: &stage}, false)
		c.forget(r)
	}
}

// orphanJob stands for a job before the first load, or for good if no file defines it any more.
func (c *Core) orphanJob(name string) *job {
	j := &job{name: name, facts: c.facts.Job(name), state: needsDelete}
	j.process = j.facts.Process
	j.timer.owner = j
	c.recall(j)
	c.jobs[name] = j
	c.order = append(c.order, j)
	c.unsorted = true
	return j
}

func (c *Core) findLive(run uint64) (string, statefile.Live, bool) {
	for name, f := range c.facts.Jobs {
		for _, l := range f.Live {
			if l.Run == run {
				return name, l, true
			}
		}
	}
	return "", statefile.Live{}, false
}

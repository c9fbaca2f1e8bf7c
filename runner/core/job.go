package core

import (
	"slices"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// job is one job name with its newest definition, its facts and its runs.
type job struct {
	name    string
	def     *jobfile.Definition // undefined: no file defines it
	stale   string              // why def differs from its file
	facts   *statefile.JobFacts
	load    uint64 // the number of the last load that contained it
	state   jobState
	away    bool // it runs only on other machines
	dirty   bool
	resumed bool // its pending retries and delayed starts of an earlier daemon were resumed

	timer   timer
	late    *lateAlarm // nil: no expectation ever needed it
	slots   slotbook
	runs    []*run          // oldest first, with the pending ones
	alarm   *alarm          // nil: no time was ever set at which its disabling ends
	delayed []*delayedStart // delayed starts

	process statefile.Hash // the hash of the definition that the processes of an earlier daemon were started with
}

func (j *job) ring(c *Core) { c.moveJob(j, jeRing, nil) }

// needArm makes the end of the turn compute the next slot.
func (c *Core) needArm(j *job) { c.moveJob(j, jeDisturb, nil) }

func needArm(c *Core, j *job, _ *jobfile.Job) {
	j.state = needsArm
	c.turn.arm = append(c.turn.arm, j)
}

// active reports whether slots of the job count.
func (c *Core) active(j *job) bool {
	return j.def.Enabled && !j.away && c.facts.DisabledBy == nil && j.facts.DisabledBy == nil &&
		!j.facts.Held && !j.facts.SetAside
}

// zone returns the location in which the job's times are shown.
func (j *job) zone() *time.Location {
	return j.def.Schedule.Location()
}

// unsettled reports whether a pending run exists whose slot the journal does not know. A record of later slots would
// settle this slot, too, so such records must wait.
func (j *job) unsettled() bool {
	return slices.ContainsFunc(j.runs, func(r *run) bool { return r.state == pending && r.holdsSlot() })
}

// alive returns the oldest run of the job that a new slot must not overlap, or nil. Pending runs count, except retries
// that wait; draining runs do not count.
func (j *job) alive() *run {
	for _, r := range j.runs {
		if !r.state.ended() && !r.retrying() {
			return r
		}
	}
	return nil
}

// ending reports whether all live runs of the job are being stopped.
func (j *job) ending() bool {
	return !slices.ContainsFunc(j.runs, func(r *run) bool { return !r.state.ended() && !r.retrying() && r.stopBy == "" })
}

// bootRuns returns the pending runs for this boot. There is one at most.
func (j *job) bootRuns() (list []*run) {
	for _, r := range j.runs {
		if r.droppable() && r.reason == statefile.ReasonBoot {
			list = append(list, r)
		}
	}
	return list
}

// markDirty marks the job to be published at the end of the turn.
func (c *Core) markDirty(j *job) {
	if !j.dirty {
		j.dirty = true
		c.changes.jobs = append(c.changes.jobs, j)
	}
}

// definition returns the definition of the job with this name, undefined if there is none.
func (c *Core) definition(job string) *jobfile.Definition {
	if j := c.jobs[job]; j != nil {
		return j.def
	}
	return undefined
}

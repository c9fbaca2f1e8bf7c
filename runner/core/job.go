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
	state   jobState
	away    bool // it runs only on other machines
	dirty   bool
	resumed bool   // its pending retries and delayed starts of an earlier daemon were resumed
	load    uint64 // the number of the last load that contained it

	timer   timer
	jitter  time.Duration   // the delay of the next slot
	delay   time.Duration   // the delay of later slots: it differs if the job changed while the next slot was delayed
	next    time.Time       // when the armed slot is due, jitter included
	runs    []*run          // oldest first, with the pending ones
	alarm   *alarm          // nil: no time was ever set at which its disabling ends
	delayed []*delayedStart // delayed starts

	// The slots that were settled or handed out so far. The facts lag behind: they lack the pending runs and
	// notRun.
	last   time.Time // the latest of all
	wild   time.Time // the latest of the epoch, after the clock went back
	epoch  uint64    // the epoch of wild
	anchor *statefile.Anchor
	fresh  bool // first loaded just now: an `at` that passed up to a minute ago still runs

	process string // the hash of the definition that the processes of an earlier daemon were started with

	notRun          []*statefile.NotRun // skipped and missed slots that are not written yet; the last record may grow
	notRunWritten   uint64              // the number of such slots written since the newest run of the job began
	notRunWrittenAt time.Duration       // when the last were written, monotonic
}

func (j *job) ring(c *Core) { c.moveJob(j, jeRing, nil) }

// needArm makes the end of the turn compute the next slot.
func (c *Core) needArm(j *job) { c.moveJob(j, jeDisturb, nil) }

func needArm(c *Core, j *job, _ *jobfile.Job) {
	j.state = needsArm
	c.arm = append(c.arm, j)
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

// ending reports whether all live runs of the job have been told to end.
func (j *job) ending() bool {
	return !slices.ContainsFunc(j.runs, func(r *run) bool { return !r.state.ended() && !r.retrying() && r.stopBy == "" })
}

// bases returns the times after which fixed and wild slots are due. The two differ if the clock went back after the
// latest slot.
func (c *Core) bases(j *job) (fixed, wild time.Time) {
	fixed, wild = j.last, j.wild
	if at := c.facts.EpochAt.Time; j.epoch != c.facts.Epoch && at.Before(wild) {
		wild = at // the clock shows these minutes again; earlier slots that were not handed out are due or missed as usual
	}
	return fixed, wild
}

// leapBeyond skips the time that only a wrong clock made look missed. The clock was wrong, was trusted, and was then
// corrected: the slots between the last one under the wrong clock and the earlier settled ones are not missed.
func (c *Core) leapBeyond(j *job) {
	if beyond := j.facts.LastSlotBeforeReset.Time; !beyond.IsZero() && j.last.Before(beyond) && !c.now.Wall.Before(beyond) {
		c.handOut(j, beyond)
	}
}

// handOut records that the slot was handed out.
func (c *Core) handOut(j *job, slot time.Time) {
	j.jitter = j.delay
	if slot.After(j.last) {
		j.last = slot
	}
	j.wild, j.epoch = slot, c.facts.Epoch
}

// recall loads what the facts know of the settled slots.
func (c *Core) recall(j *job) {
	j.last, j.wild, j.epoch, j.anchor = j.facts.LastSlot.Time, j.facts.EpochSlot.Time, j.facts.SlotEpoch, j.facts.Anchor
	if j.facts.LastSlotBeforeReset.Sub(c.facts.EpochAt.Time) > 48*time.Hour { // the clock was dead, not just some hours ahead
		c.leapBeyond(j)
	}
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
		c.dirty = append(c.dirty, j)
	}
}

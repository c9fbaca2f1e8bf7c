package core

import (
	"slices"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// job is one name: its newest definition, its facts and its runs.
type job struct {
	name    string
	def     *jobfile.Definition // nil: no file defines it any more
	stale   string              // why def is not what its file says now
	facts   *statefile.JobFacts
	state   jobState
	away    bool // on other machines only
	dirty   bool
	resumed bool   // what was to come of it under an earlier daemon was taken up
	load    uint64 // the number of the load that saw it last

	timer  timer
	jitter time.Duration // of the next slot
	delay  time.Duration // of those after it, should a change of the job have come between a slot and its time
	next   time.Time     // when the armed slot is due
	runs   []*run        // pending ones too, oldest first
	alarm  *alarm        // nil: no time was ever set for the end of its disabling
	later  []*later      // starts that somebody asked for and that are to come

	// The slots settled or handed out so far: the facts lag behind by the pending runs and the open streak.
	last   time.Time // latest of all
	wild   time.Time // latest of the epoch, once the clock went back
	epoch  uint64    // of wild
	anchor *statefile.Anchor
	fresh  bool // first loaded just now: an `at` up to a minute past still runs

	process string // the hash of what the processes of an earlier daemon were started with

	streaks []*statefile.Passed // of slots passed, not written yet; the last one is open
	inRow   uint64              // how many were written since the newest run of the job began
	rowAt   time.Duration       // and when, monotonic
}

func (j *job) ring(c *Core) { c.moveJob(j, jeRing, nil) }

// needArm has the next slot computed at the end of the turn.
func (c *Core) needArm(j *job) { c.moveJob(j, jeDisturb, nil) }

func needArm(c *Core, j *job, _ *jobfile.Job) {
	j.state = needsArm
	c.arm = append(c.arm, j)
}

// active tells whether slots of the job count.
func (c *Core) active(j *job) bool {
	return j.def != nil && j.def.Enabled && !j.away && c.facts.DisabledBy == nil && j.facts.DisabledBy == nil &&
		!j.facts.Held && !j.facts.SetAside
}

// zone returns the location in which the job's times are told.
func (j *job) zone() *time.Location {
	if j.def == nil {
		return time.Local
	}
	return j.def.Schedule.Location()
}

// unsettled tells whether a run waits of whose slot the journal knows nothing. What is written of later slots would
// settle this one too, so it has to wait.
func (j *job) unsettled() bool {
	return slices.ContainsFunc(j.runs, func(r *run) bool { return r.state == pending && !r.durable && !r.settled && !r.slot.IsZero() })
}

// alive returns the newest run of the job that a new slot must not overlap, pending ones included.
func (j *job) alive() *run {
	for _, r := range j.runs {
		if r.state != draining && !r.retrying() {
			return r
		}
	}
	return nil
}

// ending tells whether all runs of the job that live have been told to end.
func (j *job) ending() bool {
	return !slices.ContainsFunc(j.runs, func(r *run) bool { return r.state != draining && !r.retrying() && r.stopBy == "" })
}

// bases returns the times after which fixed and wild slots are due: for wild ones the clock may have gone back since the
// latest.
func (c *Core) bases(j *job) (fixed, wild time.Time) {
	fixed, wild = j.last, j.wild
	if at := c.facts.EpochAt.Time; j.epoch != c.facts.Epoch && at.Before(wild) {
		wild = at // it shows these minutes again; what came before them and was not handed out is due or missed as ever
	}
	return fixed, wild
}

// leapBeyond is for a clock that was wrong, was believed, and was put right: what lies between its last slot and the
// slots that were settled before is not missed.
func (c *Core) leapBeyond(j *job) {
	if beyond := j.facts.Beyond.Time; !beyond.IsZero() && j.last.Before(beyond) && !c.now.Wall.Before(beyond) {
		c.hand(j, beyond)
	}
}

// hand notes that the slot was handed out.
func (c *Core) hand(j *job, slot time.Time) {
	j.jitter = j.delay
	if slot.After(j.last) {
		j.last = slot
	}
	j.wild, j.epoch = slot, c.facts.Epoch
}

// recall takes what the facts know of the settled slots.
func (c *Core) recall(j *job) {
	j.last, j.wild, j.epoch, j.anchor = j.facts.LastSlot.Time, j.facts.WildSlot.Time, j.facts.SlotEpoch, j.facts.Anchor
	if j.facts.Beyond.Sub(c.facts.EpochAt.Time) > 48*time.Hour { // a clock that was dead, not one that was ahead by hours
		c.leapBeyond(j)
	}
}

// bootRuns returns the runs of this boot that wait to be started: one at most.
func (j *job) bootRuns() (list []*run) {
	for _, r := range j.runs {
		if r.state == pending && !r.durable && r.reason == "boot" {
			list = append(list, r)
		}
	}
	return list
}

// soil has the job published at the end of the turn.
func (c *Core) soil(j *job) {
	if !j.dirty {
		j.dirty = true
		c.dirty = append(c.dirty, j)
	}
}

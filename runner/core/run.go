package core

import (
	"slices"
	"strconv"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// run is one execution of a job, from the slot to the empty process group.
type run struct {
	origin
	number      uint64
	job         *job
	def         *jobfile.Definition // a reload does not change it; undefined: the job has none
	state       runState
	why         statefile.Why // what a pending run waits for
	text        string        // the last error, for people
	slot        statefile.Time
	epoch       uint64 // the epoch of slot
	attempt     int
	missed      uint64            // the number of slots it catches up
	missedSlots *statefile.NotRun // these slots, until its intent
	anchor      *statefile.Anchor

	pid         int
	startedAt   statefile.Time
	started     time.Duration // monotonic
	adopted     bool          // started by an earlier daemon and no child of this one
	unjournaled bool
	fate        fate             // while it is outlived: what is left of it
	forked      bool             // then: it had a process, even if its pid is unknown
	timing      statefile.Timing // for a run of the journal: that of its job under the previous daemon

	untold *statefile.Started // the record of its start, which lacks the notifications because its definition was not known

	stopBy     string // the person or reason that stops it, such as "timeout"
	killAt     time.Duration
	kills      int    // how often it was killed; it survived if that is more than once
	marker     string // the line that ends its output
	discard    bool   // for a run of the journal: it has no pipe
	outputOver bool   // nothing more of its output can come

	args    []string // arguments of a person, added to those of the job
	alone   bool     // it starts only when no other run of its job is left, whatever overlap says
	watches []*watch

	notBefore time.Duration // earliest start of a catch-up run, monotonic

	toAsk bool   // the end of the turn asks the gate about it
	queue *queue // in which it waits; nil: none
	place int    // its place there
	lock  string // that it wanted when the gate was asked about it last

	timer timer
	slow  slowAlarm
	wait  time.Duration // the last pause between attempts or looks
	tries int
}

// identity returns what the journal says about which run it is.
func (r *run) identity() statefile.Identity {
	return statefile.Identity{Run: r.number, Slot: r.slot, Epoch: r.epoch, Reason: r.reason, Attempt: r.attempt, Missed: r.missed}
}

func (r *run) ring(c *Core) { c.move(r.number, evRing, nil) }

// newRun makes a pending run of a job.
func (c *Core) newRun(j *job, number uint64, o origin) *run {
	r := &run{origin: o, number: number, job: j, def: j.def, epoch: c.facts.Epoch, attempt: 1}
	r.timer.owner = r
	j.runs = append(j.runs, r)
	c.runs[number] = r
	c.pending.ask(r)
	c.markDirty(j)
	return r
}

// sortedRuns returns all runs by number.
func (c *Core) sortedRuns() []*run {
	all := make([]*run, 0, len(c.runs))
	for _, r := range c.runs {
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b *run) int { return int(int64(a.number) - int64(b.number)) })
	return all
}

// droppable reports whether the run waits and nothing of it is lost if it is dropped, except what its origin says.
func (r *run) droppable() bool { return r.state == pending && !r.intended }

// dropAtShutdown drops a pending run at shutdown. If the journal does not know its slots, the next daemon decides about
// them, unless later slots are already settled.
func (c *Core) dropAtShutdown(r *run) {
	if r.delayed() { // the next daemon starts it
		return
	}
	if r.state == pending && r.onlyHere() {
		c.say(Warn, r.job.name, "dropped before it started: the daemon is stopping", "run", r.number, "reason", r.reason)
		return
	}
	if r.slot.IsZero() {
		return
	}
	later := r.job.slots.notRun.waits() || r.job.facts.LastSlot.Time().After(r.slot.Time())
	if later && !r.retries() {
		c.skip(r, statefile.CauseShutdown)
	}
}

// skip counts the slots of a pending run that will not start.
func (c *Core) skip(r *run, why statefile.Cause) {
	switch {
	case r.state != pending || r.intended:
		return
	case r.retries():
		c.dropRetry(r.job, r.def, r.number, string(why))
		return
	case r.slot.IsZero():
		return
	}
	if r.missedSlots != nil {
		c.addNotRun(r.job, r.missedSlots, anchorBefore(r.missedSlots, r.slot.Time(), r.anchor, r.def.Schedule.Interval()))
	}
	if r.reason == statefile.ReasonSchedule {
		s := skippedSlot(r.job.def.Schedule, why, r.slot.Time(), c.moment())
		s.Epoch = r.epoch
		c.addNotRun(r.job, s, r.anchor)
	}
}

// isAt reports whether the run belongs to the job's `at`, and not to a boot or another job.
func (r *run) isAt() bool { return r.def.Schedule.Kind() == schedule.At && !r.slot.IsZero() }

func drop(c *Core, r *run, _ Event) {
	if r.intended { // its fork had failed, and it waited for the next attempt
		c.end(r, statefile.Run{Outcome: statefile.OutcomeStopped, By: new(r.stopBy)}, leftNothing)
	}
	switch {
	case !r.delayed():
	case c.shutdown == nil:
		c.record(&statefile.Dropped{Job: r.job.name, Run: r.number, Why: "stopped by " + r.stopBy})
	default:
		r.delayAgain()
	}
	c.forget(r)
}

// far reports whether the program of the run was told to end. Processes that left its group are stopped then, too.
func (r *run) far() bool { return r.stopBy != "" && r.state >= outlived }

// leaderGone reports whether the leader of the run has ended, so that a stop is not the reason for its end.
func (r *run) leaderGone() bool { return r.state.ended() || r.fate == remains || r.fate == gone }

// live returns what the journal knows of the run, or nil if it does not know of it.
func (r *run) live() *statefile.Live {
	all := r.job.facts.Live
	if i := slices.IndexFunc(all, func(l statefile.Live) bool { return l.Run == r.number }); i >= 0 {
		return &all[i]
	}
	return nil
}

// title names the run in messages.
func (r *run) title() string {
	return "run " + itoa(r.number)
}

func itoa(n uint64) string { return strconv.FormatUint(n, 10) }

package core

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// grace is how long ago an `at` may have passed at the first load of its job and still run.
const grace = time.Minute

// define adds a job that this daemon did not know.
func (c *Core) define(d jobfile.Job) *job {
	j := &job{name: d.Def.Name, def: undefined}
	j.timer.owner = j
	c.jobs[j.name] = j
	c.order = append(c.order, j)
	c.disordered = true
	c.moveJob(j, jeDefine, &d)
	return j
}

// redefine replaces a definition. Running runs continue under their old definition; pending runs may get the new one.
func (c *Core) redefine(j *job, d jobfile.Job) {
	if !j.defined() && c.loaded.known { // it was removed while a run was alive, and has come back
		c.record(&statefile.Deleted{Job: j.name})
	}
	away := !d.Def.ActiveOn(c.o.Machine)
	if j.state == needsArm && d.Def.Enabled && !away { // it may be due in this turn, before the load
		c.armJob(j)
	}
	if j.facts.Timing == c.timing(d.Def, away) {
		for _, r := range j.runs {
			if r.droppable() {
				r.def = d.Def
			}
		}
	} else {
		for _, r := range j.bootRuns() {
			if d.Def.AtBoot && d.Def.Enabled && !away {
				r.def = d.Def
			} else {
				c.stop(r, "reload")
			}
		}
		c.dropPending(j, statefile.CauseChanged, d.Def)
	}
	if !j.unsettled() {
		c.writeNotRun(j)
	}
	c.moveJob(j, jeDefine, &d)
}

// adjust gives the job a new definition. If the times at which the job is due change, slots count from now.
func adjust(c *Core, j *job, d *jobfile.Job) {
	def := d.Def
	j.def, j.stale = def, d.Stale
	j.away = !def.ActiveOn(c.o.Machine)
	j.slots.setDelay(c.delay(def), c.now.Wall)
	known := c.facts.Jobs[j.name]
	timing := c.timing(def, j.away)
	recall := known == nil || !known.RemovedAt.IsZero() || known.Timing != timing
	if recall || known.Process != statefile.Hash(def.ProcessHash) || known.Definition != statefile.Hash(def.Hash) {
		c.settleOn(j, timing, known)
	}
	recall = recall || j.facts == nil
	j.facts = c.facts.Jobs[j.name]
	j.facts.Timing = timing // equal, but now the memory of its text is shared
	c.setAlarm(j)
	if def.KeepAlive == nil && j.facts.Held { // only services can be held, and it is none any longer
		c.record(&statefile.Held{Job: j.name, By: "reload"})
	}
	if recall { // otherwise the facts lag behind by the pending runs, whose slots would be due again
		j.slots.recall(j.facts, c.moment())
	}
	needArm(c, j, nil)
	c.markDirty(j)
	if def.KeepAlive == nil {
		for _, r := range j.services() { // the job was a service before
			c.stop(r, "reload")
		}
	}
	c.runAtBoot(j)
}

// runAtBoot makes the at_boot run of this boot if the job wants one and had none yet.
func (c *Core) runAtBoot(j *job) {
	if j.def.AtBoot && c.active(j) && !c.o.BootUnknown && j.facts.BootDone != c.o.BootID && j.alive() == nil {
		c.newRun(j, c.nextRun(), origin{source: fromBoot, reason: statefile.ReasonBoot})
	}
}

// settleOn records the definition. A job that comes back with the same schedule continues where it was, but slots that
// passed while no file defined it are not missed.
func (c *Core) settleOn(j *job, timing statefile.Timing, known *statefile.JobFacts) {
	var was time.Time
	if known != nil {
		was = known.LastSlot.Time()
	}
	r := &statefile.Defined{Job: j.name, Timing: timing, Process: statefile.Hash(j.def.ProcessHash),
		Definition: statefile.Hash(j.def.Hash), LastSlot: c.at()}
	same := known != nil && known.Timing == timing && known.RemovedAt.IsZero()
	switch j.def.Schedule.Kind() {
	case schedule.Every:
		a := c.moment().anchor()
		if known != nil && known.Anchor != nil && sameTimes(known, j.def) {
			a = j.slots.phase(*known.Anchor, j.def.Schedule.Interval(), c.now.Wall, c.moment()) // another key changed, so the phase stays
		}
		r.Anchor = &a
	case schedule.At:
		if known == nil || !sameTimes(known, j.def) { // otherwise it was disabled, or ran elsewhere, when it was due
			r.LastSlot = statefile.At(latest(c.now.Wall.Add(-grace), c.facts.DoubtUntil.Time()))
		}
	}
	j.slots.fresh = !same
	if j.slots.fresh && c.facts.BootReady && len(j.bootRuns()) == 0 {
		r.BootDone = c.facts.BootID
	}
	c.record(r)
	if j.slots.fresh && j.def.Schedule.Kind() == schedule.At {
		c.missAt(j, was, r.LastSlot.Time())
	}
}

// sameTimes reports whether a definition has the same times as the recorded one, whether or not its slots count here.
func sameTimes(known *statefile.JobFacts, d *jobfile.Definition) bool {
	return known.Schedule == statefile.Hash(d.ScheduleHash)
}

// missAt records an `at` as missed that had passed when its job was first loaded.
func (c *Core) missAt(j *job, settled, before time.Time) {
	at := j.def.Schedule.Next(time.Time{})
	f := c.facts.Job(j.name)
	if at.After(before) || !at.After(settled) || !j.def.Enabled || j.away || atDone(f, j.def.Schedule) {
		return
	}
	s := missedSlots(j.def.Schedule, statefile.CausePast, at, at, 1, c.moment())
	s.Job = j.name
	c.record(s)
	c.logJob(j, Warn, fmt.Sprintf("missed: %s had passed when the job was loaded", s.First))
}

// remove ends a job whose definition was removed: now, or after its last run.
func remove(c *Core, j *job, _ *jobfile.Job) {
	c.dropPending(j, statefile.CauseRemoved, nil)
	c.dropDelayedStarts(j, 0, jobRemoved)
	c.writeNotRun(j)
	c.stopTimer(&j.timer)
	c.stopLate(j)
	for _, r := range j.services() {
		c.stop(r, "reload")
	}
	j.def, j.stale, j.state, j.slots.next = undefined, "", needsDelete, 0
	c.markDirty(j)
	if len(j.runs) == 0 {
		remember(c, j, nil)
	}
}

// remember records the end of a job. Its facts are kept for a while.
func remember(c *Core, j *job, _ *jobfile.Job) {
	j.state = deleted
	c.recordDeleted(j.name)
	delete(c.jobs, j.name)
	c.disordered = true
	c.changes.removed = append(c.changes.removed, j.name)
}

// dropPending counts the slots of pending runs as skipped. A run that a person requested does not depend on a schedule,
// so it continues under the next definition if there is one.
func (c *Core) dropPending(j *job, why statefile.Cause, next *jobfile.Definition) {
	for _, r := range slices.Clone(j.runs) {
		switch {
		case r.state != pending:
			continue
		case next != nil && (r.intended || r.reason == statefile.ReasonBoot || r.reason == statefile.ReasonSchedule && r.why == ""):
			continue // a run that was handed to the disk, or became due in this turn, keeps its definition
		case r.asked() && next != nil && next.KeepAlive == nil:
			r.def = next
			continue
		case r.asked():
			c.logJob(j, Warn, fmt.Sprintf("run %d does not start: its job was %s", r.number, why))
		}
		c.skip(r, why)
		c.stop(r, "reload")
	}
}

// asked reports whether the run is pending because a person requested it.
func (r *run) asked() bool {
	return r.state == pending && r.requested()
}

// disabledWord ends the circumstances of a job whose file says enabled = false.
const disabledWord = "disabled"

// timing returns everything that decides when the job is due on this machine. If it changes, because the job came to
// this machine, was enabled or has a new local zone, slots count from then on.
func (c *Core) timing(d *jobfile.Definition, away bool) statefile.Timing {
	var words []string
	if d.Schedule.Local() && d.Schedule.Kind() != schedule.Every {
		words = append(words, c.loaded.zone)
	}
	if d.AtBoot {
		words = append(words, "at_boot")
	}
	if away {
		words = append(words, "elsewhere")
	}
	if !d.Enabled {
		words = append(words, disabledWord)
	}
	return statefile.Timing{Schedule: statefile.Hash(d.ScheduleHash), Circumstances: strings.Join(words, " ")}
}

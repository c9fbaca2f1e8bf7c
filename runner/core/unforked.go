package core

import (
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// The journal of a daemon that was killed may end with the intent of a run. Some runs of that kind have certainly never
// been forked: memory that outlives the daemon, but not the machine, says so (see spawn.Evidence). Such a run keeps its
// number, its slot and its place before other runs, and starts now, if a slot that is this late may still run.

// resumeUnforked starts such a run, or ends it as lost.
func (c *Core) resumeUnforked(r *run) {
	if why := c.cannotResume(r); why != "" {
		c.logJob(r.job, Warn, r.title()+" does not start: "+why)
		c.settleLost(r)
		return
	}
	r.args = c.o.DelayedArgs[r.number]
	r.adopted, r.discard = false, r.def.Log.Discard
	r.pid, r.startedAt = 0, statefile.Time{} // of a shim that has failed
	c.keepDistance(r)
	c.to(r, pending)
	c.pending.ask(r)
	c.say(Info, r.job.name, "starting a run that the previous daemon could not start any more", "run", r.number)
}

// cannotResume returns why an intended run must not start now, or "" if it may.
func (c *Core) cannotResume(r *run) string {
	j := r.job
	manual := r.reason == statefile.ReasonManual || r.inactive
	switch l := r.live(); {
	case !r.defined():
		return jobRemoved
	case r.stopBy != "":
		return "it was stopped"
	case c.inDoubt(r.number):
		return doubtText
	case l != nil && l.HasArgs && c.o.DelayedArgs[r.number] == nil:
		return "its arguments are lost"
	case j.away:
		return c.awayText(j)
	case j.facts.SetAside:
		return "the job is set aside after an internal error"
	case manual:
	case !c.active(j):
		return "the job is disabled"
	case r.reason == statefile.ReasonService:
	case j.facts.Timing != r.timing:
		return "the schedule of the job has changed"
	case c.late(r) > onTime && !catches(r.def.CatchUp.Max, c.late(r)):
		return "it is too late"
	}
	return ""
}

// late returns how late the slot of a run is now. The slot of a retry was not late when its first attempt began.
func (c *Core) late(r *run) time.Duration {
	if r.attempt > 1 || r.slot.IsZero() {
		return 0
	}
	return c.now.Wall.Sub(r.slot.Time().Add(c.delay(r.def)))
}

// keepDistance moves the anchor of a job with `every` whose slot runs late, as for a run that catches up: two starts are
// always at least one interval apart. If another slot has come due meanwhile, that one moves the anchor.
func (c *Core) keepDistance(r *run) {
	j, s := r.job, r.def.Schedule
	if s.Kind() != schedule.Every || c.late(r) <= onTime || j.slots.look(s, r.def.CatchUp.Max, c.moment()).number > 0 {
		return
	}
	j.slots.anchor = new(c.moment().anchor())
	c.record(&statefile.Anchored{Job: j.name, Anchor: *j.slots.anchor})
	c.needArm(j)
}

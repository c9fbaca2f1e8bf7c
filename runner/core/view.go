package core

import (
	"path"
	"time"

	"jobsd/statefile"
)

// Change is the published state of one job, or nil if the job was removed.
type Change struct {
	Name string
	Job  *statefile.Job
}

// changes is what must be published at the end of the turn.
type changes struct {
	jobs    []*job
	removed []string
	daemon  bool // the daemon's own part of the state changed
}

// Changes returns the jobs to publish. It also reports whether anything changed since the last call, the daemon's own
// part included.
func (c *Core) Changes() (list []Change, changed bool) {
	changed = c.changes.daemon || len(c.changes.jobs) > 0 || len(c.changes.removed) > 0
	for _, name := range c.changes.removed {
		if c.jobs[name] == nil {
			list = append(list, Change{Name: name})
		}
	}
	dirty := c.changes.jobs
	c.changes.jobs = nil
	for _, j := range dirty {
		j.dirty = false
		if j.state != deleted {
			list = append(list, Change{j.name, c.tryView(j)})
		}
	}
	c.changes.removed, c.changes.daemon = nil, false
	return list, changed
}

// Daemon fills in what the core knows about the daemon.
func (c *Core) Daemon(d *statefile.Daemon) {
	d.CleanShutdown = c.previous.clean
	d.UncleanRestarts, d.Upgrades, d.DisabledBy = c.facts.Unclean, c.facts.Upgrades, c.facts.DisabledBy
	d.Reload = c.loaded.result
	d.Degraded = c.degraded()
	if by := c.facts.DisabledBy; by.ByDamage() { // no person asked for that
		d.Degraded = append(d.Degraded, "all jobs are disabled: "+by.Reason)
	}
}

// tryView returns a minimal view of a job whose view panics.
func (c *Core) tryView(j *job) (v *statefile.Job) {
	why := "internal error"
	if j.facts != nil && j.facts.SetAside {
		why = j.facts.SetAsideError
	}
	v = &statefile.Job{State: waiting.String(), InternalError: true, Error: new("set aside: " + why),
		Running: []statefile.Running{}, Deaths: []statefile.Death{}}
	defer c.rescueJob(j)
	return c.view(j)
}

// view returns the published state of a job.
func (c *Core) view(j *job) *statefile.Job {
	v := &statefile.Job{State: j.state.String(), Stale: j.stale != "", Elsewhere: j.away}
	j.facts.Fill(v)
	if j.defined() {
		v.File = path.Join(c.loaded.dir, j.def.File)
		v.Schedule, v.Description = j.def.When(), j.def.Description
		v.Disabled = !j.def.Enabled || v.DisabledBy != nil || c.facts.DisabledBy != nil
	}
	v.CrashLoop = j.inCrashLoop()
	switch {
	case j.stale != "":
		v.Error = new(j.stale)
	case v.InternalError:
		v.Error = new("set aside: " + j.facts.SetAsideError + "; change its file or run jobsd start to release it")
	}
	if j.slots.next != 0 {
		v.NextRun = statefile.At(j.slots.next.time().In(j.zone()))
	}
	for _, l := range j.delayed {
		v.DelayedStarts = append(v.DelayedStarts, statefile.DelayedStart{Run: l.Run, Due: c.shownDue(l), By: l.By})
	}
	v.Running = []statefile.Running{}
	for _, r := range j.runs {
		if r.missedSlots != nil {
			v.Missed += r.missedSlots.Number
		}
		v.Running = append(v.Running, r.view())
		v.Unkillable = v.Unkillable || r.kills > 1
		if r.state == pending && r.timer.set() {
			v.NextTry = statefile.At(c.now.Wall.Add(time.Duration(r.timer.deadline) - c.now.Mono).In(j.zone()))
		}
		if r.state >= outlived {
			v.State = "running"
		}
	}
	switch {
	case !j.defined() && c.loaded.known:
		v.State = needsDelete.String()
	case !j.defined() && v.State != "running": // no load has read all definitions yet
		v.State = waiting.String()
	}
	return v
}

func (r *run) view() statefile.Running {
	v := statefile.Running{Run: r.number, State: r.state.shown(), Slot: r.slot, Reason: r.reason, Attempt: r.attempt,
		Adopted: r.adopted, Unjournaled: r.unjournaled, OldDefinition: r.old()}
	if r.state == pending && r.why != "" {
		v.Why = new(r.why)
		if r.why == statefile.WhyLock {
			v.Lock = new(r.def.Lock)
		}
		if r.text != "" {
			v.Error = new(r.text)
		}
	}
	if r.pid > 0 {
		v.PID = new(r.pid)
		v.StartedAt = statefile.At(r.startedAt.Time().In(r.job.zone()))
	}
	return v
}

// old reports whether the job now has another definition than the run.
func (r *run) old() bool {
	return r.defined() && r.def.Hash != r.job.def.Hash
}

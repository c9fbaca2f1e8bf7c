package core

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// grace is how far back an `at` may lie at the first load of its job and still run.
const grace = time.Minute

// load puts a finished set of definitions in force, as a difference from what is: what did not change keeps all it has.
// It never fires a slot that lies before it.
func (c *Core) load(e Loaded) {
	if c.shutdown != nil {
		return
	}
	set := e.Set
	c.config, c.dir = set.Config, set.Dir
	c.reload.Begun, c.reload.Done, c.reload.At = statefile.Seconds(e.Begun), statefile.Seconds(e.Done), c.at()
	c.reload.Errors, c.reload.Files = append([]string{}, set.Errors...), set.Fingerprint
	c.touched = true

	sum := statefile.Reloaded{Begun: c.reload.Begun, Refused: set.Refused, Settings: set.Settings}
	var changed []string
	moved := set.Zone != c.zone
	c.zone = set.Zone
	if set.Host != "" && set.Host != c.o.Machine {
		c.o.Machine = set.Host
		c.jitterAnew()
	}
	c.note(Trouble{Part: "directories", Text: changedDirs(set)})
	c.loads++
	for _, d := range set.Jobs {
		c.loadJob(d, moved, &sum, &changed)
	}
	sum.Changed, sum.ChangedJobs = len(changed), changed[:min(len(changed), 10)]
	for _, j := range slices.Clone(c.order) {
		switch {
		case j.load == c.loads:
		case j.def != nil:
			sum.Removed++
			c.moveJob(j, jeRemove, nil)
		case len(j.runs) == 0 && !set.Unread: // of the daemon before this one, and gone since
			c.moveJob(j, jeEmpty, nil)
		}
	}
	first := !c.known && !set.Unread
	if first {
		c.known = true
		c.forgetVanished()
	}
	c.sortOrder()
	for _, j := range c.order {
		c.resume(j)
	}
	if !c.ready {
		c.setAlarmOfAll()
		c.ringOverdue()
		c.tellDamage()
		c.tellCrash()
	}
	if c.known {
		c.settleLost()
	}
	for _, r := range c.sortedRuns() { // of the daemon before this one: now it is known what they are
		if r.def == nil && r.job.def != nil {
			r.def = r.job.def
			c.occupy(r)
			if r.state != draining {
				c.emit(KeepLog{r.number, r.def})
			}
			if r.def.Timeout > 0 && r.state == running {
				c.after(&r.timer, max(0, r.def.Timeout-c.age(r)))
			}
			if r.reason == "service" && r.state == running && r.job.process != r.def.ProcessHash {
				c.stop(r, "reload")
			}
		}
	}
	if first {
		c.resumeStops()
	}
	c.link()
	c.announce(sum, changed, set.Passed)
	c.warnOfMailer(set)
	c.retryMail(set)
	if !c.disbelieve() && first {
		c.wentBack()
	}
	c.shutAfterLoad()
}

// resume takes up what was to come of a job when the daemon before this one ended, once it is known whether a file still
// defines it.
func (c *Core) resume(j *job) {
	if j.resumed || j.def == nil && !c.known {
		return
	}
	j.resumed = true
	c.resumeRetries(j)
	c.resumeLater(j)
}

// loadJob puts one definition in force.
func (c *Core) loadJob(d jobfile.Job, moved bool, sum *statefile.Reloaded, changed *[]string) {
	defer c.rescueLoad(d.Def.Name)
	j := c.jobs[d.Def.Name]
	switch {
	case j == nil:
		j = c.define(d)
		sum.New++
	case j.def == d.Def && j.stale == d.Stale && !c.elsewhen(j, d.Def, moved):
	case j.def == nil || j.def.Hash != d.Def.Hash || c.elsewhen(j, d.Def, moved):
		name := j.name
		if c.restarts(j, d.Def) {
			name += " restarted"
		}
		*changed = append(*changed, name)
		c.redefine(j, d)
	default: // moved, or stale now or no longer: the definition says the same
		moved := j.def.Schedule.Location() != d.Def.Schedule.Location()
		j.def, j.stale = d.Def, d.Stale
		if c.soil(j); moved { // the zone has other rules now: a reload fires nothing that lies before it
			c.hand(j, latest(j.last, c.now.Wall))
			c.needArm(j)
		}
	}
	j.load = c.loads
}

// restarts tells whether a new definition of a service has its process started anew.
func (c *Core) restarts(j *job, d *jobfile.Definition) bool {
	return j.def != nil && j.def.KeepAlive != nil && d.KeepAlive != nil && d.Enabled && d.ActiveOn(c.o.Machine) &&
		j.def.ProcessHash != d.ProcessHash && len(j.services()) > 0
}

func changedDirs(set *jobfile.Set) string {
	if set.DirsChanged {
		return "the settings name other directories than when the daemon started: restart the daemon to use them"
	}
	return ""
}

// elsewhen tells whether a definition that says the same as before is due at other times now: its zone is that of the
// machine, which moved, or the machine is called otherwise.
func (c *Core) elsewhen(j *job, d *jobfile.Definition, moved bool) bool {
	return moved && d.Schedule.Local() || j.away != !d.ActiveOn(c.o.Machine)
}

// announce says what a load did. So many files were passed over.
func (c *Core) announce(sum statefile.Reloaded, changed []string, passed int) {
	for _, text := range c.reload.Errors {
		c.say(Error, "", text)
	}
	if !c.ready {
		c.ready = true
		c.record(&statefile.Ready{Jobs: len(c.order)})
		c.say(Info, "", "ready", "jobs", len(c.order), "refused", sum.Refused, "ignored", passed, "errors", len(c.reload.Errors))
		return
	}
	c.record(&sum)
	text := fmt.Sprintf("reloaded: %d new, %d changed", sum.New, sum.Changed)
	if n := len(changed); n > 0 {
		text += " (" + strings.Join(changed[:min(n, 10)], ", ")
		if n > 10 {
			text += ", ..."
		}
		text += ")"
	}
	text += fmt.Sprintf(", %d removed, %d refused", sum.Removed, sum.Refused)
	if passed > 0 {
		text += fmt.Sprintf(", %d ignored", passed)
	}
	if len(sum.Settings) > 0 {
		text += "; settings changed: " + strings.Join(sum.Settings, ", ")
	}
	if len(c.reload.Errors) > 0 {
		text += ": " + c.reload.Errors[0]
	}
	c.say(Info, "", text)
}

// define takes in a job that this daemon did not know.
func (c *Core) define(d jobfile.Job) *job {
	j := &job{name: d.Def.Name}
	j.timer.owner = j
	c.jobs[j.name] = j
	c.order = append(c.order, j)
	c.unsorted = true
	c.moveJob(j, jeDefine, &d)
	return j
}

// redefine puts a new definition in the place of the old one. Runs go on under the one that they started with; a
// pending one has not started.
func (c *Core) redefine(j *job, d jobfile.Job) {
	if j.def == nil && c.known { // it was removed while a run lived, and is back
		c.record(&statefile.Deleted{Job: j.name})
	}
	away := !d.Def.ActiveOn(c.o.Machine)
	if j.state == needsArm && j.def != nil && d.Def.Enabled && !away { // due in this turn, and before the load
		c.armJob(j)
	}
	if j.facts.Schedule == c.when(d.Def, away) {
		for _, r := range j.runs {
			if r.state == pending && !r.durable {
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
		c.dropPending(j, "changed", d.Def)
	}
	if !j.unsettled() {
		c.endStreaks(j)
	}
	c.moveJob(j, jeDefine, &d)
}

// adjust makes the definition that of the job. If it says something else of when the job is due, slots count from now.
func adjust(c *Core, j *job, d *jobfile.Job) {
	def := d.Def
	j.def, j.stale = def, d.Stale
	j.away = !def.ActiveOn(c.o.Machine)
	if delay := c.delay(def); j.waits(c.now.Wall) {
		j.delay = delay
	} else {
		j.jitter, j.delay = delay, delay
	}
	known := c.facts.Jobs[j.name]
	when := c.when(def, j.away)
	anew := known == nil || !known.Vanished.IsZero() || known.Schedule != when
	if anew || known.Process != def.ProcessHash || known.Definition != def.Hash {
		c.settleOn(j, when, known)
	}
	anew = anew || j.facts == nil
	j.facts = c.facts.Jobs[j.name]
	c.setAlarm(j)
	if def.KeepAlive == nil && j.facts.Held { // as a service; what it is now cannot be held
		c.record(&statefile.Held{Job: j.name, By: "reload"})
	}
	if anew { // else the facts lag behind by the runs that wait: their slots would be due again
		c.recall(j)
	}
	needArm(c, j, nil)
	c.soil(j)
	if def.KeepAlive == nil {
		for _, r := range j.services() { // it was one
			c.stop(r, "reload")
		}
	}
	c.runAtBoot(j)
}

// runAtBoot makes the run of a job for this boot, if there is to be one and there was none.
func (c *Core) runAtBoot(j *job) {
	if j.def != nil && j.def.AtBoot && c.active(j) && !c.o.BootUnknown && j.facts.BootDone != c.o.BootID && j.alive() == nil {
		c.newRun(j, statefile.Time{}, "boot", nil, nil)
	}
}

// settleOn records the definition. A job that came back with the schedule it had goes on where it was, but what passed
// while no file defined it is not missed.
func (c *Core) settleOn(j *job, when string, known *statefile.JobFacts) {
	var was time.Time
	if known != nil {
		was = known.LastSlot.Time
	}
	r := &statefile.Defined{Job: j.name, Schedule: when, Process: j.def.ProcessHash, Definition: j.def.Hash, LastSlot: c.at()}
	same := known != nil && known.Schedule == when && known.Vanished.IsZero()
	switch j.def.Schedule.Kind() {
	case schedule.Every:
		a := c.anchorNow()
		if known != nil && known.Anchor != nil && sameTimes(known, j.def) {
			a = c.phase(j, *known.Anchor, j.def.Schedule.Interval(), c.now.Wall) // another key was changed: the phase stays
		}
		r.Anchor = &a
	case schedule.At:
		if known == nil || !sameTimes(known, j.def) { // else it was disabled, or elsewhere, when it was due
			r.LastSlot = statefile.At(latest(c.now.Wall.Add(-grace), c.facts.DoubtUntil.Time))
		}
	}
	j.fresh = !same
	if j.fresh && c.facts.BootReady && len(j.bootRuns()) == 0 {
		r.BootDone = c.facts.BootID
	}
	c.record(r)
	if j.fresh && j.def.Schedule.Kind() == schedule.At {
		c.missAt(j, was, r.LastSlot.Time)
	}
}

// sameTimes tells whether a definition gives the same times as the one that the facts are of, whatever else decides on
// whether they count here.
func sameTimes(known *statefile.JobFacts, d *jobfile.Definition) bool {
	return known.Schedule == d.ScheduleHash || strings.HasPrefix(known.Schedule, d.ScheduleHash+" ")
}

// missAt counts an `at` that was past when its job was first loaded.
func (c *Core) missAt(j *job, settled, before time.Time) {
	at := j.def.Schedule.Next(time.Time{})
	f := c.facts.Job(j.name)
	if at.After(before) || !at.After(settled) || !j.def.Enabled || j.away || atDone(f, j.def) {
		return
	}
	slot := statefile.At(at.In(j.zone()))
	c.record(&statefile.Passed{Job: j.name, How: "missed", Reason: "past", First: slot, Last: slot, Number: 1,
		Epoch: c.facts.Epoch, At: true})
	c.tell(j, Warn, fmt.Sprintf("missed: %s was past when the job was loaded", slot))
}

// remove has a job that no file defines any more end: now, or after its last run.
func remove(c *Core, j *job, _ *jobfile.Job) {
	c.dropPending(j, "removed", nil)
	c.breakPromises(j, 0, noFile)
	c.endStreaks(j)
	c.stopTimer(&j.timer)
	for _, r := range j.services() {
		c.stop(r, "reload")
	}
	j.def, j.stale, j.state, j.next = nil, "", needsDelete, time.Time{}
	c.soil(j)
	if len(j.runs) == 0 {
		remember(c, j, nil)
	}
}

// remember has the journal say the last of a job; its facts are kept for a while.
func remember(c *Core, j *job, _ *jobfile.Job) {
	j.state = deleted
	c.record(&statefile.Deleted{Job: j.name})
	delete(c.jobs, j.name)
	c.compact = true
	c.removed = append(c.removed, j.name)
}

// forgetVanished notes which jobs vanished while no daemon ran.
func (c *Core) forgetVanished() {
	for _, name := range slices.Sorted(maps.Keys(c.facts.Jobs)) {
		if c.jobs[name] == nil && c.facts.Jobs[name].Vanished.IsZero() {
			for _, l := range c.facts.Jobs[name].Later {
				c.say(Warn, name, "dropped a delayed start: "+noFile, "run", l.Run)
			}
			c.record(&statefile.Deleted{Job: name})
		}
	}
}

// dropPending counts the slots of runs that had not started as skipped. What a person asked for does not depend on a
// schedule, and goes on under the next definition, if there is one.
func (c *Core) dropPending(j *job, why string, next *jobfile.Definition) {
	for _, r := range slices.Clone(j.runs) {
		switch {
		case r.state != pending:
			continue
		case next != nil && (r.durable || r.reason == "boot" || r.reason == "schedule" && r.why == ""):
			continue // what was handed to the disk, or came due in this turn, runs under the definition it has
		case r.asked() && next != nil && next.KeepAlive == nil:
			r.def = next
			continue
		case r.asked():
			c.tell(j, Warn, fmt.Sprintf("run %d does not start: its job was %s", r.number, why))
		}
		c.skip(r, why)
		c.stop(r, "reload")
	}
}

// asked tells whether the run waits to be let in because a person asked for it.
func (r *run) asked() bool {
	return r.state == pending && !r.durable && r.reason == "manual" && !r.settled
}

// sortOrder puts the list of jobs in order and takes out those that are deleted.
func (c *Core) sortOrder() {
	if c.compact {
		c.order = slices.DeleteFunc(c.order, func(j *job) bool { return j.state == deleted })
		c.compact = false
	}
	if c.unsorted {
		sortJobs(c.order)
		c.unsorted = false
	}
}

// disabledHash ends the hash of when a job is due whose file says enabled = false.
const disabledHash = " disabled"

// when returns the hash of all that decides when the job is due here: a job that comes to this machine, or is enabled,
// counts its slots from then, and so does one whose local zone changed.
func (c *Core) when(d *jobfile.Definition, away bool) string {
	h := d.ScheduleHash
	if d.Schedule.Local() && d.Schedule.Kind() != schedule.Every {
		h += " " + c.zone
	}
	if d.AtBoot {
		h += " at_boot"
	}
	if away {
		h += " elsewhere"
	}
	if !d.Enabled {
		h += disabledHash
	}
	return h
}

package core

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// loaded is what the loads so far have put in force.
type loaded struct {
	config  *jobfile.Config
	dir     string // the directory of the job files
	zone    string // the machine's time zone
	count   uint64 // the number of loads
	ready   bool   // the first one is in force
	known   bool   // one of them has read all definitions
	settled bool   // one of them has read the settings
	result  statefile.Reload
	clients []reload // clients that wait for the next one
}

// load puts a complete set of definitions in force. It applies only the differences: an unchanged job keeps its state.
// It never fires a slot that lies before the load.
func (c *Core) load(e Loaded) {
	if c.shutdown != nil {
		return
	}
	set, before := e.Set, c.loaded.config
	c.loaded.settled = !set.Unsettled
	c.loaded.config, c.loaded.dir = set.Config, set.Dir
	c.gate.most = set.Config.MaxRunning
	c.loaded.result.Begun, c.loaded.result.Done, c.loaded.result.At = statefile.Seconds(e.Begun), statefile.Seconds(e.Done), c.at()
	c.loaded.result.Errors, c.loaded.result.Files = []string{}, set.Fingerprint
	for _, e := range set.Errors {
		c.loaded.result.Errors = append(c.loaded.result.Errors, e.Error())
	}
	c.changes.daemon = true

	sum := statefile.Reloaded{Begun: c.loaded.result.Begun, Refused: set.Refused, Settings: set.Settings}
	var changed []string
	moved := set.Zone != c.loaded.zone
	c.loaded.zone = set.Zone
	if set.Host != "" && set.Host != c.o.Machine {
		c.o.Machine = set.Host
		c.recomputeJitter()
	}
	c.note(Trouble{Part: "directories", Text: changedDirs(set)})
	c.loaded.count++
	for _, d := range set.Jobs {
		c.loadJob(d, moved, &sum, &changed)
	}
	sum.Changed, sum.ChangedJobs = len(changed), changed[:min(len(changed), 10)]
	sum.Removed = c.removeUndefined(set.Unread)
	first := !c.loaded.known && !set.Unread
	if first {
		c.loaded.known = true
		c.forgetVanished()
	}
	if c.disordered {
		c.sortOrder()
	}
	for _, j := range c.order {
		c.resume(j)
	}
	if !c.loaded.ready {
		c.setAlarmOfAll()
		c.ringOverdue()
		c.notifyDamage()
		c.notifyCrash()
	}
	c.defineRuns(first)
	c.askAll()
	c.link()
	c.announce(sum, changed, set.Passed)
	c.answerReloads(e.Begun, &LoadResult{sum, len(set.Jobs) - sum.New - sum.Changed, set.Errors})
	c.warnOfMailer(set)
	c.retryDeliveries()
	c.clearTrouble(before)
	if !c.disbelieve() && first {
		c.wentBack()
	}
	c.shutAfterLoad()
}

// removeUndefined removes the jobs that this load did not find, and returns how many had a definition. Unread says that
// the load could not read the directory.
func (c *Core) removeUndefined(unread bool) (removed int) {
	for _, j := range slices.Clone(c.order) {
		switch {
		case j.load == c.loaded.count:
		case j.defined():
			removed++
			c.moveJob(j, jeRemove, nil)
		case len(j.runs) == 0 && !unread: // a run of the previous daemon, whose job was removed since
			c.moveJob(j, jeEmpty, nil)
		}
	}
	return removed
}

// resume continues the retries and delayed starts of the previous daemon, once a load has read all definitions or this
// job's.
func (c *Core) resume(j *job) {
	if j.resumed || !j.defined() && !c.loaded.known {
		return
	}
	j.resumed = true
	c.resumeRetries(j)
	c.resumeDelayed(j)
}

// loadJob puts one definition in force.
func (c *Core) loadJob(d jobfile.Job, moved bool, sum *statefile.Reloaded, changed *[]string) {
	defer c.rescueLoad(d.Def.Name)
	j := c.jobs[d.Def.Name]
	switch {
	case j == nil:
		j = c.define(d)
		sum.New++
	case j.def == d.Def && j.stale == d.Stale && !c.timesMoved(j, d.Def, moved):
	case j.def.Hash != d.Def.Hash || c.timesMoved(j, d.Def, moved):
		name := j.name
		if c.restarts(j, d.Def) {
			name += " restarted"
		}
		*changed = append(*changed, name)
		c.redefine(j, d)
	default: // the file moved, or its definition became stale or valid again: the definition itself is the same
		moved := j.def.Schedule.Location() != d.Def.Schedule.Location()
		j.def, j.stale = d.Def, d.Stale
		if c.markDirty(j); moved { // the zone has new rules; a reload fires no slot before itself
			j.slots.handOut(latest(j.slots.last.time(), c.now.Wall), c.moment())
			c.needArm(j)
		}
	}
	j.load = c.loaded.count
}

// restarts reports whether a new definition of a service restarts its process.
func (c *Core) restarts(j *job, d *jobfile.Definition) bool {
	return j.def.KeepAlive != nil && d.KeepAlive != nil && d.Enabled && d.ActiveOn(c.o.Machine) &&
		j.def.ProcessHash != d.ProcessHash && len(j.services()) > 0
}

func changedDirs(set *jobfile.Set) string {
	if set.DirsChanged {
		return "the settings name other directories than when the daemon started: restart the daemon to use them"
	}
	return ""
}

// timesMoved reports whether an unchanged definition is due at other times now: it uses the machine's time zone, which
// changed, or the machine has a new name.
func (c *Core) timesMoved(j *job, d *jobfile.Definition, moved bool) bool {
	return moved && d.Schedule.Local() || j.away != !d.ActiveOn(c.o.Machine)
}

// announce logs what a load did. Ignored is the number of ignored files.
func (c *Core) announce(sum statefile.Reloaded, changed []string, ignored int) {
	for _, text := range c.loaded.result.Errors {
		c.say(Error, "", text)
	}
	if !c.loaded.ready {
		c.loaded.ready = true
		c.record(&statefile.Ready{Jobs: len(c.order)})
		c.say(Info, "", "ready", "jobs", len(c.order), "refused", sum.Refused, "ignored", ignored, "errors", len(c.loaded.result.Errors))
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
	if ignored > 0 {
		text += fmt.Sprintf(", %d ignored", ignored)
	}
	if len(sum.Settings) > 0 {
		text += "; settings changed: " + strings.Join(sum.Settings, ", ")
	}
	var errors []any // each has a line above
	if n := len(c.loaded.result.Errors); n > 0 {
		errors = []any{"errors", n}
	}
	c.say(Info, "", text, errors...)
}

// forgetVanished records which jobs were removed while no daemon ran.
func (c *Core) forgetVanished() {
	for _, name := range slices.Sorted(maps.Keys(c.facts.Jobs)) {
		if c.jobs[name] == nil && c.facts.Jobs[name].RemovedAt.IsZero() {
			c.recordDeleted(name)
		}
	}
}

// recordDeleted records that a job was removed. Delayed starts that are left by then are those of the previous daemon.
func (c *Core) recordDeleted(name string) {
	for _, l := range statefile.Items(c.facts.Jobs[name].Delayed) {
		c.say(Warn, name, "dropped a delayed start: "+jobRemoved, "run", l.Run)
	}
	c.record(&statefile.Deleted{Job: name})
}

// sortOrder removes the deleted jobs from the list of jobs and sorts the new ones into it.
func (c *Core) sortOrder() {
	c.order = slices.DeleteFunc(c.order, func(j *job) bool { return j.state == deleted })
	slices.SortFunc(c.order, func(a, b *job) int { return strings.Compare(a.name, b.name) })
	c.disordered = false
}

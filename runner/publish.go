package runner

import (
	"time"

	"jobsd/statefile"
)

// firstLoadWait is how long the state file of the previous daemon stays while the first load is not in force. Until
// then this daemon knows only jobs with runs, and a reader would think that all others were removed. After that the
// file is written anyway, because the old one must not look current forever.
const firstLoadWait = 10 * time.Second

// reading is the part of the daemon that has trouble until a load has read all definitions.
const reading = "the job file reader"

const (
	stillReading = "the job files could not be read yet, so no job starts"
	formerShown  = "; jobs shown without a run are those of the previous daemon"
)

// lateLoad is posted if the state file had to be written before a load has read all definitions.
type lateLoad struct {
	shown bool // it shows jobs from the state file of the previous daemon
}

func (l lateLoad) text() string {
	if l.shown {
		return stillReading + formerShown
	}
	return stillReading
}

func (d *disk) update(p publish) {
	d.ready = p.ready
	if p.known && !d.known {
		d.known = true
		d.dropCarried()
	}
	for _, c := range p.changes {
		delete(d.carried, c.Name)
		if c.Job == nil {
			d.state.Remove(c.Name)
		} else {
			d.state.Update(c.Name, c.Job)
		}
	}
	d.state.SetDaemon(p.daemon)
	d.dirty = true
	if p.loaded {
		d.collector.loaded()
	}
}

// writeWait returns how long the next write of the state must wait.
func (d *disk) writeWait() time.Duration {
	now := readClocks().Mono
	wait := d.pace.Wait(now)
	if d.trouble["state"] != "" {
		wait = max(wait, d.retry-now)
	}
	if !d.ready {
		wait = max(wait, d.hold-now)
	}
	return wait
}

// write publishes the state.
func (d *disk) write() {
	failpoint("state")
	if !d.known {
		d.carry()
	}
	began := readClocks().Mono
	err := d.inStateDir(d.state.Write)
	now := readClocks().Mono
	d.pace.Wrote(now, now-began)
	d.dirty = err != nil
	d.report("state", err)
	if d.ready && !d.announced { // even if it cannot be written, because the daemon works
		d.announced = true
		d.post(published{})
	}
}

// carry takes over the jobs of the existing state file, for a daemon that must write its own before a load has read all
// definitions. It drops their runs and times, because this daemon knows all live runs itself.
func (d *disk) carry() {
	if d.carried != nil {
		return
	}
	d.carried = map[string]bool{}
	defer func() { d.post(lateLoad{shown: len(d.carried) > 0}) }()
	old, err := statefile.ReadState(d.stateDir)
	if err != nil {
		return // there is none, or it is unreadable
	}
	for name, j := range old.Jobs {
		if d.state.Has(name) {
			continue
		}
		j.State, j.NextRun, j.NextTry = "waiting", statefile.Time{}, statefile.Time{}
		j.Running, j.DelayedStarts, j.Unkillable = []statefile.Running{}, []statefile.DelayedStart{}, false
		d.state.Update(name, j)
		d.carried[name] = true
	}
}

// dropCarried removes these jobs when a load has read all definitions.
func (d *disk) dropCarried() {
	for name := range d.carried {
		d.state.Remove(name)
	}
	d.carried = nil
}

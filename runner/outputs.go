package runner

import "jobsd/statefile"

// span is the place of a run's output in its job's log, counted across rotations.
type span struct {
	job        string
	start, end int64
	own        bool // it is in its own file until the run has ended
	hasMarker  bool // it begins with the start marker, which this daemon wrote
	open       bool // its leader has ended, but the output is still open
}

// outputs knows where the output is of all runs that a notification may be about: the live ones, the last one of each
// job, and those of owed notifications. The core does not know offsets. The disk keeps them.
type outputs struct {
	runs     map[uint64]span   // by run
	last     map[string]uint64 // by job
	notified map[uint64]uint64 // run by notification
}

func newOutputs(facts *statefile.Facts) *outputs {
	o := &outputs{runs: map[uint64]span{}, last: map[string]uint64{}, notified: map[uint64]uint64{}}
	for name, j := range facts.Jobs {
		for _, l := range j.Live {
			o.runs[l.Run] = span{job: name, start: l.LogOffset, own: l.OwnLog, open: l.Open}
		}
		if r := j.LastRun; r != nil {
			o.place(r.Run, name, j.LogStart, j.LogEnd)
			o.last[name] = r.Run
		}
	}
	for _, n := range facts.Notifications {
		if n.Run != nil {
			o.place(n.Run.Run, n.Job, n.LogStart, n.LogEnd)
			o.notified[n.ID] = n.Run.Run
		}
	}
	return o
}

// place records where the output of an ended run is.
func (o *outputs) place(run uint64, job string, start, end int64) {
	s := o.runs[run]
	s.job, s.start, s.end = job, start, end
	o.runs[run] = s
}

func (o *outputs) began(run uint64, s span) { o.runs[run] = s }

// emptied makes the output of a run begin at the start of the live log, and forgets the output of other runs there.
func (o *outputs) emptied(run uint64, base int64) {
	job := o.runs[run].job
	for other, s := range o.runs {
		switch {
		case s.job != job || s.own:
			continue
		case other == run:
			s.start = base
		default:
			s.start, s.end = min(s.start, base), min(s.end, base)
		}
		o.runs[other] = s
	}
}

// ended completes the record of an outcome and its owed notifications.
func (o *outputs) ended(r *statefile.Ended) {
	run := r.Outcome.Run
	s := o.runs[run]
	s.job, s.end, s.open = r.Job, r.LogEnd, r.Open
	o.runs[run] = s
	r.LogStart = s.start
	previous := o.last[r.Job]
	o.last[r.Job] = run
	o.addNotifications(r.Notifications)
	o.drop(previous)
}

// closed completes the record of where the output of an ended run is.
func (o *outputs) closed(r *statefile.Output) {
	s := o.runs[r.Run]
	s.job, s.end, s.open = r.Job, r.LogEnd, false
	o.runs[r.Run] = s
	r.LogStart = s.start
	o.drop(r.Run)
}

func (o *outputs) addNotifications(list []statefile.Notification) {
	for i := range list {
		if r := list[i].Run; r != nil {
			o.notified[list[i].ID] = r.Run
			list[i].LogStart, list[i].LogEnd = o.runs[r.Run].start, o.runs[r.Run].end
		}
	}
}

func (o *outputs) delivered(r *statefile.Delivery) {
	if r.WillRetry {
		return
	}
	for _, id := range r.IDs {
		run := o.notified[id]
		delete(o.notified, id)
		o.drop(run)
	}
}

// drop forgets a run that no notification needs.
func (o *outputs) drop(run uint64) {
	s, ok := o.runs[run]
	if !ok || s.open || o.last[s.job] == run {
		return
	}
	for _, other := range o.notified {
		if other == run {
			return
		}
	}
	delete(o.runs, run)
}

// complete fills in the offsets of a checkpoint.
func (o *outputs) complete(facts *statefile.Facts) {
	for _, j := range facts.Jobs {
		for i := range j.Live {
			s := o.runs[j.Live[i].Run]
			j.Live[i].LogOffset, j.Live[i].OwnLog = s.start, s.own
		}
		if j.LastRun != nil {
			s := o.runs[j.LastRun.Run]
			j.LogStart, j.LogEnd = s.start, s.end
		}
	}
	for i := range facts.Notifications {
		if r := facts.Notifications[i].Run; r != nil {
			facts.Notifications[i].LogStart, facts.Notifications[i].LogEnd = o.runs[r.Run].start, o.runs[r.Run].end
		}
	}
}

// note follows the entries that are appended to the journal.
func (o *outputs) note(r statefile.Record) {
	switch r := r.(type) {
	case *statefile.Delivery:
		o.delivered(r)
	case *statefile.Dropped:
		o.addNotifications(r.Notifications)
	case *statefile.Stable:
		o.addNotifications(r.Notifications)
	}
}

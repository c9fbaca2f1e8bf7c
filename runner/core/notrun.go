package core

import (
	"fmt"
	"slices"
	"time"

	"jobsd/statefile"
)

// Consecutive slots of a job that do not run for the same reason become one record, statefile.NotRun. The newest record
// of a job may grow in memory before it is written. People see only what is in the journal: a slot that was shown as
// skipped must not become a catch-up run after a crash of the daemon.

// notRunPause is how long a record may grow in memory while a run of the job is alive and a few lines have been written. A hanging run of a job that is due every second must not fill the journal.
const notRunPause = time.Minute

// addNotRun counts slots that did not become runs. They are written at the end of the turn, or later if they cannot be
// written yet.
func (c *Core) addNotRun(j *job, s *statefile.NotRun, a *statefile.Anchor) {
	s.Anchor = a
	c.markDirty(j)
	c.notRunJobs = append(c.notRunJobs, j)
	if n := len(j.notRun); n > 0 {
		if open := j.notRun[n-1]; open.Missed == s.Missed && open.Reason == s.Reason && open.Epoch == s.Epoch {
			if s.First.Before(open.First.Time) {
				open.First = s.First
			}
			if s.Last.After(open.Last.Time) {
				open.Last, open.Anchor = s.Last, s.Anchor
			}
			open.Number += s.Number
			return
		}
		if !j.unsettled() {
			c.flushNotRun(j)
		}
	}
	j.notRun = append(j.notRun, s)
}

// writeNotRun writes, at the end of a turn, the slots that did not run in it.
func (c *Core) writeNotRun() {
	list := c.notRunJobs
	c.notRunJobs = nil
	for _, j := range list {
		if c.notRunIsDue(j) {
			c.flushNotRun(j)
		}
	}
}

// notRunIsDue reports whether to write the skipped and missed slots of a job now. While a run of the job is alive,
// the record may grow: it is written each time it has doubled, and each minute.
func (c *Core) notRunIsDue(j *job) bool {
	switch {
	case len(j.notRun) == 0 || j.unsettled():
		return false
	case j.alive() == nil:
		return true
	}
	return j.notRun[len(j.notRun)-1].Number >= j.notRunWritten || c.now.Mono-j.notRunWrittenAt >= notRunPause
}

// flushNotRun writes the skipped and missed slots of a job, earlier slots first. If a crash cuts off the rest, the next daemon decides
// about those slots.
func (c *Core) flushNotRun(j *job) {
	slices.SortStableFunc(j.notRun, func(a, b *statefile.NotRun) int { return a.Last.Compare(b.Last.Time) })
	for _, s := range j.notRun {
		c.recordNotRun(j, s)
		j.notRunWritten += s.Number
	}
	j.notRun, j.notRunWrittenAt = nil, c.now.Mono
}

func (c *Core) recordNotRun(j *job, p *statefile.NotRun) {
	c.record(p)
	c.logJob(j, Info, fmt.Sprintf("%s %d: %s, %s to %s", p.Kind(), p.Number, p.Reason, p.First, p.Last))
}

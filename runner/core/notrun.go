package core

import (
	"fmt"
	"slices"
	"time"

	"jobsd/statefile"
)

// A streak is a series of consecutive slots of a job that passed for the same reason. People see only what is in the
// journal: a slot that was shown as skipped must not become a catch-up run after a crash of the daemon.

// streakPause is how long an open streak may grow in memory while a run of the job is alive and a few lines have been
// written. A hanging run of a job that is due every second must not fill the journal.
const notRunPause = time.Minute

// pass counts slots that did not become runs. They are written at the end of the turn, or later if they cannot be
// written yet.
func (c *Core) addNotRun(j *job, row *statefile.NotRun, a *statefile.Anchor) {
	row.Anchor = a
	c.markDirty(j)
	c.notRunJobs = append(c.notRunJobs, j)
	if n := len(j.notRun); n > 0 {
		if s := j.notRun[n-1]; s.Missed == row.Missed && s.Reason == row.Reason && s.Epoch == row.Epoch {
			if row.First.Before(s.First.Time) {
				s.First = row.First
			}
			if row.Last.After(s.Last.Time) {
				s.Last, s.Anchor = row.Last, row.Anchor
			}
			s.Number += row.Number
			return
		}
		if !j.unsettled() {
			c.flushNotRun(j)
		}
	}
	j.notRun = append(j.notRun, row)
}

// writeStreaks writes the slots that passed in a turn at its end.
func (c *Core) writeNotRun() {
	list := c.notRunJobs
	c.notRunJobs = nil
	for _, j := range list {
		if c.notRunIsDue(j) {
			c.flushNotRun(j)
		}
	}
}

// streakIsDue reports whether to write the open streaks of a job now. While a run of the job is alive, the streak may
// grow: it is written each time it has doubled, and each minute.
func (c *Core) notRunIsDue(j *job) bool {
	switch {
	case len(j.notRun) == 0 || j.unsettled():
		return false
	case j.alive() == nil:
		return true
	}
	return j.notRun[len(j.notRun)-1].Number >= j.notRunWritten || c.now.Mono-j.notRunWrittenAt >= notRunPause
}

// endStreaks writes the streaks of a job, earlier slots first. If a crash cuts off the rest, the next daemon decides
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

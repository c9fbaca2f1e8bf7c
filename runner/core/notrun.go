package core

import (
	"slices"
	"time"

	"jobsd/statefile"
)

// notRunPause is how long the last record of skipped or missed slots may grow in memory while a run of the job is alive
// and some such slots have been written. A hanging run of a job that is due every second must not fill the journal.
const notRunPause = time.Minute

// notRun holds the slots of one job that did not become runs and are not written yet. Consecutive slots that did not run
// for the same reason are one record. People see only what is in the journal: a slot that was shown as skipped must not
// become a catch-up run after a crash of the daemon.
type notRun struct {
	list      []*statefile.NotRun // the last record may grow
	written   uint64              // the number of such slots written since the newest run of the job began
	writtenAt time.Duration       // when the last were written, monotonic
}

// waits reports whether there are records to write.
func (k *notRun) waits() bool { return k != nil && len(k.list) > 0 }

// breaks reports whether s cannot be added to the last record.
func (k *notRun) breaks(s *statefile.NotRun) bool {
	if !k.waits() {
		return false
	}
	n := len(k.list) - 1
	return k.list[n].Missed != s.Missed || k.list[n].Reason != s.Reason || k.list[n].Epoch != s.Epoch
}

// add lets the last record grow, or begins another.
func (k *notRun) add(s *statefile.NotRun) {
	if len(k.list) == 0 || k.breaks(s) {
		k.list = append(k.list, s)
		return
	}
	o := k.list[len(k.list)-1]
	if s.First.Time().Before(o.First.Time()) {
		o.First = s.First
	}
	if s.Last.Time().After(o.Last.Time()) {
		o.Last, o.Anchor = s.Last, s.Anchor
	}
	o.Number += s.Number
}

// due reports whether to write the records now. While a run of the job is alive the last one may grow: they are written
// each time it has doubled, and each minute.
func (k *notRun) due(alive bool, now time.Duration) bool {
	return k.waits() && (!alive || k.list[len(k.list)-1].Number >= k.written || now-k.writtenAt >= notRunPause)
}

// take returns the records to write, earlier slots first. If a crash cuts off the rest, the next daemon decides about
// those slots.
func (k *notRun) take(now time.Duration) []*statefile.NotRun {
	if !k.waits() {
		return nil
	}
	list := k.list
	slices.SortStableFunc(list, func(a, b *statefile.NotRun) int { return a.Last.Time().Compare(b.Last.Time()) })
	for _, s := range list {
		k.written += s.Number
	}
	k.list, k.writtenAt = nil, now
	return list
}

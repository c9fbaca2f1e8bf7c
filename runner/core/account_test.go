package core

import (
	"bytes"
	"encoding/json"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// ledger counts the journal records about the slots of one job under one definition.
type ledger struct {
	schedule *schedule.Schedule
	base     time.Time // slots count from here
	last     time.Time // the latest settled slot
	settled  int
}

// checkDelayed checks that every delayed start has come, was dropped with a record, or is still pending.
func (w *world) checkDelayed() {
	open := map[uint64]string{}
	facts := statefile.NewFacts("")
	for _, e := range w.journal {
		facts.Apply(e)
		switch r := e.Record.(type) {
		case *statefile.Delayed:
			open[r.Run] = r.Job
		case *statefile.Intent:
			delete(open, r.Run)
		case *statefile.Dropped:
			delete(open, r.Run)
		case *statefile.Deleted:
			for run, job := range open {
				if job == r.Job {
					delete(open, run)
				}
			}
		}
	}
	for name, j := range facts.Jobs {
		for _, l := range statefile.Items(j.Delayed) {
			if open[l.Run] != name {
				w.fatal("run %d of %s is to come although it came", l.Run, name)
			}
			delete(open, l.Run)
		}
	}
	if len(open) > 0 {
		w.fatal("forgotten: %v", open)
	}
}

// outputs checks that the output of every run has exactly one end in the journal, or that the next daemon knows of it.
func (w *world) outputs() {
	open := map[uint64]bool{}
	facts := statefile.NewFacts("")
	for _, e := range w.journal {
		facts.Apply(e)
		switch r := e.Record.(type) {
		case *statefile.Ended:
			open[r.Outcome.Run] = r.Open
		case *statefile.Output:
			switch {
			case r.To == nil:
			case !open[r.Run]:
				w.fatal("the output of run %d ends twice", r.Run)
			default:
				delete(open, r.Run)
			}
		}
	}
	for _, j := range facts.Jobs {
		for _, l := range j.Live {
			if l.Open {
				delete(open, l.Run)
			}
		}
	}
	for run, isOpen := range open {
		if isOpen {
			w.fatal("the output of run %d has no end", run)
		}
	}
}

// account checks that the journal says exactly once what became of each slot: a run, skipped or missed. After the clock
// went back nobody can tell which slots there were, so those periods are left out.
func (w *world) account() {
	books := map[string]*ledger{}
	endBook := func(job string) {
		b := books[job]
		delete(books, job)
		if b == nil || b.settled == 0 {
			return
		}
		n, _, _ := b.schedule.CountAfter(b.base, b.last, 1<<30)
		if n != b.settled {
			for _, e := range w.journal[max(0, len(w.journal)-400):] {
				if text, err := json.Marshal(e.Record); err == nil && bytes.Contains(text, []byte(`"job":"`+job+`"`)) {
					w.note("%s %s %s", e.At, e.Kind(), text)
				}
			}
			w.fatal("%s had %d slots in (%s, %s], the journal tells of %d", job, n, b.base, b.last, b.settled)
		}
		w.stats["accounted"] += n
	}
	defined, off, allOff := map[string]*schedule.Schedule{}, map[string]bool{}, false
	since := map[string]time.Time{} // the definition counts from here, even if the disabling of a removed job ended before
	open := func(job string, from time.Time) {
		from = latest(from, since[job])
		if s := defined[job]; s != nil && s.Kind() == schedule.Clock && !off[job] && !allOff {
			books[job] = &ledger{schedule: s, base: from}
		}
	}
	for _, e := range w.journal {
		switch r := e.Record.(type) {
		case *statefile.Defined:
			endBook(r.Job)
			defined[r.Job], since[r.Job] = w.schedules[r.Timing], r.LastSlot.Time()
			open(r.Job, r.LastSlot.Time())
		case *statefile.Disabled:
			off[r.Job] = r.By != nil
			endBook(r.Job)
			open(r.Job, orElse(r.From, e.At))
		case *statefile.AllDisabled:
			allOff = r.By != nil
			for job := range defined {
				endBook(job)
				open(job, orElse(r.From, e.At))
			}
		case *statefile.Deleted:
			endBook(r.Job)
		case *statefile.Epoch:
			clear(books)
			clear(defined)
			clear(since)
		case *statefile.NotRun:
			if b := books[r.Job]; b != nil {
				b.settled += b.own(r)
				b.last = latest(b.last, r.Last.Time())
			}
		case *statefile.Intent:
			// A slot that came due in the turn of a reload runs after the reload under the old definition.
			if b := books[r.Job]; b != nil && r.Reason == statefile.ReasonSchedule && r.Attempt == 1 && r.Slot.Time().After(b.base) {
				b.settled++
				b.last = latest(b.last, r.Slot.Time())
			}
		}
	}
	for job := range books {
		endBook(job)
	}
}

// own returns how many slots of a record came due after the definition. Earlier ones may have waited as pending runs.
func (b *ledger) own(r *statefile.NotRun) int {
	if r.First.Time().After(b.base) {
		return int(r.Number)
	}
	n, _, _ := b.schedule.CountAfter(b.base, r.Last.Time(), 1<<30)
	return n
}

// orElse returns the first of the times that is set.
func orElse(a, b statefile.Time) time.Time {
	if a.IsZero() {
		return b.Time()
	}
	return a.Time()
}

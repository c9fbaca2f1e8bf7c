package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"jobsd/statefile"
)

const (
	stateTime   = "state file replaced, one job changed"
	stateCPU    = "state file replaced, one job changed: CPU"
	journalTime = "journal: 32 runs written, with a sync"
	journalCPU  = "journal: 32 runs written, with a sync: CPU"
)

// state writes the state file of many jobs and the journal of some runs, in this process. The floor writes the same
// bytes, as durably.
var state = &benchmark{
	name:    "state",
	about:   "the state file replaced and the journal written, beside the bare system calls for the same bytes",
	figures: []figure{{stateTime, unitSeconds}, {stateCPU, unitSeconds}, {journalTime, unitSeconds}, {journalCPU, unitSeconds}},
	rounds:  7,
	prepare: func(w *bench) ([]entry, string, error) {
		n := w.size(10_000, 10_000)
		k, err := w.openKeeper(n)
		if err != nil {
			return nil, "", err
		}
		what := fmt.Sprintf("%s, a state file of %s; %s of journal", plural(n, "job"),
			unitBytes.format(float64(len(k.document))), unitBytes.format(float64(len(k.batch))))
		return []entry{{"floor: write, sync, rename", k.bare}, {"jobsd", k.own}}, what, nil
	},
}

// A keeper has a state file and a journal.
type keeper struct {
	dir      string
	writer   *statefile.Writer
	journal  *statefile.Journal
	entries  []statefile.Entry
	document []byte // the state file
	batch    []byte // the lines of the entries
	changes  int
}

func (w *bench) openKeeper(jobs int) (*keeper, error) {
	dir, err := w.empty("state")
	if err != nil {
		return nil, err
	}
	k := &keeper{dir: dir, entries: runEntries(32)}
	if k.writer, _, err = statefile.OpenWriter(dir); err != nil {
		return nil, err
	}
	for i := range jobs {
		k.writer.Update(jobName(i), sampleJob(i))
	}
	if err := k.writer.Write(); err != nil {
		return nil, err
	}
	if k.document, err = os.ReadFile(filepath.Join(dir, "state.json")); err != nil {
		return nil, err
	}
	if k.journal, _, _, err = statefile.OpenJournal(dir, 1<<40, 0); err != nil {
		return nil, err
	}
	history := filepath.Join(dir, "history.jsonl")
	before, err := os.ReadFile(history)
	if err != nil {
		return nil, err
	}
	if err := k.journal.Append(k.entries...); err != nil {
		return nil, err
	}
	after, err := os.ReadFile(history)
	k.batch = after[len(before):]
	return k, err
}

const stateRepeats = 10

func (k *keeper) own(w *bench) (values, error) {
	return measureState(w, func() error {
		k.changes++
		k.writer.Update(jobName(k.changes%100), sampleJob(k.changes))
		return k.writer.Write()
	}, func() error {
		if err := k.journal.Append(k.entries...); err != nil {
			return err
		}
		return k.journal.Sync()
	})
}

func (k *keeper) bare(w *bench) (values, error) {
	path := filepath.Join(k.dir, "floor")
	history, err := os.OpenFile(path+".jsonl", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer history.Close()
	return measureState(w, func() error { return replace(path, k.document) }, func() error {
		if _, err := history.Write(k.batch); err != nil {
			return err
		}
		return dataSync(history)
	})
}

// replace writes a file durably and atomically, with the system calls that it takes and no others.
func replace(path string, text []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}

// measureState does both things some times.
func measureState(w *bench, state, journal func() error) (values, error) {
	got := values{}
	for _, m := range []struct {
		do        func() error
		time, cpu string
	}{{state, stateTime, stateCPU}, {journal, journalTime, journalCPU}} {
		var took []float64
		cpu := ownUsage(syscall.RUSAGE_SELF)
		for range stateRepeats {
			began := time.Now()
			if err := m.do(); err != nil {
				return nil, err
			}
			took = append(took, time.Since(began).Seconds())
		}
		got[m.time] = median(took)
		got[m.cpu] = (ownUsage(syscall.RUSAGE_SELF) - cpu) / stateRepeats
	}
	return got, w.Err()
}

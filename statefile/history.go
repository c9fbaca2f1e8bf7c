package statefile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"
)

// History reads the journal in the state directory, without any lock: all files that are kept, from the oldest entry to
// the newest. If jobs are named, the entries of other jobs are left out. What is torn or damaged is passed over, since
// the daemon tells of it. The first error is the last thing that comes: it wraps ErrNewer if a newer version of the
// program wrote the journal. Where no journal is, nothing comes.
func History(stateDir string, jobs ...string) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		files, err := openHistory(stateDir)
		defer closeAll(files)
		if err != nil {
			yield(Entry{}, fmt.Errorf("cannot read the journal: %w", err))
			return
		}
		for _, f := range slices.Backward(files) {
			if !readHistory(f, jobs, yield) {
				return
			}
		}
	}
}

// ReadFacts reads what is durable from the newest file of the journal in the state directory, without any lock. Where no
// journal is, these are the facts of a new state directory. Errors are those of History.
func ReadFacts(stateDir string) (*Facts, error) {
	facts := NewFacts("")
	files, err := openHistory(stateDir)
	defer closeAll(files)
	if err == nil && len(files) > 0 {
		readHistory(files[0], nil, func(e Entry, failed error) bool {
			if err = failed; err == nil {
				facts.Apply(e)
			}
			return true
		})
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the journal: %w", err)
	}
	return facts, nil
}

// openHistory opens all files of the journal, the newest first. Should it be rotated meanwhile, files move to where they
// are still looked for: one can be seen twice, which is noticed, but not be missed.
func openHistory(stateDir string) ([]*os.File, error) {
	d, err := openDir(stateDir)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	defer d.close()
	numbers, err := d.olderNumbers()
	if err != nil {
		return nil, err
	}
	last := slices.Max(append(numbers, 0))
	var files []*os.File
	var seen []fs.FileInfo
	for n, missing := 0, 0; n <= last || missing < beyond; n++ {
		f, info, err := d.openFile(numbered(n))
		switch {
		case errors.Is(err, fs.ErrNotExist), errors.Is(err, errIrregular):
			missing++
			continue
		case err != nil:
			return files, err
		}
		missing = 0
		if slices.ContainsFunc(seen, func(i fs.FileInfo) bool { return os.SameFile(i, info) }) {
			f.Close()
			continue
		}
		files, seen = append(files, f), append(seen, info)
	}
	return files, nil
}

// beyond is for how many numbers after the last one a file is looked for that is being moved there.
const beyond = 3

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// readHistory yields the entries of one file. It returns false when no more are wanted.
func readHistory(f *os.File, jobs []string, yield func(Entry, error) bool) bool {
	l := newLines(f)
	for l.next() {
		if !mayConcern(l.line, jobs) {
			continue
		}
		e, err := l.entry()
		switch {
		case errors.Is(err, ErrNewer):
			yield(Entry{}, fmt.Errorf("cannot read the journal: %w", err))
			return false
		case err != nil, !concerns(e.Record, jobs):
			continue
		}
		if !yield(e, nil) {
			return false
		}
	}
	if l.failed != nil {
		yield(Entry{}, fmt.Errorf("cannot read the journal: %w", l.failed))
		return false
	}
	return true
}

var jobKey = []byte(`"job":`)

// mayConcern tells, without decoding the line, whether it can be of one of the jobs. Most lines are not.
func mayConcern(line []byte, jobs []string) bool {
	if len(jobs) == 0 || !bytes.Contains(line, jobKey) {
		return true
	}
	return slices.ContainsFunc(jobs, func(job string) bool { return bytes.Contains(line, []byte(`"`+job+`"`)) })
}

// concerns tells whether a record is of one of the jobs or of none.
func concerns(r Record, jobs []string) bool {
	job := jobOf(r)
	return len(jobs) == 0 || !job.IsValid() || slices.Contains(jobs, job.String())
}

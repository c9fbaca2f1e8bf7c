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

// History reads the journal in the state directory without a lock, in all its files, from the oldest entry to the
// newest. If jobs are given, it leaves out the entries of other jobs. It skips torn and damaged lines, because the
// daemon reports them. The sequence ends with the first error, which wraps ErrVersion if this program cannot read
// the version of the journal. Without a journal the sequence is empty.
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

// ReadFacts reads the durable facts from the current file of the journal in the state directory, without a lock.
// Without a journal it returns the facts of a new state directory. Its errors are those of History.
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

// openHistory opens all files of the journal, the newest first. If the journal is rotated in the meantime, files move
// to higher numbers, where openHistory still looks for them. It may see a file twice, which it detects, but it cannot
// miss one.
func openHistory(stateDir string) ([]*os.File, error) {
	d, err := openDir(stateDir)
	if err != nil {
		return nil, ignoreMissing(err)
	}
	defer d.Close()
	numbers, err := d.olderNumbers()
	if err != nil {
		return nil, err
	}
	last := slices.Max(append(numbers, 0))
	var files []*os.File
	var seen []fs.FileInfo
	for n, missing := 0, 0; n <= last || missing < lookAhead; n++ {
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

// lookAhead is how many numbers after the last one openHistory checks, because a rotation may be moving a file there.
const lookAhead = 3

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// readHistory yields the entries of one file. It returns false if the caller wants no more entries.
func readHistory(f *os.File, jobs []string, yield func(Entry, error) bool) bool {
	l := newLines(f)
	for l.next() {
		if !mayConcern(l.line, jobs) {
			continue
		}
		e, err := l.entry()
		switch {
		case errors.Is(err, ErrVersion):
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

// mayConcern reports, without decoding the line, whether it can be about one of the jobs. Most lines are not.
func mayConcern(line []byte, jobs []string) bool {
	if len(jobs) == 0 || !bytes.Contains(line, jobKey) {
		return true
	}
	return slices.ContainsFunc(jobs, func(job string) bool { return bytes.Contains(line, []byte(`"`+job+`"`)) })
}

// concerns reports whether a record is about one of the jobs or about no job.
func concerns(r Record, jobs []string) bool {
	job := jobOf(r)
	return len(jobs) == 0 || !job.IsValid() || slices.Contains(jobs, job.String())
}

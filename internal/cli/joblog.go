package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"jobsd/internal/joblog"
	"jobsd/statefile"
)

// jobLog is the log of a job, and where in it the output of each run is, by the journal.
type jobLog struct {
	*joblog.Log
	name string
	runs []logRun // by their numbers
}

// logRun is the part of the log that a run wrote.
type logRun struct {
	number   uint64
	at       time.Time     // when the run was about to start
	place    *joblog.Place // nil: not known yet, or discarded
	found    bool          // the log has its start marker
	from, to int64         // offsets; while the output is not complete, to is the end of the log
}

// openJobLog opens the log of a job. The runs come first, so that the log has the output of all of them.
func (s *site) openJobLog(name string) (*jobLog, error) {
	l := &jobLog{name: name}
	err := l.readJournal(s.State)
	if err == nil {
		l.Log, err = joblog.OpenLog(joblog.Path(s.Log, name))
	}
	if err != nil {
		return nil, s.unreadable(err)
	}
	for i := range l.runs {
		l.find(&l.runs[i])
	}
	return l, nil
}

// unreadable adds a hint on who may read the journal and the logs, if err says that the reader may not.
func (s *site) unreadable(err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	hint := `only root and the daemon's user may read it; set "group" in jobsd.toml to let a group read the journal and the logs`
	if s.config.Group != "" {
		hint = "only root, the daemon's user and the group " + s.config.Group + " may read it"
	}
	return fail(exitDenied, hint, "%w", err)
}

func (l *jobLog) readJournal(stateDir string) error {
	for entry, err := range statefile.History(stateDir, l.name) {
		if err != nil {
			return err
		}
		switch r := entry.Record.(type) {
		case *statefile.Intent:
			l.runs = append(l.runs, logRun{number: r.Run, at: entry.At.Time()})
		case *statefile.Output:
			if run := l.run(r.Run); run != nil {
				run.place = &r.Place
			}
		}
	}
	return nil
}

// find finds the output of a run in the log.
func (l *jobLog) find(r *logRun) {
	if r.place == nil {
		return
	}
	r.from, r.to, r.found = l.Find(*r.place, r.number)
}

// rest finds the rest of the output of a run whose beginning is gone.
func (l *jobLog) rest(r *logRun) (ok bool) {
	from := int64(0)
	for _, other := range l.runs {
		if other.found && other.number < r.number {
			from = max(from, other.to)
		}
	}
	r.from, r.to, ok = l.Rest(*r.place, r.number, from)
	return ok
}

func (l *jobLog) run(number uint64) *logRun {
	for i := len(l.runs) - 1; i >= 0; i-- {
		if l.runs[i].number == number {
			return &l.runs[i]
		}
	}
	return nil
}

// only returns a writer that passes the lines of a run, without their labels. The first line begins at an offset.
func (l *jobLog) only(w io.Writer, r *logRun, from int64) io.Writer {
	if r.place == nil || r.place.Alone {
		return w
	}
	return &lineFilter{w: w, lines: l.LinesOf(*r.place, r.number), at: from}
}

// lineFilter passes the lines of one run.
type lineFilter struct {
	w     io.Writer
	lines *joblog.Lines
	at    int64  // the offset of the next line
	held  []byte // an unfinished line
}

func (f *lineFilter) Write(text []byte) (int, error) {
	f.held = append(f.held, text...)
	var out []byte
	for {
		line, rest, whole := bytes.Cut(f.held, []byte("\n"))
		if !whole {
			break
		}
		if own, ok := f.lines.Own(line, f.at); ok {
			out = append(append(out, own...), '\n')
		}
		f.at += int64(len(line) + 1)
		f.held = rest
	}
	if _, err := f.w.Write(out); err != nil {
		return 0, err
	}
	return len(text), nil
}

func (l *jobLog) print(w io.Writer, from, to int64) error {
	if _, err := io.Copy(w, l.Reader(from, to)); err != nil {
		return fmt.Errorf("cannot print the log: %w", err)
	}
	return nil
}

// lastLines returns the offset at which the last n lines before to begin.
func (l *jobLog) lastLines(from, to int64, n int) (int64, error) {
	if n == all {
		return from, nil
	}
	return l.LastLines(from, to, n)
}

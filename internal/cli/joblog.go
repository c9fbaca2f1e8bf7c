package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"jobsd/statefile"
)

// jobLog is the log of a job over all its files. Offsets count from the first byte that the job ever wrote. The journal
// says which offset the live file begins at, and where the output of each run begins and ends.
type jobLog struct {
	site   *site
	name   string
	path   string      // of the live file
	base   int64       // offset of the first byte of the live file
	parts  []logPart   // the oldest first, the live one last if there is one
	runs   []logRun    // by their numbers
	newest fs.FileInfo // the newest archive at the last look; nil: there was none
}

// logPart is one file, with the offsets of its first byte and of the end.
type logPart struct {
	file     *os.File
	from, to int64
}

// logRun is the part of the log that a run wrote. While the run lives, to is larger than any offset.
type logRun struct {
	number   uint64
	from, to int64
	at       time.Time // when the run was about to start
	own      bool      // the run writes to its own file until it ends
}

func (r *logRun) end(from, to int64) {
	if r.to = to; r.own {
		r.from, r.own = from, false
	}
}

func (s *site) openJobLog(name string) (*jobLog, error) {
	l := &jobLog{site: s, name: name, path: filepath.Join(s.Log, name+".log")}
	if err := l.readJournal(); err != nil {
		return nil, s.unreadable(err)
	}
	if err := l.open(); err != nil {
		l.close()
		return nil, s.unreadable(err)
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

// readJournal finds the output of the runs, and the offset at which the live file begins.
func (l *jobLog) readJournal() error {
	l.runs = nil
	for entry, err := range statefile.History(l.site.State, l.name) {
		if err != nil {
			return err
		}
		switch r := entry.Record.(type) {
		case *statefile.Checkpoint:
			if j := r.Jobs[l.name]; j != nil {
				l.base = j.LogBase
			}
		case *statefile.LogCut:
			if l.base = r.Base; r.EmptiedBy > 0 {
				l.emptied(r.EmptiedBy)
			}
		case *statefile.Intent:
			run := logRun{number: r.Run, from: r.LogOffset, to: math.MaxInt64, at: entry.At.Time, own: r.OwnLog}
			if run.own {
				run.from = math.MaxInt64
			}
			l.runs = append(l.runs, run)
		case *statefile.Ended:
			if run := l.run(r.Outcome.Run); run != nil && !r.Open {
				run.end(r.LogStart, r.LogEnd)
			}
		case *statefile.Output:
			if run := l.run(r.Run); run != nil {
				run.end(r.LogStart, r.LogEnd)
			}
		}
	}
	return nil
}

// emptied handles a log that the run itself has emptied: the run's output begins with the live file, and the output of
// other runs there is gone.
func (l *jobLog) emptied(run uint64) {
	for i := range l.runs {
		switch r := &l.runs[i]; {
		case r.number == run:
			r.from = l.base
		case !r.own:
			r.from, r.to = min(r.from, l.base), min(r.to, l.base)
		}
	}
}

// open opens the live file and the archives: .1 ends where the live file begins, .2 ends where .1 begins.
func (l *jobLog) open() error {
	live, err := openPart(l.path)
	if err != nil {
		return err
	}
	l.newest, _ = os.Stat(l.archive(1))
	base := l.base
	if live != nil {
		live.from, live.to = base, base+live.to
		l.parts = append(l.parts, *live)
	}
	for n := 1; ; n++ {
		older, err := openPart(l.archive(n))
		if err != nil {
			return err
		}
		if older == nil {
			break
		}
		older.from, older.to = base-older.to, base
		base = older.from
		l.parts = append(l.parts, *older)
	}
	slices.Reverse(l.parts)
	return nil
}

// ownOf returns the log of a run that writes to its own file now.
func (l *jobLog) ownOf(run uint64) (*jobLog, error) {
	own := &jobLog{site: l.site, name: l.name, path: fmt.Sprintf("%s.run-%d", l.path, run)}
	return own, own.open()
}

// openPart opens one file, with offsets as if it were the only one. It returns nil if there is no such file.
func openPart(path string) (*logPart, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the log: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot open the log: %w", err)
	}
	return &logPart{file, 0, info.Size()}, nil
}

func (l *jobLog) close() {
	for _, p := range l.parts {
		p.file.Close()
	}
}

func (l *jobLog) empty() bool { return len(l.parts) == 0 }

// from and to are the offsets of the first byte that is still kept and of the end.
func (l *jobLog) from() int64 {
	if l.empty() {
		return 0
	}
	return l.parts[0].from
}

func (l *jobLog) to() int64 {
	if l.empty() {
		return 0
	}
	return l.parts[len(l.parts)-1].to
}

func (l *jobLog) run(number uint64) *logRun {
	for i := range slices.Backward(l.runs) {
		if l.runs[i].number == number {
			return &l.runs[i]
		}
	}
	return nil
}

// runAt returns the number of the run that wrote the byte at an offset, nil if no run did.
func (l *jobLog) runAt(offset int64) *uint64 {
	for i := range slices.Backward(l.runs) {
		if r := &l.runs[i]; r.from <= offset && offset < r.to {
			return &r.number
		}
	}
	return nil
}

// reader reads the bytes between two offsets.
func (l *jobLog) reader(from, to int64) io.Reader {
	var readers []io.Reader
	for _, p := range l.parts {
		if a, b := max(from, p.from), min(to, p.to); a < b {
			readers = append(readers, io.NewSectionReader(p.file, a-p.from, b-a))
		}
	}
	return io.MultiReader(readers...)
}

func (l *jobLog) print(w io.Writer, from, to int64) error {
	if _, err := io.Copy(w, l.reader(from, to)); err != nil {
		return fmt.Errorf("cannot print the log: %w", err)
	}
	return nil
}

// lastLines returns the offset at which the last n lines before to begin. It keeps only the starts of lines in memory,
// because a job may write a gigabyte without a newline.
func (l *jobLog) lastLines(from, to int64, n int) (int64, error) {
	if n == all {
		return from, nil
	}
	if n == 0 {
		return to, nil
	}
	starts := []int64{from}
	buf := make([]byte, 64<<10)
	for r, at := l.reader(from, to), from; ; {
		k, err := r.Read(buf)
		for i, c := range buf[:k] {
			if next := at + int64(i) + 1; c == '\n' && next < to {
				starts = append(starts, next)
			}
		}
		starts = starts[max(0, len(starts)-n):]
		at += int64(k)
		if errors.Is(err, io.EOF) {
			return starts[0], nil
		}
		if err != nil {
			return 0, fmt.Errorf("cannot read the log: %w", err)
		}
	}
}

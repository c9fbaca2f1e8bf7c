package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/spawn"
)

// Runs that may overlap would mix their lines in one log. Each writes to a file of its own, and its end appends that to
// the job's log, between its marks.

// ownLog tells whether a run writes to a file of its own.
func ownLog(p core.Prepare) bool {
	return p.Record != nil && p.Job.Overlap == jobfile.Allow && !p.Job.Log.Discard
}

func (d *disk) ownPath(job string, run uint64) string {
	return d.logPath(job) + ".run-" + strconv.FormatUint(run, 10)
}

// openRunLog opens what a run writes to.
func (d *disk) openRunLog(p core.Prepare) (int64, *spawn.Log, error) {
	if ownLog(p) || d.outputs.runs[p.Run].own { // the latter: its fork failed, and is tried again
		log, err := spawn.OpenLog(d.ownPath(p.Job.Name, p.Run), d.gid)
		return 0, log, err
	}
	return d.openLog(p.Job)
}

// takeIn appends the file of a run's own to its job's log. What cannot be appended stays where it is, and that is said.
func (d *disk) takeIn(f core.Finish) {
	run := f.Record.Outcome.Run
	s := d.outputs.runs[run]
	if !s.own {
		return
	}
	s.own = false
	path := d.ownPath(f.Record.Job, run)
	start, err := d.appendOwn(f.Job, path)
	s.start = start
	d.outputs.runs[run] = s
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		d.report("log of "+f.Record.Job, fmt.Errorf("cannot append %s: %w", path, err))
		return
	}
	os.Remove(path)
}

// appendOwn returns the offset at which it begins in the job's log.
func (d *disk) appendOwn(job *jobfile.Definition, path string) (int64, error) {
	if job == nil {
		return 0, errors.New("the job is not known any more")
	}
	from, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	start, log, err := d.openLog(job)
	if err != nil {
		return 0, err
	}
	if log == nil { // discarded by now
		return 0, nil
	}
	defer log.Close()
	_, err = io.Copy(log, from)
	return start, err
}

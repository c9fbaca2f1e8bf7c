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

// Runs that may overlap would mix their lines in one log. So each writes to its own file, which is appended to the
// job's log between its markers when the run ends.

// hasRunLog reports whether a run writes to its own file.
func hasRunLog(p core.Prepare) bool {
	return p.Record != nil && p.Job.Overlap == jobfile.Allow && !p.Job.Log.Discard
}

func (d *disk) runLogPath(job string, run uint64) string {
	return d.logPath(job) + ".run-" + strconv.FormatUint(run, 10)
}

// openRunLog opens the file that a run writes to.
func (d *disk) openRunLog(p core.Prepare) (int64, *spawn.Log, error) {
	if hasRunLog(p) || d.outputs.runs[p.Run].own { // its fork failed and is retried
		log, err := spawn.OpenLog(d.runLogPath(p.Job.Name, p.Run), d.gid)
		return 0, log, err
	}
	return d.openLog(p.Job)
}

// appendRunLog appends the own file of a run to its job's log. A file that cannot be appended stays, and the error is
// reported.
func (d *disk) appendRunLog(run uint64, name string, job *jobfile.Definition) {
	s := d.outputs.runs[run]
	if !s.own {
		return
	}
	s.own = false
	path := d.runLogPath(name, run)
	start, err := d.copyRunLog(job, path)
	s.start = start
	d.outputs.runs[run] = s
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		d.report("log of "+name, fmt.Errorf("cannot append %s: %w", path, err))
		return
	}
	os.Remove(path)
}

// copyRunLog appends a file and returns its offset in the job's log. A file that would make the log too large is not
// copied: it becomes the log.
func (d *disk) copyRunLog(job *jobfile.Definition, path string) (int64, error) {
	if job == nil {
		return 0, errors.New("the job no longer exists")
	}
	from, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer from.Close()
	st, err := from.Stat()
	if err != nil {
		return 0, err
	}
	if st.Size() > job.Log.MaxSize && job.Log.MaxSize > 0 && !job.Log.Discard {
		return d.replaceLog(job, path)
	}
	start, log, err := d.openLog(job)
	if err != nil {
		return 0, err
	}
	if log == nil { // the job discards its output by now
		return 0, nil
	}
	defer log.Close()
	_, err = io.CopyN(log, from, st.Size()) // leftovers of the run may still write, faster than this reads
	if err == io.EOF {                      // the file was truncated
		err = nil
	}
	return start, err
}

// replaceLog makes an existing file the new log.
func (d *disk) replaceLog(job *jobfile.Definition, path string) (int64, error) {
	live := d.logPath(job.Name)
	if log, err := spawn.OpenLog(live, d.gid); err == nil {
		base := d.base[job.Name] + log.Size
		log.Close()
		if err := spawn.RotateLog(live, job.Log.Keep); err != nil {
			return 0, err
		}
		d.cutAt(job.Name, base)
	}
	return d.base[job.Name], os.Rename(path, live)
}

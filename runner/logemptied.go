package runner

import (
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// The log is the standard output of a job, so a script of root can empty it by `> /dev/stderr`. Offsets into the log
// then point at the output of other runs.

// checkEmptied checks at the end of a run whether its log was emptied since the start of the run. If so, offsets begin
// again at the first byte of the log, and nothing in it belongs to an earlier run.
func (d *disk) checkEmptied(run uint64, job *jobfile.Definition) {
	s, known := d.outputs.runs[run]
	if job == nil || job.Log.Discard || !known || s.own || s.start < d.base[job.Name] {
		return
	}
	part := "output of " + job.Name
	if !d.emptied(run, s) {
		d.report(part, nil)
		return
	}
	base := d.base[job.Name]
	d.outputs.emptied(run, base)
	d.append(statefile.Entry{At: statefile.At(wallClock()), Record: &statefile.LogCut{Job: job.Name, Base: base, EmptiedBy: run}})
	d.writeMarker(job, fmt.Sprintf("run %d emptied this log", run))
	d.report(part, fmt.Errorf("%s empties its log, so the output of earlier runs is lost: write to >&2 instead of >/dev/stderr", job.Name))
}

// emptied reports whether the log is shorter than at the start of the run, or lacks the start marker of the run.
func (d *disk) emptied(run uint64, s span) bool {
	f, err := os.OpenFile(d.logPath(s.job), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return os.IsNotExist(err)
	}
	defer f.Close()
	at := s.start - d.base[s.job]
	if st, err := f.Stat(); err != nil || !s.hasMarker {
		return err == nil && st.Size() < at
	}
	want := fmt.Appendf(nil, "== run %d ", run)
	got := make([]byte, len(want))
	n, _ := f.ReadAt(got, at)
	return !bytes.Equal(got[:n], want)
}

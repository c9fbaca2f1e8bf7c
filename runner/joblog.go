package runner

import (
	"fmt"
	"os"
	"path/filepath"

	"jobsd/internal/jobfile"
	"jobsd/internal/plain"
	"jobsd/spawn"
)

// openLog opens the log of a job and returns the offset, counted across rotations, at which new output begins.
func (d *disk) openLog(job *jobfile.Definition) (int64, *spawn.Log, error) {
	if job.Log.Discard {
		return 0, nil, nil
	}
	path := d.logPath(job.Name)
	log, err := spawn.OpenLog(path, d.gid)
	if err != nil {
		return 0, nil, err
	}
	if log.Size > job.Log.MaxSize && job.Log.MaxSize > 0 {
		return d.rotate(job, path, log)
	}
	return d.base[job.Name] + log.Size, log, nil
}

// rotate begins a new log file for a job and records in the journal how much output came before it.
func (d *disk) rotate(job *jobfile.Definition, path string, old *spawn.Log) (int64, *spawn.Log, error) {
	base := d.base[job.Name] + old.Size
	if err := spawn.RotateLog(path, job.Log.Keep); err != nil {
		return base, old, nil // continue in the old file, because the output matters more than its size
	}
	old.Close()
	d.cutAt(job.Name, base)
	log, err := spawn.OpenLog(path, d.gid)
	return base, log, err
}

func (d *disk) logPath(job string) string { return filepath.Join(d.logDir, job+".log") }

// writeMarker writes a marker line to the log of a job and returns where the log ends.
func (d *disk) writeMarker(job *jobfile.Definition, text string) int64 {
	if job == nil || job.Log.Discard {
		return 0
	}
	log, err := spawn.OpenLog(d.logPath(job.Name), d.gid)
	if err != nil {
		d.report("log of "+job.Name, err)
		return 0
	}
	defer log.Close()
	n, err := fmt.Fprintf(log, "%s== %s\n", newline(d.logPath(job.Name), log.Size), plain.Line(text))
	d.report("log of "+job.Name, err)
	return d.base[job.Name] + log.Size + int64(n)
}

// logEnd returns where the log of a job ends, as far as that is known.
func (d *disk) logEnd(name string) int64 {
	st, err := os.Stat(d.logPath(name))
	if err != nil {
		return d.base[name]
	}
	return d.base[name] + st.Size()
}

// newline returns a line end if the last line of a log lacks one, because a marker must start a line.
func newline(path string, size int64) string {
	if size == 0 {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	last := []byte{'\n'}
	if f.ReadAt(last, size-1); last[0] == '\n' {
		return ""
	}
	return "\n"
}

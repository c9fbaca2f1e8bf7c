package runner

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/spawn"
	"jobsd/statefile"
)

const (
	cutLookMin   = 20 * time.Millisecond // the pause between looks at a log that grows fast
	cutLookFirst = 100 * time.Millisecond
	cutLookMax   = time.Minute // the pause for a log that does not grow
)

// growing is a log with a size limit to which runs are writing. The daemon looks at it more often the faster it grows.
type growing struct {
	job  *jobfile.Definition
	runs map[uint64]bool
	size int64         // at the last look
	seen time.Duration // monotonic, as is next
	wait time.Duration
	next time.Duration

	cutting bool // a helper is copying its front
}

// copied is the result of the helper that copied the front of a log.
type copied struct {
	job     *jobfile.Definition
	archive string
	base    int64 // the base of the log at that time
	front   spawn.Front
	err     error
}

// watchLog watches the log of a run while the run is alive.
func (d *disk) watchLog(run uint64, job *jobfile.Definition) {
	if job.Log.Discard || job.Log.MaxSize <= 0 {
		return
	}
	g := d.growing[job.Name]
	if g == nil {
		now := readClocks().Mono
		g = &growing{runs: map[uint64]bool{}, seen: now, wait: cutLookFirst, next: now + cutLookFirst}
		if st, err := os.Stat(d.logPath(job.Name)); err == nil {
			g.size = st.Size()
		}
		if len(d.growing) == 0 || g.next < d.nextCut {
			d.nextCut = g.next
		}
		d.growing[job.Name] = g
	}
	g.job, g.runs[run] = job, true
}

func (d *disk) unwatchLog(run uint64, job string) {
	if g := d.growing[job]; g != nil {
		if delete(g.runs, run); len(g.runs) == 0 {
			delete(d.growing, job)
		}
	}
}

// cutWait returns how long until the next look at a log; -1: no log is watched.
func (d *disk) cutWait() time.Duration {
	if len(d.growing) == 0 {
		return -1
	}
	return max(0, d.nextCut-readClocks().Mono)
}

// cutLogs looks at the logs that are due and cuts the fronts of those that are too large.
func (d *disk) cutLogs() {
	now := readClocks().Mono
	if len(d.growing) == 0 || now < d.nextCut {
		return
	}
	d.nextCut = now + cutLookMax
	for name, g := range d.growing {
		if now >= g.next && !g.cutting {
			d.look(name, g)
		}
		d.nextCut = min(d.nextCut, g.next)
	}
}

// look cuts the front of a log if the log takes up too much space. The file size alone does not tell that: a job can
// make its log arbitrarily long without writing to it.
func (d *disk) look(name string, g *growing) {
	st, err := os.Stat(d.logPath(name))
	if err != nil { // it was deleted; the next start makes it again
		delete(d.growing, name)
		return
	}
	size := min(st.Size(), st.Sys().(*syscall.Stat_t).Blocks*512)
	if g.pace(size, readClocks().Mono); size > g.job.Log.MaxSize {
		g.cutting = true
		d.copyFront(g.job)
	}
}

// pace sets the time of the next look: when the log will have grown half of the way to its limit at the present rate.
func (g *growing) pace(size int64, now time.Duration) {
	grown, took := size-g.size, now-g.seen
	g.size, g.seen = size, now
	switch {
	case grown > 0 && took > 0:
		g.wait = time.Duration(float64(max(0, g.job.Log.MaxSize-g.size)) / float64(grown) * float64(took) / 2)
	default:
		g.wait *= 2
	}
	g.wait = min(max(g.wait, cutLookMin), cutLookMax)
	g.next = now + g.wait
}

// copyFront lets a helper copy the front of a live log. That may take a while, and intents must not wait for it. The
// archive has a temporary name until the cut is done and in the journal, so that finishCuts recognizes an unfinished cut
// after the daemon was killed.
func (d *disk) copyFront(job *jobfile.Definition) {
	path, base := d.logPath(job.Name), d.base[job.Name]
	c := copied{job: job, base: base, archive: path + "." + strconv.FormatInt(base, 10) + cutSuffix}
	go func() {
		c.front, c.err = spawn.CopyFront(path, c.archive, job.Log.MaxSize, job.Log.Keep)
		d.in.put([]any{c})
	}()
}

// cut moves the front of a live log to its archive and records its size in the journal. If the log is still too large,
// the next look follows at once.
func (d *disk) cut(c copied) {
	name := c.job.Name
	g, err := d.growing[name], c.err
	switch {
	case g == nil && err == nil: // nothing writes to it now, so the next start rotates it
		os.Remove(c.archive)
		return
	case g == nil:
		return
	}
	g.cutting, g.next = false, readClocks().Mono
	d.nextCut = min(d.nextCut, g.next)
	if err == nil && c.front.Size > 0 {
		if err = d.cutFront(c); err != nil {
			os.Remove(c.archive)
		}
	}
	switch {
	case errors.Is(err, spawn.ErrCannotCut): // the next start rotates it
		delete(d.growing, name)
		if errors.Is(err, spawn.ErrPieces) {
			d.writeMarker(c.job, "this log is not cut until the next start: "+spawn.ErrPieces.Error())
		}
	case errors.Is(err, spawn.ErrOtherLog), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, fs.ErrNotExist),
		errors.Is(err, fs.ErrExist): // it changed during the copy
		g.next += cutLookMin
	case err != nil:
		g.next += retryWait
		d.report("log of "+name, err)
	case c.front.Size > 0:
		d.report("log of "+name, nil)
	}
}

func (d *disk) cutFront(c copied) error {
	path := d.logPath(c.job.Name)
	if d.base[c.job.Name] != c.base {
		return spawn.ErrOtherLog
	}
	if err := spawn.CutFront(path, c.front); err != nil {
		return err
	}
	d.cutAt(c.job.Name, c.base+c.front.Size)
	d.flush()
	if c.front.Copied {
		return spawn.ShiftLog(path, c.archive, c.job.Log.Keep)
	}
	// Data that was removed without a copy was larger than all archives together, and what they hold is even older.
	for n := 1; n <= c.job.Log.Keep; n++ {
		os.Remove(path + "." + strconv.Itoa(n))
	}
	return nil
}

func (d *disk) cutAt(job string, base int64) {
	d.base[job] = base
	d.append(statefile.Entry{At: statefile.At(wallClock()), Record: &statefile.LogCut{Job: job, Base: base}})
}

const cutSuffix = ".cut"

// finishCuts finishes the cuts that an earlier daemon began. An archive whose bytes are still in the log is removed.
// Any other archive gets its final name, and the journal its cut.
func (d *disk) finishCuts() {
	files, _ := filepath.Glob(filepath.Join(d.logDir, "*"+cutSuffix))
	for _, archive := range files {
		path, number, ok := cutName(archive)
		st, err := os.Stat(archive)
		if !ok || err != nil {
			continue
		}
		if startsWith(path, archive) {
			os.Remove(archive)
			continue
		}
		job := strings.TrimSuffix(filepath.Base(path), ".log")
		if base := number + st.Size(); d.base[job] < base {
			d.cutAt(job, base)
		}
		if err := spawn.ShiftLog(path, archive, finishKeep); err != nil {
			d.report("log of "+job, err)
		}
	}
	d.flush()
}

// finishKeep is how many archives are kept while the job's own limit is not known yet.
const finishKeep = 100

// cutName splits the name of an archive into the log's path and its base.
func cutName(archive string) (path string, base int64, ok bool) {
	path = strings.TrimSuffix(archive, cutSuffix)
	dot := strings.LastIndexByte(path, '.')
	if dot < 0 {
		return "", 0, false
	}
	base, err := strconv.ParseInt(path[dot+1:], 10, 64)
	return path[:dot], base, err == nil && strings.HasSuffix(path[:dot], ".log")
}

// compareWindow is how much of each end of an archive is compared with the log.
const compareWindow = 64 << 10

// startsWith reports whether a file begins with the content of another one, judged by the two ends of that one.
func startsWith(path, other string) bool {
	a, err := os.Open(path)
	if err != nil {
		return false
	}
	defer a.Close()
	b, err := os.Open(other)
	if err != nil {
		return false
	}
	defer b.Close()
	st, err := b.Stat()
	if err != nil {
		return false
	}
	for _, at := range []int64{0, max(0, st.Size()-compareWindow)} {
		x, y := make([]byte, compareWindow), make([]byte, compareWindow)
		n, err := b.ReadAt(y, at)
		if err != nil && err != io.EOF {
			return false
		}
		if m, _ := a.ReadAt(x[:n], at); m < n || !bytes.Equal(x[:n], y[:n]) {
			return false
		}
	}
	return true
}

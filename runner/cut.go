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
	cutLookMin   = 20 * time.Millisecond // between looks at a log that grows fast
	cutLookFirst = 100 * time.Millisecond
	cutLookMax   = time.Minute // at one that does not grow
)

// growing is a log that has a greatest size and that runs write to now. How often it is looked at follows from how fast
// it grows.
type growing struct {
	job  *jobfile.Definition
	runs map[uint64]bool
	size int64         // when it was looked at
	seen time.Duration // monotonic, as is next
	wait time.Duration
	next time.Duration

	cutting bool // its front is being copied
}

// copied is posted by the helper that copied the front of a log.
type copied struct {
	job     *jobfile.Definition
	archive string
	base    int64 // of the log at that time
	front   spawn.Front
	err     error
}

// watchLog has the log of a run looked after while the run lives.
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

// cutWait returns how long the next look at a log may wait; -1: there is none to look at.
func (d *disk) cutWait() time.Duration {
	if len(d.growing) == 0 {
		return -1
	}
	return max(0, d.nextCut-readClocks().Mono)
}

// cutLogs looks at the logs whose time has come and moves the fronts of those away that have grown too large.
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

// look has the front of a log cut if it takes up too much. Its size does not tell that: a job can make its log as long as
// it likes without writing to it.
func (d *disk) look(name string, g *growing) {
	st, err := os.Stat(d.logPath(name))
	if err != nil { // it was deleted: the next start makes it anew
		delete(d.growing, name)
		return
	}
	size := min(st.Size(), st.Sys().(*syscall.Stat_t).Blocks*512)
	if g.pace(size, readClocks().Mono); size > g.job.Log.MaxSize {
		g.cutting = true
		d.copyFront(g.job)
	}
}

// pace sets when to look again: when half of the way to the greatest size is behind the log, as it grows now.
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

// copyFront has the front of a live log copied by a helper: what a job made of its log may take a while, and intents
// must not wait for it. The archive has a name of its own until the cut is done and journaled, by which mendCuts knows
// what was under way when the daemon was killed.
func (d *disk) copyFront(job *jobfile.Definition) {
	path, base := d.logPath(job.Name), d.base[job.Name]
	c := copied{job: job, base: base, archive: path + "." + strconv.FormatInt(base, 10) + cutSuffix}
	go func() {
		c.front, c.err = spawn.CopyFront(path, c.archive, job.Log.MaxSize, job.Log.Keep)
		d.in.put([]any{c})
	}()
}

// cut moves the front of a live log to its archive and journals how much that was. If the log is still too large then,
// the next look is at once.
func (d *disk) cut(c copied) {
	name := c.job.Name
	g, err := d.growing[name], c.err
	switch {
	case g == nil && err == nil: // nothing writes to it any more: it is renamed at the next start
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
	case errors.Is(err, spawn.ErrCannotCut): // it is renamed at the next start
		delete(d.growing, name)
		if errors.Is(err, spawn.ErrPieces) {
			d.mark(c.job, "this log is not cut until the next start: "+spawn.ErrPieces.Error())
		}
	case errors.Is(err, spawn.ErrOtherLog), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, fs.ErrNotExist),
		errors.Is(err, fs.ErrExist): // it changed while it was copied
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
	// What went without a copy is more than all archives may hold, and older than it is what they have.
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

// mendCuts ends what a daemon before this one had begun: an archive whose bytes still stand in the log goes, any other
// gets its name, and the journal its cut.
func (d *disk) mendCuts() {
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
		if err := spawn.ShiftLog(path, archive, mendKeep); err != nil {
			d.report("log of "+job, err)
		}
	}
	d.flush()
}

// mendKeep is how many archives are kept where the job's own number is not known yet.
const mendKeep = 100

// cutName takes an archive's name apart: the log's path and the base that it had.
func cutName(archive string) (path string, base int64, ok bool) {
	path = strings.TrimSuffix(archive, cutSuffix)
	dot := strings.LastIndexByte(path, '.')
	if dot < 0 {
		return "", 0, false
	}
	base, err := strconv.ParseInt(path[dot+1:], 10, 64)
	return path[:dot], base, err == nil && strings.HasSuffix(path[:dot], ".log")
}

// mendWindow is how much of an archive is compared with the log, at either end.
const mendWindow = 64 << 10

// startsWith tells whether a file begins with what stands in another, as far as the two ends of that tell.
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
	for _, at := range []int64{0, max(0, st.Size()-mendWindow)} {
		x, y := make([]byte, mendWindow), make([]byte, mendWindow)
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

package runner

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
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
		if now >= g.next {
			d.look(name, g)
		}
		d.nextCut = min(d.nextCut, g.next)
	}
}

func (d *disk) look(name string, g *growing) {
	st, err := os.Stat(d.logPath(name))
	if err != nil { // it was deleted: the next start makes it anew
		delete(d.growing, name)
		return
	}
	size, cut := st.Size(), int64(0)
	if size > g.job.Log.MaxSize {
		n, err := d.cut(name, g.job.Log.Keep)
		switch {
		case errors.Is(err, spawn.ErrCannotCut): // it is renamed at the next start
			delete(d.growing, name)
			return
		case err != nil:
			d.report("log of "+name, err)
		case n > 0:
			d.report("log of "+name, nil)
		}
		cut = n
	}
	g.pace(size, cut, readClocks().Mono)
}

// pace sets when to look again: when half of the way to the greatest size is behind the log, as it grows now. Cut is what
// was just taken off its size.
func (g *growing) pace(size, cut int64, now time.Duration) {
	grown, took := size-g.size, now-g.seen
	g.size, g.seen = size-cut, now
	switch {
	case grown > 0 && took > 0:
		g.wait = time.Duration(float64(max(0, g.job.Log.MaxSize-g.size)) / float64(grown) * float64(took) / 2)
	default:
		g.wait *= 2
	}
	g.wait = min(max(g.wait, cutLookMin), cutLookMax)
	g.next = now + g.wait
}

// cut moves the front of a live log to its archive and journals how much that was. The archive has a name of its own
// until the cut is done and journaled, by which mendCuts knows what was under way when the daemon was killed.
func (d *disk) cut(job string, keep int) (int64, error) {
	path, archive := d.logPath(job), ""
	base := d.base[job]
	if keep > 0 {
		archive = path + "." + strconv.FormatInt(base, 10) + cutSuffix
	}
	n, err := spawn.CutLog(path, archive)
	if err != nil || n == 0 {
		return 0, err
	}
	d.cutAt(job, base+n)
	d.flush()
	if archive == "" {
		return n, nil
	}
	return n, spawn.ShiftLog(path, archive, keep)
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

// startsWith tells whether a file begins with all that stands in another.
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
	x, y := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(b, y)
		if n == 0 {
			return err == io.EOF
		}
		if m, _ := io.ReadFull(a, x[:n]); m < n || !bytes.Equal(x[:n], y[:n]) {
			return false
		}
	}
}

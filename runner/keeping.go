package runner

import (
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/recorder"
	"jobsd/spawn"
)

// The kernel tells how a process has ended to whoever has held its pidfd since before it was reaped, on Linux 6.15 and
// later. The recorder keeps the pidfds of runs beside their pipes. If a run ends while no daemon runs, the next daemon
// gets the pidfd from the recorder, and with it the exit status.

const (
	// keepAge is how long a run lives until the recorder gets its pidfd. For the many that are shorter, nothing is done.
	keepAge = time.Second
	// keptWait is how long the first load waits for the recorder that may know how runs have ended.
	keptWait = time.Second
)

// keeping is what the loop knows about the pidfds that the recorder keeps, or may keep.
type keeping struct {
	young []youngRun         // runs whose pidfds the recorder gets later, the oldest first
	gone  map[uint64]goneRun // runs of the previous daemon that have ended; the recorder may know how
	until time.Duration      // how long the loop waits for that
}

type youngRun struct {
	run uint64
	due time.Duration // monotonic
}

type goneRun struct {
	process *process
	survivor
}

// grow notes when the recorder gets the pidfd of a run that has just started or was adopted.
func (k *keeping) grow(p *process, due time.Duration) {
	if p.FD >= 0 && p.Inode != 0 { // otherwise the kernel does not tell how a process has ended
		k.young = append(k.young, youngRun{p.run, due})
	}
}

// lives reports whether a run has a process whose end is not known yet.
func (l *loop) lives(run uint64) bool {
	p := l.byRun[run]
	return p != nil && p.exit == nil && !p.gone && p.FD >= 0
}

// keep hands over the pidfds of the runs that are old enough.
func (l *loop) keep() {
	k := &l.keeping
	for len(k.young) > 0 {
		first := k.young[0]
		switch alive := l.lives(first.run); {
		case alive && l.sys.now().Mono < first.due:
			return
		case alive:
			l.recording.keep(first.run, l.byRun[first.run].FD)
		}
		k.young = k.young[1:]
	}
	k.young = nil
}

// keepWait returns how long until a run is old enough, or a negative time. Runs that have ended by then wake nobody.
func (l *loop) keepWait(now time.Duration) time.Duration {
	k := &l.keeping
	for len(k.young) > 0 && !l.lives(k.young[0].run) {
		k.young = k.young[1:]
	}
	switch {
	case k.gone != nil:
		return max(0, k.until-now)
	case len(k.young) == 0:
		return -1
	}
	return max(0, k.young[0].due-now)
}

// await leaves open what became of a run that has ended, if a recorder may know that. It reports whether it does.
func (l *loop) await(p *process, s survivor) bool {
	if s.fate != gone && s.fate != remains || s.leader.Inode == 0 || !l.recording.mayHave() {
		return false
	}
	if l.keeping.gone == nil {
		l.keeping.gone, l.keeping.until = map[uint64]goneRun{}, l.sys.now().Mono+keptWait
	}
	l.keeping.gone[p.run] = goneRun{p, s}
	return true
}

// kept takes the pidfd of a run from the recorder. If the run has ended, it counts as alive until the loop polls the
// pidfd, which then has its exit status.
func (l *loop) kept(run uint64, fd int) {
	g, ok := l.keeping.gone[run]
	if !ok {
		unix.Close(fd)
		if !l.lives(run) {
			l.recording.tellDone(run)
		}
		return
	}
	delete(l.keeping.gone, run)
	p := spawn.Process{PID: g.leader.PID, FD: fd, Inode: g.leader.Inode, Start: g.leader.PIDStart, Cgroup: g.proc.Cgroup}
	if p, ok := l.sys.ended(p); ok {
		g.fate, g.proc = leads, p
	} else {
		unix.Close(fd)
	}
	l.adoptRun(g.process, g.survivor)
}

// settleGone ends the wait for the recorder once it has said all that it has, or takes too long.
func (l *loop) settleGone() {
	k := &l.keeping
	if k.gone == nil || len(k.gone) > 0 && l.recording.mayHave() && l.sys.now().Mono < k.until {
		return
	}
	for _, run := range slices.Sorted(maps.Keys(k.gone)) {
		l.adoptRun(k.gone[run].process, k.gone[run].survivor)
	}
	k.gone = nil
}

// mayHave reports whether there is a recorder that has not said yet what it has.
func (r *recording) mayHave() bool { return r.conn != nil && !r.met }

// keep makes the recorder keep the pidfd of a run, and each later one. The pidfd must stay open until unkeep.
func (r *recording) keep(run uint64, fd int) {
	if _, already := r.kept[run]; already {
		return
	}
	r.kept[run] = fd
	if r.start(); r.greeted {
		r.sendKept(run)
	}
}

func (r *recording) sendKept(run uint64) {
	r.conn.Send(recorder.Message{Kind: recorder.Keep, Run: run}, r.kept[run])
}

// tellDone makes the recorder close a pidfd of a run whose outcome is recorded. If the run has output, that happens when
// the end of the output is recorded.
func (r *recording) tellDone(run uint64) {
	if r.outputs[run] == nil {
		r.conn.Send(recorder.Message{Kind: recorder.Done, Run: run})
	}
}

// unkeep says that the outcome of a run is on its way to the journal. Once it is there, the recorder closes the pidfd, as
// with the end of the output of a run that has output.
func (r *recording) unkeep(run uint64) {
	fd, ok := r.kept[run]
	if !ok {
		return
	}
	delete(r.kept, run)
	if r.conn != nil {
		r.conn.Withdraw(fd)
	}
	if r.outputs[run] == nil {
		r.placed = append(r.placed, run)
	}
}

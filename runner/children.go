package runner

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// process is what the loop knows about the process of a run.
type process struct {
	spawn.Process
	run       uint64
	job       string
	handshake *spawn.Handshake // nil once the exec is done
	exit      *spawn.Exit      // its status, once reaped
	adopted   bool
	gone      bool // its leader was reaped by another process, so only the searcher can find what is left
	zombie    bool // it is adopted and has ended, but its parent has not reaped it yet

	leaderless bool // only its cgroup leaf is known, whose descriptor becomes ready when the leaf is empty
}

// reapShare is how long one turn may reap. A job can leave behind processes that end faster than they are reaped, and
// the daemon inherits all of them.
const reapShare = 10 * time.Millisecond

// reap reaps the children that have ended: all of them, unless that takes too long.
func (l *loop) reap() {
	l.unreaped, l.forked = false, 0
	if l.inherits && !l.core.Settled() { // the definition of a job decides whether its run failed
		return
	}
	orphans := false
	end := l.sys.now().Mono + reapShare
	for n := 1; ; n++ {
		if n%100 == 0 {
			l.sys.readClocks()
			if l.sys.now().Mono > end {
				l.unreaped = true
				break
			}
		}
		x, ok := l.sys.reap()
		if !ok {
			break
		}
		if l.recording.reaped(x) || l.delivering.reaped(x) {
			continue
		}
		if l.candidate != nil && l.candidate.proc.PID == x.PID {
			l.judge(x)
			continue
		}
		p := l.byPID[x.PID]
		if p == nil {
			orphans = true
			continue
		}
		delete(l.byPID, x.PID)
		p.exit = &x
		if p.handshake != nil {
			l.shake(p)
		} else {
			l.ended(p, x)
		}
	}
	if orphans {
		l.handle(core.Orphan{})
	}
}

func (l *loop) ended(p *process, x spawn.Exit) {
	left, group := l.sys.left(&p.Process)
	l.handle(core.Exited{Run: p.run, Code: x.Code, Signal: signalName(x), Core: x.Core, User: x.User, Sys: x.System,
		MaxRSS: x.MaxRSS, Left: left, Group: group})
}

func signalName(x spawn.Exit) string {
	if x.Signal == 0 {
		return ""
	}
	return spawn.SignalName(x.Signal)
}

// watch handles the descriptors that poll found ready: those of shims before their exec, and of adopted processes.
func (l *loop) watch() {
	if len(l.polls) < fixedPolls { // the first turn
		return
	}
	if l.polls[wallPoll].Revents != 0 {
		l.timer.drain()
	}
	if l.polls[bootPoll].Revents != 0 {
		l.bootTimer.drain()
	}
	if l.polls[recorderPoll].Revents != 0 {
		l.recording.receive()
	}
	if l.polls[delivererPoll].Revents != 0 {
		l.delivering.receive()
	}
	for i, p := range l.polled {
		if l.polls[i+fixedPolls].Revents == 0 {
			continue
		}
		switch {
		case p.handshake != nil:
			l.shake(p)
		case p.adopted && l.byRun[p.run] == p:
			l.adoptedEnded(p, l.polls[i+fixedPolls].Revents&unix.POLLHUP != 0)
		}
	}
}

// adoptedEnded finds out how a process ended that is not a child of this daemon. The kernel shows the exit status once
// the parent has reaped the process. From Linux 6.9 on, which gives pidfds their own inodes, poll reports that by a
// hang-up. For a zombie, /proc may show the status earlier.
func (l *loop) adoptedEnded(p *process, reaped bool) {
	l.repoll = true
	if p.leaderless {
		if spawn.LeafEnded(p.Process) {
			p.adopted = false
			l.handle(core.Exited{Run: p.run, Unknown: true})
		}
		return
	}
	x, known := l.sys.status(p.Process)
	if !known && !reaped && p.Inode != 0 {
		p.zombie = true
		return
	}
	p.adopted = false
	if known {
		l.ended(p, x)
		return
	}
	left, group := l.sys.left(&p.Process)
	l.handle(core.Exited{Run: p.run, Unknown: true, Left: left, Group: group})
}

// shake reads the report of a shim. If the shim was already reaped, its exit status waits until then: the status means
// nothing if the shim never became the job's program.
func (l *loop) shake(p *process) {
	done, err := p.handshake.Result()
	if !done {
		return
	}
	p.handshake.Close()
	p.handshake = nil
	l.repoll = true
	if err != nil {
		l.notStarted(p.run, err)
		return
	}
	l.handle(core.Executed{Run: p.run})
	if p.exit != nil {
		l.ended(p, *p.exit)
	}
}

func (l *loop) fork(f core.Fork) {
	defer l.rescue(f)
	s := f.Start
	failpoint("fork")
	c := l.launcher().launch(s)
	var proc spawn.Process
	var handshake *spawn.Handshake
	var err error
	if c.Output, err = l.recording.pipe(s); err == nil {
		failpoint("piped")
		proc, handshake, err = l.sys.start(s.Run, c)
	}
	if err != nil {
		l.notStarted(s.Run, err)
		return
	}
	failpoint("forked")
	l.sys.readClocks()
	l.forked++
	l.recording.started(s.Run)
	p := &process{Process: proc, run: s.Run, job: s.Job.Name, handshake: handshake}
	l.byRun[s.Run], l.byPID[proc.PID] = p, p
	l.keeping.grow(p, l.sys.now().Mono+keepAge)
	l.repoll = l.repoll || handshake != nil
	l.handle(core.Forked{Run: s.Run, PID: proc.PID, Inode: proc.Inode, PIDStart: proc.Start, Executing: handshake == nil})
}

func (l *loop) notStarted(run uint64, err error) {
	l.recording.notStarted(run)
	var e *spawn.Error
	if !errors.As(err, &e) {
		e = &spawn.Error{Stage: "fork", Errno: syscall.EINVAL}
	}
	if e.Errno == syscall.EMFILE || e.Errno == syscall.ENFILE {
		for l.sys.shrink() { // free leaves have descriptors
		}
	}
	if e.Transient() || e.Busy() { // the next attempt may come under the next daemon
		l.sys.unforked(run)
	}
	l.handle(core.NotStarted{Run: run, Text: err.Error(), Weather: e.Transient(), Busy: e.Busy(),
		Error: statefile.StartError{Stage: e.Stage, Errno: spawn.ErrnoName(e.Errno), Path: e.Path, Text: err.Error()}})
}

func (l *loop) signal(e core.Signal) {
	p := l.byRun[e.Run]
	if p == nil {
		return
	}
	if p.gone && e.Leader {
		return
	}
	if p.gone {
		l.searcher.in.put(searchRequest{search: l.search(p, e.Far), signal: spawn.SignalNumber(e.Name)})
		return
	}
	if e.Leader && p.exit != nil { // the pid may belong to another process by now
		return
	}
	send := l.sys.signal
	if e.Leader {
		send = l.sys.signalLeader
	}
	err := send(p.Process, spawn.SignalNumber(e.Name))
	if err != nil && !errors.Is(err, spawn.ErrGroupEmpty) {
		l.log.Error("cannot signal", "run", e.Run, "pid", p.PID, "signal", e.Name, "err", err)
	}
	if e.Far {
		l.searcher.in.put(searchRequest{search: l.search(p, true), signal: spawn.SignalNumber(e.Name)})
	}
}

// probe checks the group at once. Only the searcher can find processes outside of it.
func (l *loop) probe(e core.Probe) {
	p := l.byRun[e.Run]
	if p == nil {
		return
	}
	if p.gone {
		l.searcher.in.put(searchRequest{search: l.search(p, e.Far), signal: 0})
		return
	}
	_, group := l.sys.left(&p.Process)
	switch {
	case group:
		l.handle(core.Probed{Run: e.Run, Left: 1})
	case e.Far:
		l.searcher.in.put(searchRequest{search: l.search(p, true), signal: 0})
	default:
		l.handle(core.Probed{Run: e.Run})
	}
}

// search describes a run to the searcher: all its processes, or only its group.
func (l *loop) search(p *process, far bool) spawn.Search {
	return spawn.Search{Run: p.run, Tag: ownershipTag(l.core.ID(), p.job, p.run), Leader: p.ForSearch(), Gone: p.gone, Group: !far && !p.leaderless}
}

func (l *loop) release(run uint64) {
	p := l.byRun[run]
	if p == nil {
		return
	}
	delete(l.byRun, run)
	if l.byPID[p.PID] == p {
		delete(l.byPID, p.PID)
	}
	if p.handshake != nil {
		p.handshake.Close()
	}
	l.recording.unkeep(run)
	l.sys.release(p.Process)
	l.repoll = l.repoll || p.adopted || p.handshake != nil // otherwise it is not in the poll set
}

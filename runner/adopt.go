package runner

import (
	"jobsd/runner/core"
	"jobsd/spawn"
)

// fate is the state of a run's processes when a daemon starts.
type fate uint8

// gone        no process of it is alive
// leads       its leader is alive
// remains     its leader has ended, but leftovers may be alive
// leaderless  a process in its cgroup leaf is alive, but nobody knows the leader; it counts as alive until the leaf is empty
// sought      it has no leaf and no known pid, so only a look at all processes can find it; the searcher does that
const (
	gone fate = iota
	leads
	remains
	leaderless
	sought
)

// survivor is what the kernel knows about a run of the previous daemon.
type survivor struct {
	fate fate
	proc spawn.Process // if leads, remains or leaderless
}

// adopt looks for the processes of the previous daemon's runs. This loop must not wait, so slow searches go to the
// searcher, and the first load waits for its answer: until then nobody knows which runs are lost. If the state
// directory was copied, the processes belong to the daemon of the original.
func (l *loop) adopt(copied bool) {
	tags := map[string]core.Outlived{}
	for _, o := range l.core.Outliving() {
		if copied {
			l.adoptRun(o, survivor{fate: gone})
			continue
		}
		s := l.sys.survivor(o.Live)
		if s.fate == sought {
			tags[ownershipTag(l.core.ID(), o.Job, o.Run)] = o
			continue
		}
		l.adoptRun(o, s)
	}
	l.sys.sweep() // only now, because the existence of a leaf says something about its run
	if len(tags) > 0 {
		l.seekingLeaders = tags
		l.searcher.in.put(searchRequest{leaders: tags})
	}
}

// adoptRun tells the core what became of a run.
func (l *loop) adoptRun(o core.Outlived, s survivor) {
	child := s.fate == leads && l.inherits && spawn.IsChild(s.proc.PID)
	if s.fate != gone {
		p := &process{Process: s.proc, run: o.Run, job: o.Job, adopted: s.fate != remains && !child, gone: s.fate != leads,
			leaderless: s.fate == leaderless}
		l.byRun[o.Run] = p
		if child {
			l.byPID[p.PID] = p
		}
		l.repoll = true
	}
	l.handle(core.Adopted{Run: o.Run, Alive: s.fate == leads || s.fate == leaderless, Remains: s.fate == remains, Child: child,
		PID: s.proc.PID, Inode: s.proc.Inode, PIDStart: s.proc.Start})
}

// found handles the answer of the searcher.
func (l *loop) found(leaders map[string]spawn.Process) {
	for tag, o := range l.seekingLeaders {
		s := survivor{}
		if p, ok := leaders[tag]; ok {
			s = survivor{leads, p}
		}
		l.adoptRun(o, s)
	}
	l.seekingLeaders = nil
}

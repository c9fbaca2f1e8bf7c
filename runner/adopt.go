package runner

import (
	"maps"
	"slices"

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
// unforked    it certainly never had a process that became its program
const (
	gone fate = iota
	leads
	remains
	leaderless
	sought
	unforked
)

// survivor is what the kernel knows about a run of the previous daemon.
type survivor struct {
	fate   fate
	proc   spawn.Process // if leads, remains or leaderless
	leader core.Leader   // as the journal or the evidence knows it, if it is of this boot
	forked bool          // it had a process, although nobody knows which
}

// adopt looks for the processes of the previous daemon's runs. This loop must not wait, so slow searches go to the
// searcher, and the first load waits for its answer: until then nobody knows which runs are lost. If the state
// directory was copied, the processes belong to the daemon of the original.
func (l *loop) adopt(copied bool) {
	tags := map[string]*process{}
	for job, live := range l.core.Outliving() {
		p := &process{run: live.Run, job: job}
		if copied {
			l.adoptRun(p, survivor{fate: gone})
			continue
		}
		s := l.sys.survivor(live)
		if s.fate == sought {
			tags[ownershipTag(l.core.ID(), job, live.Run)] = p
			continue
		}
		if !l.await(p, s) {
			l.adoptRun(p, s)
		}
	}
	l.sys.sweep() // only now, because the existence of a leaf says something about its run
	if len(tags) > 0 {
		l.seekingLeaders = tags
		l.searcher.in.put(searchRequest{leaders: slices.Collect(maps.Keys(tags))})
	}
}

// adoptRun tells the core what became of a run.
func (l *loop) adoptRun(p *process, s survivor) {
	child := s.fate == leads && l.inherits && spawn.IsChild(s.proc.PID)
	if s.fate != gone && s.fate != unforked {
		p.Process, p.adopted, p.gone, p.leaderless = s.proc, s.fate != remains && !child, s.fate != leads, s.fate == leaderless
		l.byRun[p.run] = p
		l.keeping.grow(p, 0)
		if child {
			l.byPID[p.PID] = p
		}
		l.repoll = true
	}
	if s.fate == leads || s.fate == leaderless {
		l.handle(core.Found{Run: p.run, Child: child, Leader: core.Leader{PID: p.PID, Inode: p.Inode, PIDStart: p.Start}})
	} else {
		l.handle(core.Gone{Run: p.run, Remains: s.fate == remains, Unforked: s.fate == unforked, Forked: s.forked, Leader: s.leader})
	}
}

// found handles the answer of the searcher.
func (l *loop) found(leaders map[string]spawn.Process) {
	for tag, p := range l.seekingLeaders {
		s := survivor{}
		if leader, ok := leaders[tag]; ok {
			s = survivor{fate: leads, proc: leader}
		}
		l.adoptRun(p, s)
	}
	l.seekingLeaders = nil
}

package runner

import (
	"jobsd/runner/core"
	"jobsd/spawn"
)

// fate is what became of a run while no daemon looked after it.
type fate uint8

// gone      nothing of it lives
// leads     its leader lives
// remains   its leader has ended, and something that it left behind may live
// leaderless something lives in its leaf, and nobody can tell which process leads it: it counts as alive until the leaf
// is empty
// sought    it has no leaf, and no pid is known: only a look at all processes tells, which is for the hunter
const (
	gone fate = iota
	leads
	remains
	leaderless
	sought
)

// survivor is what the kernel knows of a run of the daemon before this one.
type survivor struct {
	fate fate
	proc spawn.Process // if leads, remains or leaderless
}

// adopt looks for the processes of the runs that outlived the daemon before this one. None of that can wait for anybody;
// what can is left to the hunter, and the first load waits for its answer: until then nobody knows which runs are lost.
// The processes that a copied state directory knows of belong to the daemon of the original.
func (l *loop) adopt(copied bool) {
	marks := map[string]core.Outlived{}
	for _, o := range l.core.Outliving() {
		if copied {
			l.takeOn(o, survivor{fate: gone})
			continue
		}
		s := l.sys.survivor(o.Live)
		if s.fate == sought {
			marks[mark(l.core.ID(), o.Job, o.Run)] = o
			continue
		}
		l.takeOn(o, s)
	}
	l.sys.sweep() // after that look: that there is a leaf says something of its run
	if len(marks) > 0 {
		l.seeking = marks
		l.hunter.in.put(quest{seek: marks})
	}
}

// takeOn tells the core what became of a run.
func (l *loop) takeOn(o core.Outlived, s survivor) {
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

// found takes on what the hunter was asked to look for.
func (l *loop) found(leaders map[string]spawn.Process) {
	for mark, o := range l.seeking {
		s := survivor{}
		if p, ok := leaders[mark]; ok {
			s = survivor{leads, p}
		}
		l.takeOn(o, s)
	}
	l.seeking = nil
}

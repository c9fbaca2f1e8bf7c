package core

import (
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// gate says whether a run may start beside the runs that are alive. It counts what these occupy, and knows nothing else
// of them.
type gate struct {
	most     int // the number of runs that may be alive at once, services not counted; 0: no limit
	share    int // the number of catch-up runs that may be alive at once
	starting int // runs that have an intent but no process yet
	running  int // runs that are alive, except services
	catching int // catch-up runs that are alive
	locks    map[string]uint64
	inside   map[uint64]claim
	asked    int // how often it was asked, which tests limit
}

// claim is what a run occupies as long as a process of it is alive.
type claim struct {
	lock    string // "": none
	service bool
	catchUp bool
}

// candidate is a pending run that wants to start.
type candidate struct {
	claim
	number    uint64
	queues    bool          // it starts in the order of the runs of its job
	alone     bool          // it starts only when no other run of its job is alive
	notBefore time.Duration // for a catch-up run: the earliest time, monotonic
}

// sibling is another run of the same job, as the gate sees it.
type sibling struct {
	number uint64
	stage  stage
	queues bool
	why    statefile.Why // what it waits for
}

type stage uint8

const (
	waits stage = iota
	lives
	drains // its outcome is known, but processes that it left behind are alive
)

// why returns what a run must wait for, or "" if nothing holds it back, and what can change that.
func (g *gate) why(r candidate, siblings []sibling, now time.Duration) (statefile.Why, wait) {
	for _, other := range siblings {
		switch {
		case other.stage == waits:
			if other.number < r.number && other.queues && r.queues {
				return other.why, forItself // keep the order of slots: a record of a later slot would settle the earlier one, too
			}
		case other.stage == drains:
			return statefile.WhyDraining, forItself
		case r.alone:
			return statefile.WhyOverlap, forItself
		}
	}
	if _, inside := g.inside[r.number]; inside { // its fork has failed, and it kept its place
		return "", forItself
	}
	switch {
	case g.locks[r.lock] != 0:
		return statefile.WhyLock, forLock
	case g.full() && !r.service:
		return statefile.WhyMaxRunning, forPlace
	case r.catchUp && (now < r.notBefore || !g.shares()): // a boot or a resume makes many due all at once
		return statefile.WhyCatchUp, forShare
	}
	return "", forItself
}

// full reports whether there is no place for a run, except that of a service.
func (g *gate) full() bool { return g.most > 0 && g.running >= g.most }

// shares reports whether there is room for another catch-up run.
func (g *gate) shares() bool { return g.catching < g.share }

// enter takes what a run occupies. A run that an earlier daemon started may find its lock taken.
func (g *gate) enter(run uint64, c claim) {
	if _, inside := g.inside[run]; inside {
		return
	}
	g.inside[run] = c
	if c.lock != "" && g.locks[c.lock] == 0 {
		g.locks[c.lock] = run
	}
	g.count(c, 1)
}

// leave gives it back, and returns the lock that the run had, if any.
func (g *gate) leave(run uint64) (lock string) {
	c, inside := g.inside[run]
	if !inside {
		return ""
	}
	delete(g.inside, run)
	if g.locks[c.lock] == run {
		delete(g.locks, c.lock)
	}
	g.count(c, -1)
	return c.lock
}

func (g *gate) count(c claim, by int) {
	if c.catchUp {
		g.catching += by
	}
	if !c.service {
		g.running += by
	}
}

// room says how the overlap key lets a new run in beside the other runs of its job.
type room uint8

const (
	noRoom  room = iota
	hasRoom      // perhaps only in the queue
	replace      // after the other runs have been stopped
)

func roomBeside(siblings []sibling, overlap jobfile.Overlap) room {
	busy, queued := false, false
	for _, s := range siblings {
		busy = busy || s.stage != drains
		queued = queued || s.stage == waits
	}
	switch {
	case !busy, overlap == jobfile.Allow, overlap == jobfile.Queue && !queued:
		return hasRoom
	case overlap == jobfile.Replace:
		return replace
	}
	return noRoom
}

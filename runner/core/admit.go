package core

import (
	"slices"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// maxStarting is how many runs may be between intent and process at once. Each holds a log open. Without a limit, a
// slow disk would delay their intents so long that they start unjournaled.
const maxStarting = 256

// admitStep is how many runs are let in at once when the limit is reached. One at a time, each would cost its own message
// to the disk.
const admitStep = 64

// whyBroken stands for a panic, which drops the run.
const whyBroken statefile.Why = "internal_error"

// admit lets in the pending runs that nothing holds back, ordered by slot and then by name.
func (c *Core) admit() {
	if c.gate.starting > maxStarting-admitStep {
		return // the next start comes back here
	}
	for c.gate.starting < maxStarting {
		r := c.pending.next(&c.gate)
		if r == nil {
			return
		}
		why, wait := c.askGate(r)
		switch {
		case why == "":
			c.move(r.number, evAdmit, nil)
		case r.state != pending: // an internal error dropped it
		default:
			c.holdBack(r, why, wait)
		}
	}
}

// askGate returns what a pending run waits for, or "" if nothing holds it back, and what asks the gate again.
func (c *Core) askGate(r *run) (why statefile.Why, wait wait) {
	c.turn.inHand = r.job.name
	why = whyBroken
	defer c.rescueRun(r, evAdmit)
	if r.timer.set() {
		return r.why, forItself // after a failed fork, before a retry, or after a short run of a service
	}
	c.gate.asked++
	var few [4]sibling
	wants := r.candidate()
	r.lock = wants.lock
	why, wait = c.gate.why(wants, r.job.siblings(few[:0], r), c.now.Mono)
	if wait == forShare && c.now.Mono < r.notBefore {
		c.setTimer(&r.timer, mono, int64(r.notBefore))
		wait = forItself
	}
	return why, wait
}

// holdBack makes a run wait.
func (c *Core) holdBack(r *run, why statefile.Why, wait wait) {
	c.pending.hold(r, wait)
	if wait == forItself {
		c.passOn(r.lock)
	}
	if r.why != why {
		r.why = why
		c.markDirty(r.job)
		c.askSiblings(r) // they may wait for the same
	}
}

// askSiblings asks the gate again about the pending runs of a job that wait for another of its runs, which has changed.
func (c *Core) askSiblings(changed *run) {
	for _, r := range changed.job.runs {
		if r != changed && r.state == pending && r.queue == nil {
			c.pending.ask(r)
		}
	}
}

// passOn asks the gate about the first runs that wait for a lock, if it is free. The lock is not passed on from a run that
// now waits only for a place, because the runs behind it would wait for that, too.
func (c *Core) passOn(lock string) {
	if lock != "" && c.gate.locks[lock] == 0 {
		c.pending.passOn(lock)
	}
}

// askAll asks the gate again about all pending runs, because a load may have changed everything.
func (c *Core) askAll() {
	for _, r := range c.runs {
		if r.state == pending {
			c.pending.ask(r)
		}
	}
}

// waiting returns the number of pending runs.
func (c *Core) waiting() (n int) {
	for _, r := range c.runs {
		if r.state == pending {
			n++
		}
	}
	return n
}

// makeRoom decides whether a job gets a new run beside its live runs, and stops those if overlap says so.
func (c *Core) makeRoom(j *job) bool {
	if len(j.runs) == 0 {
		return true
	}
	c.dropRetries(j)
	room := roomBeside(j.siblings(nil, nil), j.def.Overlap)
	if room == replace {
		for _, r := range slices.Clone(j.runs) {
			c.skip(r, statefile.CauseReplaced)
			c.stop(r, "replace")
		}
	}
	return room != noRoom
}

func (r *run) claim() claim {
	return claim{lock: r.def.Lock, service: r.def.KeepAlive != nil, catchUp: r.reason == statefile.ReasonCatchUp}
}

func (r *run) candidate() candidate {
	return candidate{claim: r.claim(), number: r.number, queues: r.queues(), alone: r.alone || r.def.Overlap != jobfile.Allow,
		notBefore: r.notBefore}
}

// siblings appends the runs of the job other than r, as the gate sees them.
func (j *job) siblings(list []sibling, r *run) []sibling {
	for _, other := range j.runs {
		switch {
		case other == r:
		case other.state == pending:
			list = append(list, sibling{number: other.number, stage: waits, queues: other.queues(), why: other.why})
		case other.state.ended():
			list = append(list, sibling{number: other.number, stage: drains})
		default:
			list = append(list, sibling{number: other.number, stage: lives})
		}
	}
	return list
}

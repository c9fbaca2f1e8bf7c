package core

import (
	"cmp"
	"slices"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// maxStarting is how many runs may be between intent and process at once. Each holds a log open. Without a limit, a
// slow disk would delay their intents so long that they start unjournaled.
const maxStarting = 256

// admitStep is how many runs are let in at once when the limit is reached. One at a time, each would cost a look at all
// that wait, and its own message to the disk.
const admitStep = 64

// whyBroken stands for a panic, which drops the run.
const whyBroken statefile.Why = "internal_error"

// waitlist holds the pending runs that were not let in yet.
type waitlist struct {
	runs     []*run
	look     bool // the gate may let one of them in now
	unsorted bool
}

func (w *waitlist) add(r *run) {
	w.runs = append(w.runs, r)
	w.look, w.unsorted = true, true
}

// lookAgain makes the end of the turn ask the gate again.
func (w *waitlist) lookAgain() { w.look = len(w.runs) > 0 }

// inOrder returns the runs ordered by slot, then by name.
func (w *waitlist) inOrder() []*run {
	if w.unsorted {
		w.unsorted = false
		slices.SortStableFunc(w.runs, func(a, b *run) int {
			return cmp.Or(a.slot.Time().Compare(b.slot.Time()), cmp.Compare(a.job.name, b.job.name))
		})
	}
	return w.runs
}

// admit lets in the pending runs that nothing holds back.
func (c *Core) admit() {
	if c.gate.starting > maxStarting-admitStep {
		return // the next start looks again
	}
	c.pending.look = false
	all := c.pending.inOrder()
	held := all[:0]
	for i, r := range all {
		if c.gate.starting >= maxStarting {
			held = append(held, all[i:]...)
			break
		}
		if r.state != pending { // dropped
			continue
		}
		if why := c.askGate(r); why != "" {
			if r.state != pending { // an internal error dropped it
				continue
			}
			if r.why != why {
				r.why = why
				c.markDirty(r.job)
			}
			held = append(held, r)
			continue
		}
		c.move(r.number, evAdmit, nil)
	}
	clear(all[len(held):])
	c.pending.runs = held
}

// askGate returns what a pending run waits for, or "" if nothing holds it back.
func (c *Core) askGate(r *run) (why statefile.Why) {
	c.turn.inHand = r.job.name
	why = whyBroken
	defer c.rescueRun(r, evAdmit)
	if r.timer.set() {
		return r.why // after a failed fork, before a retry, or after a short run of a service
	}
	var few [4]sibling
	why = c.gate.why(r.candidate(), r.job.siblings(few[:0], r), c.now.Mono)
	if why == statefile.WhyCatchUp && c.now.Mono < r.notBefore {
		c.setTimer(&r.timer, mono, int64(r.notBefore))
	}
	return why
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

package core

import (
	"cmp"
	"container/heap"
)

// waitlist holds the pending runs that were not let in yet. A run that waits for something that other jobs occupy is in
// the queue for that. So the gate is asked about a run only when the run may go in, and a herd of runs costs no more for
// each run than a single run does. A run that waits for its timer or for other runs of its job is in no queue.
type waitlist struct {
	added  []*run           // the gate must be asked about them; their slots are not known yet
	asking queue            // the same, in order
	place  queue            // wait for max_running
	share  queue            // wait for the end of another catch-up run
	locks  map[claim]*queue // wait for a lock
}

// wait says what makes the core ask the gate about a run again.
type wait uint8

const (
	forItself wait = iota // its timer, or a change of another run of its job
	forLock               // the end of the run that has the lock
	forPlace              // the end of any run
	forShare              // the end of any catch-up run
)

// queue is a heap of runs that wait for the same, ordered by slot, then by name.
type queue struct {
	runs []*run
	lock claim // of these runs, if it is the queue for a lock
}

func (q *queue) Len() int { return len(q.runs) }

func (q *queue) Less(a, b int) bool { return before(q.runs[a], q.runs[b]) }

func (q *queue) Swap(a, b int) {
	q.runs[a], q.runs[b] = q.runs[b], q.runs[a]
	q.runs[a].place, q.runs[b].place = a, b
}

func (q *queue) Push(x any) {
	r := x.(*run)
	r.queue, r.place = q, len(q.runs)
	q.runs = append(q.runs, r)
}

func (q *queue) Pop() any {
	n := len(q.runs) - 1
	r := q.runs[n]
	q.runs[n] = nil
	q.runs = q.runs[:n]
	r.queue = nil
	return r
}

func before(a, b *run) bool {
	return cmp.Or(a.slot.Time().Compare(b.slot.Time()), cmp.Compare(a.job.name, b.job.name), cmp.Compare(a.number, b.number)) < 0
}

// ask makes the end of the turn ask the gate about a run.
func (w *waitlist) ask(r *run) {
	if r.toAsk || r.queue == &w.asking {
		return
	}
	w.remove(r)
	r.toAsk = true
	w.added = append(w.added, r)
}

// next removes and returns the first run that may be let in now, or nil if there is none.
func (w *waitlist) next(g *gate) (first *run) {
	for _, r := range w.added {
		if r.toAsk = false; r.state == pending { // otherwise it was dropped
			heap.Push(&w.asking, r)
		}
	}
	clear(w.added)
	w.added = w.added[:0]
	look := func(q *queue) {
		if len(q.runs) > 0 && (first == nil || before(q.runs[0], first)) {
			first = q.runs[0]
		}
	}
	look(&w.asking)
	if !g.full() {
		look(&w.place)
		if g.shares() {
			look(&w.share)
		}
	}
	if first != nil {
		w.remove(first)
	}
	return first
}

// hold puts a run into the queue of what it waits for.
func (w *waitlist) hold(r *run, why wait) {
	switch why {
	case forLock:
		c := r.claim()
		if w.locks[c] == nil {
			if w.locks == nil {
				w.locks = map[claim]*queue{}
			}
			w.locks[c] = &queue{lock: c}
		}
		heap.Push(w.locks[c], r)
	case forPlace:
		heap.Push(&w.place, r)
	case forShare:
		heap.Push(&w.share, r)
	}
}

// remove removes a run from its queue.
func (w *waitlist) remove(r *run) {
	q := r.queue
	if q == nil {
		return
	}
	if heap.Remove(q, r.place); len(q.runs) == 0 {
		delete(w.locks, q.lock)
	}
}

// passOn asks the gate about the first runs that wait for a lock. Runs of services wait for no place, and runs that catch
// up also wait for others of their kind, so there is a queue for each.
func (w *waitlist) passOn(lock string) {
	for _, c := range []claim{{lock: lock}, {lock: lock, service: true}, {lock: lock, catchUp: true}} {
		if q := w.locks[c]; q != nil {
			w.ask(q.runs[0])
		}
	}
}

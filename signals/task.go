package signals

import (
	"container/heap"
	"time"
)

// task is a post that waits for its time.
type task[T any] struct {
	value T
	at    time.Duration
	every time.Duration // 0: only once
	order uint64        // the order of tasks that are due at the same time
}

// tasks is a heap with the earliest task on top. Only the loop uses it; Take moves the posts of other goroutines into
// it.
type tasks[T any] struct {
	list []task[T]
	last uint64
}

func (h *tasks[T]) Len() int { return len(h.list) }
func (h *tasks[T]) Less(a, b int) bool {
	if h.list[a].at != h.list[b].at {
		return h.list[a].at < h.list[b].at
	}
	return h.list[a].order < h.list[b].order
}
func (h *tasks[T]) Swap(a, b int) { h.list[a], h.list[b] = h.list[b], h.list[a] }
func (h *tasks[T]) Push(x any)    { h.list = append(h.list, x.(task[T])) }
func (h *tasks[T]) Pop() any {
	n := len(h.list) - 1
	last := h.list[n]
	h.list[n] = task[T]{} // release the value for the garbage collector
	h.list = h.list[:n]
	return last
}

func (h *tasks[T]) add(t task[T]) {
	h.last++
	t.order = h.last
	heap.Push(h, t)
}

// due appends the values whose time has come. A repeating task that missed several of its times comes once, and then
// again at its next time.
func (h *tasks[T]) due(now time.Duration, values []T) []T {
	for len(h.list) > 0 && h.list[0].at <= now {
		t := heap.Pop(h).(task[T])
		values = append(values, t.value)
		if t.every > 0 {
			t.at += (now-t.at)/t.every*t.every + t.every
			h.add(t)
		}
	}
	return values
}

// Next returns the time at which the earliest task is due; false if there is no task. Only the loop calls it.
func (p *Pump[T]) Next() (at time.Duration, ok bool) {
	if len(p.tasks.list) == 0 {
		return 0, false
	}
	return p.tasks.list[0].at, true
}

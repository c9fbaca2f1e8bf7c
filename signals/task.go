package signals

import (
	"container/heap"
	"time"
)

// task is a post that waits for its time.
type task[T any] struct {
	value T
	at    time.Duration
	every time.Duration // 0: once
	order uint64        // of those due at the same time
}

// tasks is a heap, the earliest first. It is the loop's own: what others post comes to it by Take.
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
	h.list[n] = task[T]{} // what it leads to is free
	h.list = h.list[:n]
	return last
}

func (h *tasks[T]) add(t task[T]) {
	h.last++
	t.order = h.last
	heap.Push(h, t)
}

// due appends the values whose time has come. What repeats and was missed several times comes once, and again at the
// next of its times.
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

// Next returns when the earliest task is due; false if there is none. Only the loop calls it.
func (p *Pump[T]) Next() (at time.Duration, ok bool) {
	if len(p.tasks.list) == 0 {
		return 0, false
	}
	return p.tasks.list[0].at, true
}

package core

import (
	"container/heap"
	"math"
	"time"
)

// clock is the clock that a timer uses.
type clock uint8

const (
	wall clock = iota // nanoseconds since 1970
	boot
	mono
	nClocks
)

// ringer is the owner of a timer.
type ringer interface{ ring(c *Core) }

// timer is one deadline. It belongs to one job or run and is in at most one heap.
type timer struct {
	owner    ringer
	deadline int64 // nanoseconds of its clock
	clock    clock
	index    int32 // the position in its heap, counted from 1; 0 = not set
}

func (t *timer) set() bool { return t.index > 0 }

// timers is the heap of one clock. Each clock has its own heap, because deadlines of different clocks cannot be
// compared. So a step of the wall clock or a sleep reorders nothing.
type timers []*timer

func (h timers) Len() int           { return len(h) }
func (h timers) Less(a, b int) bool { return h[a].deadline < h[b].deadline }
func (h timers) Swap(a, b int) {
	h[a], h[b] = h[b], h[a]
	h[a].index, h[b].index = int32(a+1), int32(b+1)
}
func (h *timers) Push(x any) {
	t := x.(*timer)
	t.index = int32(len(*h) + 1)
	*h = append(*h, t)
}
func (h *timers) Pop() any {
	n := len(*h) - 1
	t := (*h)[n]
	(*h)[n] = nil
	*h = (*h)[:n]
	t.index = 0
	return t
}

// setTimer sets t or changes its deadline.
func (c *Core) setTimer(t *timer, on clock, deadline int64) {
	if t.set() && t.clock == on {
		if t.deadline != deadline {
			t.deadline = deadline
			heap.Fix(&c.timers[on], int(t.index-1))
		}
		return
	}
	c.stopTimer(t)
	t.clock, t.deadline = on, deadline
	heap.Push(&c.timers[on], t)
}

func (c *Core) stopTimer(t *timer) {
	if t.set() {
		heap.Remove(&c.timers[t.clock], int(t.index-1))
	}
}

// nanos is UnixNano for times that may be later than the year 2262, where an int64 of nanoseconds ends. An `at` in the
// year 3000 is one.
func nanos(t time.Time) int64 {
	if t.Unix() >= math.MaxInt64/int64(time.Second) {
		return math.MaxInt64
	}
	return t.UnixNano()
}

// after sets t to ring after d on the monotonic clock.
func (c *Core) after(t *timer, d time.Duration) { c.setTimer(t, mono, int64(c.now.Mono+d)) }

func (c *Core) reading(on clock) int64 {
	switch on {
	case wall:
		return c.now.Wall.UnixNano()
	case boot:
		return int64(c.now.Boot)
	}
	return int64(c.now.Mono)
}

// ringDue rings every timer whose deadline has passed, or the most of them that it may.
func (c *Core) ringDue(most int) {
	rung := 0
	for on := range nClocks {
		for h := &c.timers[on]; c.overdue(on); {
			if rung == most && most > 0 {
				return
			}
			rung++
			heap.Pop(h).(*timer).owner.ring(c)
		}
	}
}

func (c *Core) overdue(on clock) bool {
	h := c.timers[on]
	return len(h) > 0 && h[0].deadline <= c.reading(on)
}

// Overdue reports whether the last Due has left a timer that is due.
func (c *Core) Overdue() bool { return c.overdue(wall) || c.overdue(boot) || c.overdue(mono) }

// Never is the deadline of a clock on which nothing is due.
const Never = time.Duration(math.MaxInt64)

// Wait says how long nothing is due: until Wall on the wall clock (zero: no limit), until Boot on the boot clock, and
// for at most For on the monotonic clock (negative: no limit).
type Wait struct {
	Wall time.Time
	Boot time.Duration
	For  time.Duration
}

// Wait returns how long the shell may wait.
func (c *Core) Wait() Wait {
	w := Wait{Boot: Never, For: -1}
	if h := c.timers[wall]; len(h) > 0 {
		w.Wall = time.Unix(0, h[0].deadline)
	}
	if h := c.timers[boot]; len(h) > 0 {
		w.Boot = time.Duration(h[0].deadline)
	}
	if h := c.timers[mono]; len(h) > 0 {
		w.For = max(0, time.Duration(h[0].deadline-c.reading(mono)))
	}
	return w
}

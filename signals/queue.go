package signals

import "sync/atomic"

// Queue hands values from any goroutine to one that takes them. Put never waits, because the queue has no limit and no
// lock.
type Queue[T any] struct{ newest atomic.Pointer[queued[T]] }

type queued[T any] struct {
	value T
	older *queued[T]
	count int // of this value and all older ones
}

// Put adds a value.
func (q *Queue[T]) Put(v T) {
	for n := (&queued[T]{value: v}); ; {
		n.older, n.count = q.newest.Load(), 1
		if n.older != nil {
			n.count += n.older.count
		}
		if q.newest.CompareAndSwap(n.older, n) {
			return
		}
	}
}

// Take returns all values in the order in which they were put.
func (q *Queue[T]) Take() []T {
	n := q.newest.Swap(nil)
	if n == nil {
		return nil
	}
	values := make([]T, n.count)
	for ; n != nil; n = n.older {
		values[n.count-1] = n.value
	}
	return values
}

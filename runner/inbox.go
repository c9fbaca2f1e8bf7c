package runner

import "sync/atomic"

// inbox carries messages from the loop to a helper. Put never waits, even if the helper is stuck: the list has no limit
// and no lock.
type inbox[T any] struct {
	head atomic.Pointer[node[T]]
	wake chan struct{} // capacity 1: if it is full, the helper will look anyway
}

type node[T any] struct {
	next *node[T]
	body T
}

func newInbox[T any]() *inbox[T] { return &inbox[T]{wake: make(chan struct{}, 1)} }

func (b *inbox[T]) put(body T) {
	l := &node[T]{body: body}
	for {
		l.next = b.head.Load()
		if b.head.CompareAndSwap(l.next, l) {
			break
		}
	}
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// take returns all messages in the order in which they were put.
func (b *inbox[T]) take() []T {
	var n int
	for l := b.head.Load(); l != nil; l = l.next {
		n++
	}
	l := b.head.Swap(nil)
	all := make([]T, 0, n)
	for ; l != nil; l = l.next {
		all = append(all, l.body)
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

package runner

import "jobsd/signals"

// inbox carries messages from the loop to a helper. The loop never waits for a helper that is stuck.
type inbox[T any] struct {
	signals.Queue[T]
	wake chan struct{} // capacity 1: if it is full, the helper will look anyway
}

func newInbox[T any]() *inbox[T] { return &inbox[T]{wake: make(chan struct{}, 1)} }

func (b *inbox[T]) put(body T) {
	b.Put(body)
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

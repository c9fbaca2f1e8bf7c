package notify

import "context"

// within returns what a function returns that may wait for a disk, or nil if ctx ends before that. A panic in the function
// is one in the caller, where it costs only one message.
func within[T any](ctx context.Context, read func() T) *T {
	type outcome struct {
		value T
		panic any
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			o.panic = recover()
			done <- o
		}()
		o.value = read()
	}()
	select {
	case o := <-done:
		if o.panic != nil {
			panic(o.panic)
		}
		return &o.value
	case <-ctx.Done():
		return nil
	}
}

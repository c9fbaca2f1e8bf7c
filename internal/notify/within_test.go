package notify

import (
	"context"
	"testing"
)

func TestWithin(t *testing.T) {
	if got := within(context.Background(), func() int { return 7 }); got == nil || *got != 7 {
		t.Errorf("got %v", got)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	hang := make(chan struct{})
	defer close(hang)
	if got := within(ctx, func() int { <-hang; return 7 }); got != nil {
		t.Errorf("got %v of a function that hangs", *got)
	}
	defer func() {
		if p := recover(); p != "a bug" {
			t.Errorf("recovered %v", p)
		}
	}()
	within(context.Background(), func() int { panic("a bug") })
}

package recorder

import (
	"sync"
	"testing"
)

// An end whose close takes for ever does not keep those behind it open.
func TestCloserHeldUp(t *testing.T) {
	held, closed := make(chan bool), make(chan int)
	var done sync.WaitGroup
	done.Add(1)
	real := closeEnd
	closeEnd = func(fd int) error {
		if fd == 2 {
			defer done.Done()
			<-held
			return nil
		}
		closed <- fd
		return nil
	}
	defer func() { closeEnd = real }()
	var c Closer
	for fd := range mostOpen + 1 {
		c.Close(fd)
	}
	c.Flush()
	c.Flush()
	seen := map[int]bool{}
	for range mostOpen {
		seen[<-closed] = true
	}
	if len(seen) != mostOpen || seen[2] {
		t.Errorf("closed %d ends, want %d and not the one that is held up", len(seen), mostOpen)
	}
	close(held)
	done.Wait()
}

package recorder

import (
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// Closer closes ends of pipes beside the goroutine that has it. That one must not wait for it: a process of a run can
// lock its pipe for as long as it likes, see [server.takeOver], and the last close of an end waits for the lock.
//
// The ends are closed by another goroutine, many at a time: a thousand runs that end together shall not start a thousand
// goroutines.
type Closer struct{ list []int }

const (
	// mostOpen is how many ends wait for the next Flush.
	mostOpen = 64
	// closePatience is how long a close may take until another goroutine continues with the ends behind it.
	closePatience = 100 * time.Millisecond
)

// Close closes an end at the next Flush, or now if many wait for it.
func (c *Closer) Close(fd int) {
	if c.list = append(c.list, fd); len(c.list) >= mostOpen {
		c.Flush()
	}
}

// Flush begins to close the ends that wait for it.
func (c *Closer) Flush() {
	if len(c.list) == 0 {
		return
	}
	b := &closing{list: c.list}
	c.list = nil
	b.timer = time.AfterFunc(closePatience, b.takeOver)
	go b.work()
}

// closeEnd closes an end. Only a test changes it.
var closeEnd = unix.Close

// closing is a list of ends that one goroutine or more close.
type closing struct {
	list  []int
	next  atomic.Int64
	seen  int64 // next when the timer fired last
	timer *time.Timer
}

func (b *closing) work() {
	for {
		n := int(b.next.Add(1)) - 1
		if n >= len(b.list) {
			b.timer.Stop()
			return
		}
		closeEnd(b.list[n])
	}
}

// takeOver continues behind an end whose close takes too long.
func (b *closing) takeOver() {
	next := b.next.Load()
	if next >= int64(len(b.list)) {
		return
	}
	if next == b.seen {
		go b.work()
	}
	b.seen = next
	b.timer.Reset(closePatience)
}

// Package signals wakes the loop. It turns Unix signals into pending bits, accepts posts from other goroutines, and
// makes one file descriptor readable when the loop has something to take. It does not know what a signal means.
package signals

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// Set is a bitmask of pending signals, bit n for signal n (1..31). Signals are hints and merge: a bit says "at least
// one", never how many.
type Set uint32

// Has reports whether sig is pending.
func (s Set) Has(sig syscall.Signal) bool { return sig > 0 && sig < 32 && s&(1<<sig) != 0 }

// posted is the bit of the mask that says a post is waiting. No signal has number 0, so its bit is free.
const posted Set = 1

// Pump collects signals and posts for one loop. Any goroutine may call Post; only the loop may call Take.
//
// Three rules keep the pump from losing anything:
//   - The package os/signal drops a signal that does not fit into its channel, so one shared channel would lose a
//     TERM in a storm of CHLD. Each signal therefore has its own channel of capacity 1: a full channel means that the
//     signal is already pending.
//   - The pump writes a byte into the pipe only when the mask leaves zero. So the pipe cannot fill up, and a burst
//     causes one wake-up.
//   - Take empties the pipe before it takes the mask. In the other order, Take could swallow a byte that was written
//     between the two steps while its bit stays set, and the loop would sleep with that bit pending.
type Pump[T any] struct {
	read, write int
	pending     atomic.Uint32
	posts       Queue[T]
	channels    []chan os.Signal
	caught      Set
	forwarders  sync.WaitGroup
}

// New starts to catch sigs (each in 1..31) and returns their pump.
func New[T any](sigs ...syscall.Signal) (*Pump[T], error) {
	for _, sig := range sigs {
		if sig < 1 || sig > 31 {
			return nil, fmt.Errorf("cannot catch signal %d: not in 1..31", int(sig))
		}
	}
	p := &Pump[T]{}
	if err := p.openPipe(); err != nil {
		return nil, fmt.Errorf("cannot open self-pipe: %w", err)
	}
	for _, sig := range sigs {
		c := make(chan os.Signal, 1)
		p.channels = append(p.channels, c)
		p.caught |= 1 << sig
		p.forwarders.Go(func() { p.forward(c, 1<<sig) })
		signal.Notify(c, sig)
		if sig != syscall.SIGCHLD { // the kernel sends it; its sender is of no use
			watch(sig)
		}
	}
	return p, nil
}

// openPipe makes the self-pipe. Some systems lack pipe2(2), so a lock keeps a fork from inheriting the two
// descriptors before they are close-on-exec.
func (p *Pump[T]) openPipe() error {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return err
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			unix.Close(fds[0])
			unix.Close(fds[1])
			return err
		}
	}
	p.read, p.write = fds[0], fds[1]
	return nil
}

func (p *Pump[T]) forward(c <-chan os.Signal, bit Set) {
	for range c {
		p.mark(bit)
	}
}

func (p *Pump[T]) mark(bit Set) {
	if p.pending.Or(uint32(bit)) != 0 {
		return // a wake-up is already under way
	}
	for {
		// EAGAIN means that the pipe is full, and a full pipe wakes the loop too.
		if _, err := unix.Write(p.write, []byte{0}); err != unix.EINTR {
			return
		}
	}
}

// FD is readable when Take has something to return. The loop adds it to its poll set.
func (p *Pump[T]) FD() int { return p.read }

// Post hands v to the loop and wakes it. It never blocks and takes no lock.
func (p *Pump[T]) Post(v T) {
	p.posts.Put(v)
	p.mark(posted)
}

// Take returns the pending signals and the waiting posts in the order in which they were posted. Both results may be
// empty, because a wake-up is only a hint. Only the loop calls Take, when FD is readable.
func (p *Pump[T]) Take() (pending Set, values []T) {
	p.drain()
	pending = Set(p.pending.Swap(0))
	if pending&posted != 0 {
		values = p.posts.Take()
	}
	return pending &^ posted, values
}

func (p *Pump[T]) drain() {
	var b [64]byte
	for {
		n, err := unix.Read(p.read, b[:])
		if err != unix.EINTR && n < len(b) {
			return
		}
	}
}

// Leave makes this process ignore the signals of the pump, except those in keep, which get their default action. It
// returns the signals that were pending. An ignored signal stays ignored after an exec. The pump cannot be used
// afterwards, but a late Post does no harm.
func (p *Pump[T]) Leave(keep ...syscall.Signal) Set {
	var ignored []os.Signal
	for sig := syscall.Signal(1); sig < 32; sig++ {
		if p.caught.Has(sig) && !slices.Contains(keep, sig) {
			ignored = append(ignored, sig)
		}
	}
	signal.Ignore(ignored...)
	for _, c := range p.channels {
		signal.Stop(c)
		close(c)
	}
	p.forwarders.Wait()
	return Set(p.pending.Load()) &^ posted
}

// Close stops catching the signals and closes the pipe. Do not call Post afterwards. A daemon does not need Close,
// because its pump lives as long as the process.
func (p *Pump[T]) Close() {
	for _, c := range p.channels {
		signal.Stop(c) // after this, os/signal sends nothing on c
		close(c)
	}
	p.forwarders.Wait()
	unix.Close(p.read)
	unix.Close(p.write)
}

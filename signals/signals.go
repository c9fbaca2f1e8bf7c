// Package signals wakes the loop: it turns Unix signals into pending bits, takes posts from other goroutines, and
// makes one file descriptor readable when there is something to take. It does not know what a signal means.
package signals

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Set is a bitmask of pending signals, bit n for signal n (1..31). Signals are hints and merge: a bit says "at least
// one", never how many.
type Set uint32

// Has reports whether sig is pending.
func (s Set) Has(sig syscall.Signal) bool { return sig > 0 && sig < 32 && s&(1<<sig) != 0 }

// posted marks a waiting post in the mask. No signal has number 0, so its bit is free.
const posted Set = 1

// Pump gathers signals and posts for one loop. Any goroutine may Post; only the loop may Take.
//
// Three rules keep it from losing anything:
//   - os/signal drops what does not fit into a channel, so a shared one loses a TERM amid a storm of CHLD. Each signal
//     has its own channel of capacity 1: full means that the signal is pending already.
//   - A byte goes into the pipe only when the mask leaves zero. So the pipe cannot fill, and a burst is one wake-up.
//   - Take empties the pipe before it takes the mask. The other way round, a byte written between the two would be
//     swallowed while its bit stays, and the loop would sleep on it.
type Pump[T any] struct {
	read, write int
	pending     atomic.Uint32
	posts       atomic.Pointer[post[T]] // newest first
	tasks       tasks[T]                // the loop's
	channels    []chan os.Signal
	caught      Set
	forwarders  sync.WaitGroup
}

type post[T any] struct {
	task[T]
	timed bool
	next  *post[T]
}

// New catches sigs (1..31 each) from now on and returns their pump.
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
		if sig != syscall.SIGCHLD { // nobody sends that one
			watch(sig)
		}
	}
	return p, nil
}

// openPipe makes the self-pipe. Not every system has pipe2(2): the lock keeps a fork from inheriting the two
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
		return // the loop is being woken already
	}
	for {
		// EAGAIN would mean a full pipe, which wakes as well as one byte more.
		if _, err := unix.Write(p.write, []byte{0}); err != unix.EINTR {
			return
		}
	}
}

// FD is readable when Take has something to give; it is for the loop's poll set.
func (p *Pump[T]) FD() int { return p.read }

// Post hands v to the loop and wakes it. It never blocks and takes no lock.
func (p *Pump[T]) Post(v T) { p.push(&post[T]{task: task[T]{value: v}}) }

// PostAt hands v to the loop when its clock has reached at and, if every is positive, each time that much later. It may
// be posted by anyone, at any time, as Post may.
func (p *Pump[T]) PostAt(v T, at, every time.Duration) {
	p.push(&post[T]{task: task[T]{value: v, at: at, every: every}, timed: true})
}

func (p *Pump[T]) push(n *post[T]) {
	for {
		n.next = p.posts.Load()
		if p.posts.CompareAndSwap(n.next, n) {
			break
		}
	}
	p.mark(posted)
}

// Take returns the signals that are pending, the posts that wait, in the order in which they were posted, and behind
// them those whose time has come, now being what the loop's clock reads. Both may be empty: a wake-up is a hint too. Only
// the loop calls it, when FD is readable or Next is due.
func (p *Pump[T]) Take(now time.Duration) (Set, []T) {
	p.drain()
	pending := Set(p.pending.Swap(0))
	var values []T
	if pending&posted != 0 {
		var posts []*post[T]
		for n := p.posts.Swap(nil); n != nil; n = n.next {
			posts = append(posts, n)
		}
		for _, n := range slices.Backward(posts) {
			if n.timed {
				p.tasks.add(n.task)
			} else {
				values = append(values, n.value)
			}
		}
	}
	return pending &^ posted, p.tasks.due(now, values)
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

// Leave has the signals of the pump ignored, but for those to be kept, which get their default action, and returns what
// was pending. What is ignored stays so over an exec. The pump is of no use any more, but whoever Posts does no harm.
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

// Close gives the signals back and frees the pipe. Nobody may Post any more. A daemon needs it not: its pump lives as
// long as it does.
func (p *Pump[T]) Close() {
	for _, c := range p.channels {
		signal.Stop(c) // nothing is sent on c after this
		close(c)
	}
	p.forwarders.Wait()
	unix.Close(p.read)
	unix.Close(p.write)
}

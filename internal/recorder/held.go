package recorder

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel locks a pipe while a process writes to it. If the process writes from memory that is a mapped file, and the
// file system of this file does not answer, the lock stays. Whoever reads from the pipe then waits, even if it is
// non-blocking, and no signal ends that. Any user who can mount a FUSE can do this to the pipe of a job.
//
// So another goroutine takes over the whole recorder if a call for a pipe takes too long. It leaves out this pipe. When
// the call returns after all, its goroutine hands over the result and ends.

// calls is the call for a pipe that the recorder is in, and those that take too long.
type calls struct {
	now    atomic.Pointer[call] // nil: the recorder is in none
	seen   *call                // the call that the recorder was in when the timer fired last
	armed  atomic.Bool          // the timer runs
	timer  *time.Timer          // takes over
	unused []int                // areas for input that no call has
	wake   [2]int               // a pipe that wakes the recorder when a call returns after all

	mu   sync.Mutex
	late []*call // those that did
}

// call is a call for the pipe of a run.
type call struct {
	run   *run
	area  int  // of the input that a read has; -1: it is no read
	alone bool // there is no other area, so nobody can take over
	n     int  // the result
	err   error
}

// callPatience is how long a call for a pipe may take, and at most twice as long. Usually it is a microsecond. Only a test
// changes it.
var callPatience = time.Second

func (s *server) prepareCalls() error {
	c := &s.calls
	if err := unix.Pipe(c.wake[:]); err != nil {
		return fmt.Errorf("cannot make a pipe: %w", err)
	}
	for _, fd := range c.wake {
		unix.CloseOnExec(fd)
		if err := unix.SetNonblock(fd, true); err != nil {
			return fmt.Errorf("cannot make a pipe: %w", err)
		}
	}
	for area := range maxAreas {
		if area != s.arena.area {
			c.unused = append(c.unused, area)
		}
	}
	c.timer = time.AfterFunc(time.Hour, s.watchCalls)
	c.timer.Stop()
	return s.wait.add(c.wake[0])
}

// enter stands before a call for the pipe of a run. The call is a read into the input, or does not touch the input.
func (s *server) enter(r *run, read bool) *call {
	c := &call{run: r, area: -1}
	if read {
		c.area, c.alone = s.arena.area, len(s.calls.unused) == 0
	}
	s.calls.now.Store(c)
	if !s.calls.armed.Swap(true) {
		s.calls.timer.Reset(callPatience)
	}
	return c
}

// watchCalls runs from time to time while there are calls. To set the timer for each call would cost more than the calls.
func (s *server) watchCalls() {
	c := s.calls.now.Load()
	if c != nil && c == s.calls.seen {
		s.takeOver(c)
		return
	}
	s.calls.seen = c
	if c == nil {
		s.calls.armed.Store(false)
		if s.calls.now.Load() == nil || s.calls.armed.Swap(true) {
			return
		}
	}
	s.calls.timer.Reset(callPatience)
}

// leave stands behind the call. It does not return if another goroutine has taken over.
func (s *server) leave(c *call, n int, err error) {
	if s.calls.now.CompareAndSwap(c, nil) {
		return
	}
	c.n, c.err = n, err
	s.calls.mu.Lock()
	s.calls.late = append(s.calls.late, c)
	s.calls.mu.Unlock()
	unix.Write(s.calls.wake[1], []byte{0})
	runtime.Goexit()
}

// takeOver continues the work of the recorder in this goroutine without the pipe that holds up the other one. What that
// one was about to do is done again, as it is written down in the server.
func (s *server) takeOver(c *call) {
	s.calls.seen = nil
	s.calls.armed.Store(false)
	if c.alone || !s.calls.now.CompareAndSwap(c, nil) {
		return // it has just returned
	}
	c.run.held = c
	if c.run.watched {
		s.wait.removePipe(c.run.fd)
	}
	c.run.watched = false
	if c.area >= 0 {
		s.arena.got()
		last := len(s.calls.unused) - 1
		s.arena.area, s.calls.unused = s.calls.unused[last], s.calls.unused[:last]
	}
	s.tellHeld(c.run)
	s.undone = true
	err := s.endTurn()
	if err == nil {
		err = s.work()
	}
	s.finished <- err
}

func (s *server) tellHeld(r *run) {
	s.send(Message{Kind: Trouble, Job: r.job, Text: fmt.Sprintf("the output of run %d of %s waits, because one of its processes blocks the pipe", r.number, r.job)})
}

// freed notes which calls have returned after all.
func (s *server) freed() {
	var buf [64]byte
	for n := 1; n > 0; {
		n, _ = unix.Read(s.calls.wake[0], buf[:])
	}
	s.undone = true
}

// useLate uses the results of calls that have returned after all.
func (s *server) useLate() {
	for !s.stuck {
		var c *call
		s.calls.mu.Lock()
		if len(s.calls.late) > 0 {
			c, s.calls.late = s.calls.late[0], s.calls.late[1:]
		}
		s.calls.mu.Unlock()
		if c == nil {
			return
		}
		s.use(c)
	}
}

func (s *server) use(c *call) {
	if r := c.run; r.held == c {
		r.held = nil
		s.send(Message{Kind: Trouble, Job: r.job})
		if c.area >= 0 {
			area := s.arena.area
			s.arena.area = c.area
			n := s.took(r, c.n, c.err)
			s.arena.area = area
			if r.left > 0 {
				r.left = max(0, r.left-n)
			}
		}
		if r.fd >= 0 && !r.watched {
			if r.watched = s.wait.addPipe(r.fd) == nil; !r.watched {
				s.closePipe(r)
			}
		}
	}
	if c.area >= 0 {
		s.calls.unused = append(s.calls.unused, c.area)
	}
}

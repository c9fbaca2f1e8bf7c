//go:build !linux

package recorder

import (
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// waiter waits for descriptors to become readable.
type waiter struct {
	sockets, pipes []unix.PollFd
	paused         bool
}

func newWaiter() (*waiter, error) { return &waiter{}, nil }

// add adds a socket.
func (w *waiter) add(fd int) error {
	w.sockets = append(w.sockets, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	return nil
}

// alsoWritable says whether next returns the socket when it is writable, too.
func (w *waiter) alsoWritable(fd int, also bool) error {
	for i := range w.sockets {
		if p := &w.sockets[i]; p.Fd == int32(fd) {
			p.Events = unix.POLLIN
			if also {
				p.Events |= unix.POLLOUT
			}
		}
	}
	return nil
}

// addPipe adds the read end of a pipe.
func (w *waiter) addPipe(fd int) error {
	w.pipes = append(w.pipes, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	return nil
}

// remove removes a socket.
func (w *waiter) remove(fd int) { w.sockets = without(w.sockets, fd) }

// removePipe removes a pipe.
func (w *waiter) removePipe(fd int) { w.pipes = without(w.pipes, fd) }

func without(list []unix.PollFd, fd int) []unix.PollFd {
	return slices.DeleteFunc(list, func(p unix.PollFd) bool { return p.Fd == int32(fd) })
}

// pause leaves out the pipes, or no longer.
func (w *waiter) pause(pause bool) error {
	w.paused = pause
	return nil
}

// next waits until a descriptor is ready and returns those that are. A negative timeout is none.
func (w *waiter) next(timeout time.Duration) ([]int, error) {
	set := slices.Clone(w.sockets)
	if !w.paused {
		set = append(set, w.pipes...)
	}
	ms := -1
	if timeout >= 0 {
		ms = int(timeout.Milliseconds())
	}
	_, err := unix.Poll(set, ms)
	if err == unix.EINTR {
		return nil, nil
	}
	var ready []int
	for _, p := range set {
		if p.Revents != 0 {
			ready = append(ready, int(p.Fd))
		}
	}
	return ready, err
}

package recorder

import (
	"time"

	"golang.org/x/sys/unix"
)

// waiter waits for descriptors to become readable. Those of pipes are in a set of their own, which is a member of the
// first set, so that all pipes can be left out at once.
type waiter struct {
	all, pipes int
	paused     bool
	events     []unix.EpollEvent
}

func newWaiter() (*waiter, error) {
	all, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	pipes, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	w := &waiter{all: all, pipes: pipes, events: make([]unix.EpollEvent, 64)}
	return w, w.control(all, unix.EPOLL_CTL_ADD, pipes, unix.EPOLLIN)
}

func (w *waiter) control(set, op, fd int, events uint32) error {
	return unix.EpollCtl(set, op, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// add adds a socket.
func (w *waiter) add(fd int) error { return w.control(w.all, unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN) }

// alsoWritable says whether next returns the socket when it is writable, too.
func (w *waiter) alsoWritable(fd int, also bool) error {
	events := uint32(unix.EPOLLIN)
	if also {
		events |= unix.EPOLLOUT
	}
	return w.control(w.all, unix.EPOLL_CTL_MOD, fd, events)
}

// addPipe adds the read end of a pipe.
func (w *waiter) addPipe(fd int) error {
	return w.control(w.pipes, unix.EPOLL_CTL_ADD, fd, unix.EPOLLIN)
}

// remove removes a socket.
func (w *waiter) remove(fd int) { w.control(w.all, unix.EPOLL_CTL_DEL, fd, 0) }

// removePipe removes a pipe. Closing it is not enough, because the daemon has the same pipe open.
func (w *waiter) removePipe(fd int) { w.control(w.pipes, unix.EPOLL_CTL_DEL, fd, 0) }

// pause leaves out the pipes, or no longer.
func (w *waiter) pause(pause bool) error {
	if pause == w.paused {
		return nil
	}
	w.paused = pause
	if pause {
		return w.control(w.all, unix.EPOLL_CTL_DEL, w.pipes, 0)
	}
	return w.control(w.all, unix.EPOLL_CTL_ADD, w.pipes, unix.EPOLLIN)
}

// next waits until a descriptor is ready and returns those that are. A negative timeout is none.
func (w *waiter) next(timeout time.Duration) ([]int, error) {
	list, pipes, err := w.wait(w.all, timeout, nil)
	if pipes && err == nil {
		list, _, err = w.wait(w.pipes, 0, list)
	}
	return list, err
}

func (w *waiter) wait(set int, timeout time.Duration, list []int) (_ []int, pipes bool, err error) {
	ms := -1
	if timeout >= 0 {
		ms = int(timeout.Milliseconds())
	}
	n, err := unix.EpollWait(set, w.events, ms)
	if err == unix.EINTR {
		return list, false, nil
	}
	for _, e := range w.events[:max(0, n)] {
		if int(e.Fd) == w.pipes {
			pipes = true
		} else {
			list = append(list, int(e.Fd))
		}
	}
	return list, pipes, err
}

package notify

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/spawn"
)

// children starts and reaps all children of this process in one goroutine, as package spawn demands. So a child is
// known before its status is collected.
type children struct {
	starts chan start
	stop   chan struct{}
}

type start struct {
	command *spawn.Command
	reply   chan<- started
}

type started struct {
	child *child
	err   error
}

// child is a process that was started.
type child struct {
	spawn.Process
	ended chan spawn.Exit // gets one value
	ready chan error      // gets one value: whether the shim became the program
}

func newChildren() (*children, error) {
	c := &children{starts: make(chan start), stop: make(chan struct{})}
	prepared := make(chan error)
	go c.run(prepared)
	return c, <-prepared
}

// run needs a thread of its own: a part of what Prepare does is valid for one thread only.
func (c *children) run(prepared chan<- error) {
	runtime.LockOSThread()
	if err := spawn.Prepare(); err != nil {
		prepared <- fmt.Errorf("cannot prepare to start commands: %w", err)
		return
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	defer signal.Stop(ended)
	prepared <- nil
	alive := map[int]*child{}
	for {
		select {
		case s := <-c.starts:
			ch, err := launch(s.command)
			if err == nil {
				alive[ch.PID] = ch
			}
			s.reply <- started{ch, err}
		case <-ended:
			for e, ok := spawn.Reap(); ok; e, ok = spawn.Reap() {
				if ch := alive[e.PID]; ch != nil { // others were orphans
					delete(alive, e.PID)
					ch.ended <- e
				}
			}
		case <-c.stop:
			return
		}
	}
}

// launch always uses the shim, because nothing may hold up the only goroutine that starts processes.
func launch(c *spawn.Command) (*child, error) {
	c.MayHang = true
	p, h, err := spawn.Start(c)
	if err != nil {
		return nil, err
	}
	ch := &child{Process: p, ended: make(chan spawn.Exit, 1), ready: make(chan error, 1)}
	go ch.await(h)
	return ch, nil
}

// await waits until the shim has become the program or has failed. It returns at the latest when the shim is killed.
func (ch *child) await(h *spawn.Handshake) {
	defer h.Close()
	for {
		fds := []unix.PollFd{{Fd: int32(h.FD()), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); err != nil && err != unix.EINTR {
			ch.ready <- fmt.Errorf("cannot wait for the start of a command: %w", err)
			return
		}
		done, err := h.Result()
		if !done {
			continue
		}
		if err != nil {
			ch.ready <- err
		} else {
			ch.ready <- nil
		}
		return
	}
}

// start starts a process.
func (c *children) start(command *spawn.Command) (*child, error) {
	reply := make(chan started, 1)
	select {
	case c.starts <- start{command, reply}:
	case <-c.stop:
		return nil, errStopped
	}
	s := <-reply
	return s.child, s.err
}

var errStopped = errors.New("the delivery ends")

func (c *children) close() { close(c.stop) }

package runner

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/internal/jobfile"
	"jobsd/internal/joblog"
	"jobsd/internal/recorder"
	"jobsd/spawn"
)

// output is the output of one run.
type output struct {
	job, label string
	log        recorder.Log
	start, end string
	notice     string // a marker for the case that the earlier recorder was killed, until it is sent
	read       int    // a copy of the read end of the pipe; -1: none
	write      int    // the write end, until the process has it; -1: none
	began      bool
	fresh      bool             // no recorder has the pipe yet
	awaited    bool             // it counts in awaited
	handed     recorder.Message // what a recorder of another version knew about it
	ending     bool             // the run is over
	ended      bool             // the end marker is written
}

// place says where the output of a run is, after a message with positions.
func (o *output) place(m recorder.Received) joblog.Place {
	if o.log.Path != "" {
		return joblog.Place{From: *m.From, To: m.To, Bytes: m.Bytes, Mixed: m.Mixed, Alone: m.Alone}
	}
	p := joblog.Place{Bytes: m.Bytes, Stdout: true}
	if m.To != nil {
		p.To = &joblog.Position{}
	}
	return p
}

// newPipe makes a pipe whose write end the user may open again by /dev/stderr.
func newPipe(u *jobfile.User) (read, write int, err error) {
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return -1, -1, &spawn.Error{Stage: spawn.StageFork, Errno: errnoOf(err)}
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	if u != nil {
		err = unix.Fchown(fds[1], int(u.UID), int(u.GID))
	}
	if err == nil {
		err = unix.SetNonblock(fds[0], true)
	}
	if err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return -1, -1, &spawn.Error{Stage: spawn.StageFork, Errno: errnoOf(err)}
	}
	return fds[0], fds[1], nil
}

func errnoOf(err error) syscall.Errno {
	errno := syscall.EINVAL
	errors.As(err, &errno)
	return errno
}

func (o *output) closeWrite() {
	if o.write >= 0 {
		closeAside(o.write)
		o.write = -1
	}
}

// closeAside closes an end of a pipe. The loop must not wait for it: a process of the run can lock its pipe for as long
// as it likes, see package recorder, and the last close of an end waits for the lock.
func closeAside(fd int) { go unix.Close(fd) }

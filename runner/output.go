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
	if err := openPipe(fds[:]); err != nil {
		return -1, -1, &spawn.Error{Stage: spawn.StageFork, Errno: errnoOf(err)}
	}
	_, err = unix.FcntlInt(uintptr(fds[0]), unix.F_SETFL, unix.O_NONBLOCK)
	if u != nil && err == nil {
		err = unix.Fchown(fds[1], int(u.UID), int(u.GID))
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

// closeWrite closes the write end.
func (r *recording) closeWrite(o *output) {
	if o.write >= 0 {
		r.closer.Close(o.write)
		o.write = -1
	}
}

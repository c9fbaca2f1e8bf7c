package spawn

import (
	"errors"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/spawn/shim"
)

// Start starts a process: directly if possible, otherwise through the shim.
//
// A direct start is complete when Start returns, and the Handshake is nil. Through the shim, the process exists when
// Start returns, and the Handshake reports later whether it became the program. If a direct start fails for a reason
// with more than one possible cause, Start tries again through the shim. The shim finds the cause, because it may
// open files that the loop must not touch.
//
// The error is always an *Error.
func Start(c *Command) (Process, *Handshake, error) {
	if len(c.Argv) == 0 {
		return Process{FD: -1}, nil, &Error{Stage: StageExec, Errno: syscall.EINVAL, Path: c.Path}
	}
	if c.NeedsShim() {
		return startShim(c.secondLook())
	}
	p, err := startDirect(c)
	if err == nil {
		return p, nil, nil
	}
	if e := directError(c, err); e != nil {
		return p, nil, e
	}
	return startShim(c.secondLook())
}

func startDirect(c *Command) (Process, error) {
	in, out, err := c.files()
	if err != nil {
		return Process{FD: -1}, err
	}
	return c.fork(c.Path, c.Argv, &syscall.ProcAttr{Dir: c.Dir, Env: c.Env, Files: []uintptr{in, out, out},
		Sys: &syscall.SysProcAttr{}})
}

// directError returns the meaning of err, or nil if only the shim can find it.
func directError(c *Command, err error) *Error {
	e := &Error{Stage: StageFork, Errno: errnoOf(err), Path: c.Path}
	if e.Transient() {
		return e
	}
	switch e.Errno {
	case syscall.ETXTBSY, syscall.ENOEXEC, syscall.E2BIG, syscall.EINVAL: // EINVAL: a NUL in a string
		e.Stage = StageExec
		return e
	}
	return nil
}

func errnoOf(err error) syscall.Errno {
	errno := syscall.EINVAL
	errors.As(err, &errno)
	return errno
}

// fork is the only function that makes processes. ForkExec gives the child the signal mask of the forking thread, and
// Go keeps signals blocked that were blocked when the daemon started, so fork unblocks them first. Between the two stores
// to the evidence, a killed daemon leaves open whether there is a process, so nothing that can wait comes in between.
func (c *Command) fork(path string, argv []string, attr *syscall.ProcAttr) (Process, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	shim.UnblockSignals()
	defer oom.lend()()
	p := Process{FD: -1}
	attr.Sys.Setsid = true
	wantPidfd(attr.Sys, &p.FD)
	pid, leaf, err := c.forkIn(path, argv, attr)
	if err != nil {
		c.Evidence.Unforked(c.Run)
		return Process{FD: -1}, err
	}
	p.PID, p.Cgroup, p.born, p.leaf = pid, leaf.Path(), leaf.Path(), leaf
	p.identify()
	c.Evidence.forked(c.Run, &p)
	return p, nil
}

// null is /dev/null. It is opened once, so that a start does not need a free descriptor for it.
var null = -1

func openNull() error {
	if null >= 0 {
		return nil
	}
	fd, err := unix.Open("/dev/null", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err == nil {
		null = fd
	}
	return err
}

// files returns the descriptors of the child's input and output.
func (c *Command) files() (in, out uintptr, err error) {
	if err := openNull(); err != nil {
		return 0, 0, err
	}
	in, out = uintptr(null), uintptr(null)
	if c.Input > 0 {
		in = uintptr(c.Input)
	}
	if c.Output >= 0 {
		out = uintptr(c.Output)
	}
	return in, out, nil
}

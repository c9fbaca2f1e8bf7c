package spawn

import (
	"fmt"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/spawn/shim"
)

// startShim starts the shim that will become c.
func startShim(c *Command) (Process, *Handshake, error) {
	p, h, err := forkShim(c)
	if err == nil {
		return p, h, nil
	}
	e := &Error{Stage: StageFork, Errno: errnoOf(err), Path: c.name()}
	if e.Errno == syscall.E2BIG || e.Errno == syscall.EINVAL { // also too much for the program, or a NUL in a string
		e.Stage = StageExec
	}
	return p, nil, e
}

func forkShim(c *Command) (Process, *Handshake, error) {
	none := Process{FD: -1}
	in, out, err := c.files()
	if err != nil {
		return none, nil, err
	}
	h, w, err := newHandshake(c.name())
	if err != nil {
		return none, nil, err
	}
	defer unix.Close(w)
	attr := &syscall.ProcAttr{Files: []uintptr{in, out, out, uintptr(w)}, Sys: &syscall.SysProcAttr{}}
	arg, i := shim.Arg, c.instructions()
	if script := quick(c, i); script >= 0 {
		defer unix.Close(script)
		arg, attr.Env = quickArg, c.tag()
		attr.Files = append(attr.Files, uintptr(script))
	} else {
		attr.Env = c.shimEnv(i)
	}
	p, err := c.fork(self, []string{c.Title, arg}, attr)
	if err != nil {
		h.Close()
		return none, nil, err
	}
	return p, h, nil
}

// name returns the name of the program for errors.
func (c *Command) name() string {
	if c.Path != "" {
		return c.Path
	}
	return c.Argv[0]
}

func (c *Command) instructions() *shim.Instructions {
	i := &shim.Instructions{
		Path: c.Path, Args: c.Argv, Env: c.Env, Dir: c.Dir, DirOptional: c.DirOptional, EnvFile: c.EnvFile,
		Umask: c.Umask, Nice: c.Nice,
	}
	for _, l := range c.Limits {
		i.Limits = append(i.Limits, l.instruction())
	}
	if u := c.Credential; u != nil {
		i.User, i.Keyring = &shim.User{UID: u.UID, GID: u.GID, Groups: u.Groups}, !u.own()
	}
	return i
}

func (c *Command) shimEnv(i *shim.Instructions) []string { return append(i.Environ(), c.tag()...) }

// tag returns the variables by which the daemon recognizes the process as its own, which it must even before exec.
func (c *Command) tag() (vars []string) {
	for _, s := range c.Env {
		if strings.HasPrefix(s, reserved) {
			vars = append(vars, s)
		}
	}
	return vars
}

// The init function continues where package shim stops. In a process that Start made as a shim it never returns. It runs
// before main, so that the shim waits only for the packages that this package needs.
func init() {
	if len(os.Args) != 2 || os.Args[1] != shim.Arg {
		return
	}
	rest := shim.Resume()
	if rest == nil {
		fmt.Fprintln(os.Stderr, "cannot start: only the daemon itself uses "+shim.Arg)
		syscall.Exit(2)
	}
	e := finish(rest)
	shim.Fail(e.Stage, e.Errno, e.Path, e.Detail)
}

// finish reads the env_file and becomes the program. It returns only if the shim cannot become the program.
func finish(rest *shim.Rest) *Error {
	if rest.Program == "" {
		if e := addEnvFile(rest.Instructions); e != nil {
			return e
		}
		rest = rest.Exec()
	}
	return diagnose(rest.Program, rest.Errno)
}

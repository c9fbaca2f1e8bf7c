package recorder

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // package main, which also has it, is not initialised in a recorder

	"golang.org/x/sys/unix"
)

// StageArg is argv[1] of a recorder.
const StageArg = "@recorder"

// The descriptors of a recorder beside standard output and error.
const (
	connFD     = 3 + iota // the socket to the daemon
	memoryFD              // its memory
	listenerFD            // where a later daemon connects
)

// In a process that the daemon started as its recorder, the init function never returns. So the packages that only the
// rest of the program needs are not initialised. A recorder lives as long as the daemon, and needs their memory for its
// own work.
func init() {
	if len(os.Args) != 2 || os.Args[1] != StageArg {
		return
	}
	if err := work(); err != nil {
		fmt.Fprintln(os.Stderr, "jobsd recorder:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func work() error {
	// It ends with the daemon and the last run, not when somebody signals all processes of the service or the container.
	// Standard output may be a pipe that nobody reads any more.
	signal.Ignore(syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGQUIT, syscall.SIGPIPE)
	listener := listenerFD
	for fd := connFD; fd <= listenerFD; fd++ {
		_, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, unix.FD_CLOEXEC)
		switch {
		case err == nil:
		case fd == listenerFD: // the daemon could not make the socket
			listener = -1
		default:
			return errNotStarted
		}
	}
	if err := own(memoryFD); err != nil {
		return err
	}
	arena, err := openArena(memoryFD)
	if err != nil {
		return err
	}
	wait, err := newWaiter()
	if err != nil {
		return fmt.Errorf("cannot wait for output: %w", err)
	}
	s := newServer(arena, wait, listener)
	if listener >= 0 {
		if err := wait.add(listener); err != nil {
			return fmt.Errorf("cannot wait for a daemon: %w", err)
		}
		s.socket = fileOf(listener)
	}
	return s.serve(connFD)
}

// errNotStarted means that a person started the recorder.
var errNotStarted = errors.New("only the daemon itself starts a recorder")

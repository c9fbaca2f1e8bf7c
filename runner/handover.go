package runner

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/signals"
)

// handoverVersion is that of what is handed over.
const handoverVersion = 1

const handoverName = "JOBSD_HANDOVER"

// handover is what the next program, or this one anew, gets beside the journal.
type handover struct {
	PID     int    `json:"pid"` // for no child to take it for its own
	Lock    int    `json:"lock"`
	Socket  int    `json:"socket"` // -1: there was none
	Pending uint32 `json:"pending"`
	Boot    string `json:"boot,omitempty"` // which boot it is to the daemon

	lock *os.File // it, where nothing was executed
	pump *signals.Pump[any]
}

// Inherits tells whether this process goes on with the daemon of its pid.
func Inherits() bool {
	h := inherited()
	return h != nil
}

// inherited returns what was handed over to this process; nil: nothing.
func inherited() *handover {
	var h handover
	if json.Unmarshal([]byte(os.Getenv(handoverName)), &h) != nil || h.PID != os.Getpid() {
		return nil
	}
	return &h
}

// early listens for signals from before main in a program that goes on for another one: it is expected to, and nobody
// sends a TERM twice. Who starts a daemon anew waits until it is ready.
var early = listenEarly()

func listenEarly() *signals.Pump[any] {
	if !Inherits() {
		return nil
	}
	p, err := signals.New[any](handled...)
	if err != nil {
		return nil // newLoop finds the same
	}
	return p
}

// newPump returns the pump of a loop.
func newPump() (*signals.Pump[any], error) {
	if p := early; p != nil {
		early = nil
		return p, nil
	}
	return signals.New[any](handled...)
}

// takeHandover is inherited, once: the jobs are not to see it.
func takeHandover() *handover {
	h := inherited()
	os.Unsetenv(handoverName)
	return h
}

// leaveTo ends what of a loop would go on beside the next one. The connection of who asked for the upgrade ends with all
// others.
func (l *loop) leaveTo(lock *os.File) *handover {
	h := &handover{PID: os.Getpid(), Lock: int(lock.Fd()), Socket: -1, Boot: l.boot, lock: lock}
	if l.socket != nil {
		h.Socket = l.socket.Detach()
	}
	for _, p := range l.byRun {
		p.Close()
	}
	for _, opened := range l.preparing {
		opened.close()
	}
	l.timer.close()
	h.pump = l.pump
	return h
}

// exec becomes the program at path. It returns only if that fails.
//
// From where the pump is left signals are ignored, until the runtime of the next program takes them over, and from there
// on most of them are deadly until it listens (see early). These are a few milliseconds. What comes in the first part is
// lost, and a TERM in the second is what kill -9 is: the jobs go on, and the next daemon adopts them. The kernel has no
// way to keep them that a Go program could use, as its runtime unblocks all signals before it has handlers.
func (h *handover) exec(path string) error {
	h.Pending = uint32(h.pump.Leave(syscall.SIGCHLD))
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	env := append(os.Environ(), handoverName+"="+string(text))
	for _, fd := range []int{h.Lock, h.Socket} {
		if fd >= 0 {
			unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0)
			defer unix.CloseOnExec(fd)
		}
	}
	err = unix.Exec(path, os.Args, env)
	return fmt.Errorf("cannot execute %s: %w", path, err)
}

// raise sends this process the signals that its predecessor could not act on any more.
func (h *handover) raise() {
	for sig := syscall.Signal(1); sig < 32; sig++ {
		if h.Pending&(1<<sig) != 0 && sig != syscall.SIGCHLD && sig != syscall.SIGPIPE {
			syscall.Kill(os.Getpid(), sig)
		}
	}
}

// ownPath returns the path that this program was started by, which an upgrade executes: a link on the way to it may lead
// elsewhere by then.
func ownPath() string {
	exe, err := os.Executable()
	is, e := os.Stat(exe)
	if err != nil || e != nil {
		return exe
	}
	name := os.Args[0]
	paths := []string{name}
	if !strings.Contains(name, "/") {
		paths = nil
		for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	for _, path := range paths { // argv[0] is only what somebody says
		path, err := filepath.Abs(path)
		if st, e := os.Stat(path); err == nil && e == nil && os.SameFile(st, is) {
			return path
		}
	}
	return exe
}

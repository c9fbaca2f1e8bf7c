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

// handoverVersion is the version of the handover format.
const handoverVersion = 2

const handoverName = "JOBSD_HANDOVER"

// Handover is what the next program receives in addition to the journal. After a failed exec it is this program again.
type Handover struct {
	PID     int    `json:"pid"` // so that no child takes it as its own
	Lock    int    `json:"lock"`
	Socket  int    `json:"socket"` // -1: there was none
	Pending uint32 `json:"pending"`
	Boot    string `json:"boot,omitempty"` // the boot id that the daemon uses

	lock *os.File // the open lock, if nothing was executed
	pump *signals.Pump[any]
}

// TakeOver returns what the previous program of this process hands over, or nil. From then on this process catches
// signals. So it comes first in main: clients expect a daemon that listens, and nobody sends TERM twice. After an
// ordinary start they wait until the daemon is ready.
//
// TakeOver removes the handover from the environment, so that the jobs do not see it.
func TakeOver() *Handover {
	var h Handover
	err := json.Unmarshal([]byte(os.Getenv(handoverName)), &h)
	os.Unsetenv(handoverName)
	if err != nil || h.PID != os.Getpid() {
		return nil
	}
	h.pump, _ = signals.New[any](handled...) // newLoop meets the same error
	failpoint("handover")
	return &h
}

// newPump returns the pump of a loop: the one of TakeOver, or a new one.
func newPump(hand *Handover) (*signals.Pump[any], error) {
	if hand != nil && hand.pump != nil {
		return hand.pump, nil
	}
	return signals.New[any](handled...)
}

// leaveTo ends the parts of a loop that would run beside the next one. All client connections end, even the one that
// asked for the upgrade.
func (l *loop) leaveTo(lock *os.File) *Handover {
	h := &Handover{PID: os.Getpid(), Lock: int(lock.Fd()), Socket: -1, Boot: l.boot, lock: lock}
	if l.socket != nil {
		h.Socket = l.socket.Detach()
	}
	for _, p := range l.byRun {
		p.Close()
	}
	l.delivering.finish()
	l.recording.close()
	l.sys.leaveEvidence()
	l.timer.close()
	l.bootTimer.close()
	h.pump = l.pump
	return h
}

// exec replaces this program by the one at path. It returns only if that fails.
//
// Signals are ignored from the moment when the pump is left until the runtime of the next program takes them over. From
// then on, most of them are deadly until that program listens (see TakeOver). Both take a few milliseconds. A signal in
// the first part is lost. A TERM in the second part acts like kill -9: the jobs continue, and the next daemon adopts
// them. A Go program cannot keep such signals pending, because its runtime unblocks all signals before it has handlers.
func (h *Handover) exec(path string) error {
	h.Pending = uint32(h.pump.Leave(syscall.SIGCHLD))
	h.pump = nil
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

// raise sends this process the signals that its predecessor could no longer handle.
func (h *Handover) raise() {
	for sig := syscall.Signal(1); sig < 32; sig++ {
		if h.Pending&(1<<sig) != 0 && sig != syscall.SIGCHLD && sig != syscall.SIGPIPE {
			syscall.Kill(os.Getpid(), sig)
		}
	}
}

// ownPath returns the path by which this program was started. An upgrade executes it: by then, a link on the way may
// lead elsewhere.
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
	for _, path := range paths { // argv[0] may be anything, so check it
		path, err := filepath.Abs(path)
		if st, e := os.Stat(path); err == nil && e == nil && os.SameFile(st, is) {
			return path
		}
	}
	return exe
}

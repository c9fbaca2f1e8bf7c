package statefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"jobsd/internal/durable"
)

// ErrHeld means that another daemon holds the state directory.
var ErrHeld = errors.New("it is held")

const pidName = "jobsd.pid"

// Lock makes sure that this is the only daemon of the state directory. It makes the directory if it is missing. The
// lock is a flock on the directory itself, where no clean-up job can remove it. It is held until the returned file is
// closed. The error wraps ErrHeld if another process holds the lock, and names that process. runDir is the directory
// of its pid file.
func Lock(stateDir, runDir string) (*os.File, error) {
	if err := durable.MakeDir(stateDir, 0o755); err != nil {
		return nil, fmt.Errorf("cannot make the state directory: %w", err)
	}
	f, err := os.OpenFile(stateDir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the state directory: %w", err)
	}
	switch err := durable.Lock(f, false); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		err = heldError(f, stateDir, runDir)
		f.Close()
		return nil, err
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("cannot lock the state directory %s: %w", stateDir, err)
	}
	return f, nil
}

// Inherit takes over the lock that the previous program with the same pid held. It fails if fd is not the state
// directory.
func Inherit(fd int, stateDir string) (*os.File, error) {
	f := os.NewFile(uintptr(fd), stateDir)
	if f == nil {
		return nil, syscall.EBADF
	}
	same, err := leadsTo(stateDir, f)
	if err == nil && !same {
		err = errors.New("its path now leads to another directory")
	}
	if err == nil {
		err = durable.Lock(f, false)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot take over the lock of the state directory: %w", err)
	}
	return f, nil
}

// Remake makes a new state directory if the directory was removed while the daemon holds its lock. It makes lock the
// lock of the new directory before any process can use that. It does nothing if lock is still the lock of the
// directory. If another daemon was faster, or left its files there, Remake changes nothing and returns the reason.
func Remake(lock *os.File, stateDir, runDir string) error {
	if same, err := leadsTo(stateDir, lock); same || err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := Lock(stateDir, runDir)
	if err != nil {
		return err
	}
	defer f.Close()
	if same, err := leadsTo(stateDir, f); err != nil || !same {
		return errors.Join(errors.New("cannot lock the state directory: its path keeps changing"), err)
	}
	for _, name := range []string{journalName, stateName} {
		if _, err := os.Lstat(filepath.Join(stateDir, name)); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot use the state directory %s: it was replaced, and the new one already contains %s", stateDir, name)
		}
	}
	if err := takePlace(f, lock); err != nil {
		return fmt.Errorf("cannot keep the lock of the state directory: %w", err)
	}
	return nil
}

// leadsTo reports whether the path leads to the open directory.
func leadsTo(path string, dir *os.File) (bool, error) {
	is, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	held, err := dir.Stat()
	return err == nil && os.SameFile(is, held), err
}

// takePlace makes the descriptor of old refer to what f is, so that every user of old has the new lock.
func takePlace(f, old *os.File) error {
	syscall.ForkLock.RLock() // a child must not inherit the descriptor
	defer syscall.ForkLock.RUnlock()
	if err := dup(int(f.Fd()), int(old.Fd())); err != nil {
		return err
	}
	syscall.CloseOnExec(int(old.Fd()))
	return nil
}

func heldError(f *os.File, stateDir, runDir string) error {
	if pid := holder(f, stateDir, runDir); pid > 0 {
		return fmt.Errorf("cannot use the state directory %s: %w by pid %d", stateDir, ErrHeld, pid)
	}
	return fmt.Errorf("cannot use the state directory %s: %w by another process", stateDir, ErrHeld)
}

// holder returns the pid of the process that holds the lock. If the kernel does not report it, holder uses the pid
// that a daemon wrote down, if that process exists.
func holder(f *os.File, stateDir, runDir string) int {
	if pid := durable.Holder(f); pid > 0 {
		return pid
	}
	if pid := readPID(runDir); exists(pid) {
		return pid
	}
	if state, err := ReadState(stateDir); err == nil && exists(state.Daemon.PID) {
		return state.Daemon.PID
	}
	return 0
}

func exists(pid int) bool {
	return pid > 0 && !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// WritePID writes jobsd.pid into the run directory. The file is for information only: a program that signals the
// process must check the pid against the state file first.
func WritePID(runDir string) error {
	path := filepath.Join(runDir, pidName)
	text := strconv.Itoa(os.Getpid()) + "\n"
	if err := durable.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("cannot write the pid file: %w", err)
	}
	return nil
}

func readPID(runDir string) int {
	text, err := os.ReadFile(filepath.Join(runDir, pidName))
	if err != nil {
		return 0
	}
	pid, _ := strconv.Atoi(strings.TrimSpace(string(text)))
	return pid
}

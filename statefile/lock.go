package statefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// ErrHeld says that another daemon has the state directory.
var ErrHeld = errors.New("it is held")

const pidName = "jobsd.pid"

// Lock makes sure that this is the only daemon of the state directory, which it makes if it is not there. The lock is a
// flock on the directory itself, where no clean-up can remove it, and is held until the file that it returns is closed.
// An error wraps ErrHeld if another process has it, and names that one. runDir is where its pid file would be.
func Lock(stateDir, runDir string) (*os.File, error) {
	if err := makeDir(stateDir); err != nil {
		return nil, fmt.Errorf("cannot make the state directory: %w", err)
	}
	f, err := os.OpenFile(stateDir, os.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the state directory: %w", err)
	}
	switch err := flock(f); {
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

// Inherit takes over the lock that a program before this one held under the same pid. It fails if fd is not that of the
// state directory.
func Inherit(fd int, stateDir string) (*os.File, error) {
	f := os.NewFile(uintptr(fd), stateDir)
	if f == nil {
		return nil, syscall.EBADF
	}
	same, err := leadsTo(stateDir, f)
	if err == nil && !same {
		err = errors.New("it is another directory now")
	}
	if err == nil {
		err = flock(f)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot take over the lock of the state directory: %w", err)
	}
	return f, nil
}

// Remake makes the state directory anew where it was removed under the daemon that holds its lock. Before anybody uses
// it, lock becomes that of the new one. It does nothing where lock is the directory's; where another daemon was quicker,
// or left its files there, it leaves them alone and returns why.
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
		return errors.Join(errors.New("cannot lock the state directory: it changes again and again"), err)
	}
	for _, name := range []string{journalName, stateName} {
		if _, err := os.Lstat(filepath.Join(stateDir, name)); !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("cannot go on in the state directory %s: it was replaced, and %s is not ours", stateDir, name)
		}
	}
	if err := takePlace(f, lock); err != nil {
		return fmt.Errorf("cannot keep the lock of the state directory: %w", err)
	}
	return nil
}

// leadsTo tells whether the path is that of the open directory.
func leadsTo(path string, dir *os.File) (bool, error) {
	is, err := os.Stat(path)
	if err != nil {
		return false, err
	}
	held, err := dir.Stat()
	return err == nil && os.SameFile(is, held), err
}

// takePlace has the descriptor of old mean what f is, so that whoever knows old holds it from now on.
func takePlace(f, old *os.File) error {
	syscall.ForkLock.RLock() // a child must not get it
	defer syscall.ForkLock.RUnlock()
	if err := dup(int(f.Fd()), int(old.Fd())); err != nil {
		return err
	}
	syscall.CloseOnExec(int(old.Fd()))
	return nil
}

func flock(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EINTR {
			return err
		}
	}
}

// makeDir makes a directory that all can read, under any umask. One that is there keeps its mode.
func makeDir(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil // or no directory: that shows when it is opened
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return os.Chmod(path, 0o755)
}

func heldError(f *os.File, stateDir, runDir string) error {
	if pid := holder(f, stateDir, runDir); pid > 0 {
		return fmt.Errorf("cannot use the state directory %s: %w by pid %d", stateDir, ErrHeld, pid)
	}
	return fmt.Errorf("cannot use the state directory %s: %w by another process", stateDir, ErrHeld)
}

// holder returns the pid of the process that holds the lock: as the kernel says, where it does, else as a daemon wrote
// it down, if there is such a process.
func holder(f *os.File, stateDir, runDir string) int {
	if pid := LockHolder(f); pid > 0 {
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

// WritePID writes jobsd.pid into the run directory. It only informs: nothing is decided by it, and whoever signals the
// process checks it against the state file first.
func WritePID(runDir string) error {
	path := filepath.Join(runDir, pidName)
	text := strconv.Itoa(os.Getpid()) + "\n"
	err := renameio.WriteFile(path, []byte(text), 0o644, renameio.WithTempDir(runDir), renameio.WithStaticPermissions(0o644))
	if err != nil {
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

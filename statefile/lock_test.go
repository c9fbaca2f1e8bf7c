package statefile

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestLock(t *testing.T) {
	old := syscall.Umask(0o077)
	defer syscall.Umask(old)
	dir, runDir := filepath.Join(t.TempDir(), "a", "state"), t.TempDir()
	first, err := Lock(dir, runDir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if flags, err := unix.FcntlInt(first.Fd(), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("children would inherit the lock: %x, %v", flags, err)
	}
	if err := WritePID(runDir); err != nil {
		t.Fatal(err)
	}
	refused := func(when string) {
		t.Helper()
		want := fmt.Sprintf("held by pid %d", os.Getpid())
		if _, err := Lock(dir, runDir); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", when, err, want)
		}
	}
	refused("at first")
	write(t, dir, "something", nil)
	for _, name := range names(t, dir) {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	refused("after all files were removed")
	if err := os.Remove(filepath.Join(runDir, pidName)); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "linux" {
		refused("without a pid file")
	}
	first.Close()
	second, err := Lock(dir, runDir)
	if err != nil {
		t.Fatal(err)
	}
	second.Close()
}

// TestLockHolder: if the kernel does not report the holder, Lock uses the pid that a daemon wrote down, if that
// process exists.
func TestLockHolder(t *testing.T) {
	dir, runDir := t.TempDir(), t.TempDir()
	f, err := os.Open(dir) // not locked, so the kernel knows no holder
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	check := func(when string, want int) {
		t.Helper()
		if got := holder(f, dir, runDir); got != want {
			t.Errorf("%s: %d, want %d", when, got, want)
		}
	}
	check("nothing", 0)
	w := openState(t, dir)
	w.SetDaemon(Daemon{PID: os.Getppid()})
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	check("state file", os.Getppid())
	for text, want := range map[string]int{"1\n": 1, "-1": os.Getppid(), "x": os.Getppid(), "99999999": os.Getppid()} {
		write(t, runDir, pidName, []byte(text))
		check("pid file "+text, want)
	}
}

func TestLockNoDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{path, filepath.Join(path, "below")} {
		if _, err := Lock(dir, ""); err == nil || errors.Is(err, ErrHeld) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

func TestWritePID(t *testing.T) {
	dir := t.TempDir()
	for range 2 {
		if err := WritePID(dir); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := string(read(t, dir, pidName)), fmt.Sprintln(os.Getpid()); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("files: %q", got)
	}
}

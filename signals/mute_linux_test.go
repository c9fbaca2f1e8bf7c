//go:build amd64 || arm64

package signals

import (
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// While CHLD is muted, the end of a child wakes nobody, and its status is kept.
func TestMute(t *testing.T) {
	p, err := New[int](syscall.SIGCHLD)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	unmute := Mute()
	endChild(t)
	fds := []unix.PollFd{{Fd: int32(p.FD()), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, 0); n != 0 || err != nil {
		t.Errorf("the end of a child woke the loop although CHLD is muted: %d, %v", n, err)
	}
	unmute()
	endChild(t)
	for seen := false; !seen; {
		if n, err := unix.Poll(fds, 10_000); n != 1 && err != unix.EINTR {
			t.Fatalf("the end of a child does not wake the loop any more: %d, %v", n, err)
		}
		pending, _ := p.Take()
		seen = pending.Has(syscall.SIGCHLD)
	}
}

// endChild starts a child and waits for its end.
func endChild(t *testing.T) {
	t.Helper()
	pid, err := syscall.ForkExec("/bin/true", []string{"true"}, &syscall.ProcAttr{Files: []uintptr{0, 1, 2}, Env: os.Environ()})
	if err != nil {
		t.Fatal(err)
	}
	var status syscall.WaitStatus
	for {
		got, err := syscall.Wait4(pid, &status, 0, nil)
		if err == syscall.EINTR {
			continue
		}
		if got != pid || !status.Exited() {
			t.Fatalf("cannot wait for the child: %d, %v, %v", got, status, err)
		}
		return
	}
}

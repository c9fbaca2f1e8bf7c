package recorder

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestNoDescriptorLeft: a process with too many open files receives messages without their descriptors, and the later
// ones with the right descriptors.
func TestNoDescriptorLeft(t *testing.T) {
	a, b := connections(t)
	var pipes [4][2]int
	for i := range pipes {
		if err := unix.Pipe(pipes[i][:]); err != nil {
			t.Fatal(err)
		}
		unix.Write(pipes[i][1], []byte{'0' + byte(i)})
		a.Send(Message{Kind: Begin, Run: uint64(i)}, pipes[i][0])
	}
	if err := a.Flush(); err != nil {
		t.Fatal(err)
	}
	for i := range pipes {
		unix.Close(pipes[i][0])
		defer unix.Close(pipes[i][1])
	}
	// The next number is that of the first pipe. So the limit lets one descriptor in.
	lowLimit(t, pipes[0][0]+1)
	b.ExpectPlain() // otherwise it would not receive at all, but the limit of the whole system can be reached, too
	got, err := b.Receive()
	lowLimit(t, 0)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, m := range got {
		for _, fd := range m.FDs {
			var buf [1]byte
			if n, _ := unix.Read(fd, buf[:]); n != 1 || buf[0] != '0'+byte(m.Run) {
				t.Errorf("run %d came with another pipe", m.Run)
			}
			text.Write(buf[:])
			unix.Close(fd)
		}
	}
	if len(got) != len(pipes) || text.Len() == 0 || text.Len() == len(pipes) {
		t.Errorf("received %d messages and the pipes %q; want %d messages and some pipes", len(got), text.String(), len(pipes))
	}
}

// lowLimit sets the limit of open files; 0 sets it back.
func lowLimit(t *testing.T, n int) {
	t.Helper()
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
	if l.Cur = l.Max; n > 0 {
		l.Cur = uint64(n)
	}
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		t.Fatal(err)
	}
}

// TestNoRoomForDaemon: a recorder that cannot accept the connection of a new daemon accepts it when it can.
func TestNoRoomForDaemon(t *testing.T) {
	d := newDaemon(t)
	d.start()
	pipe := d.begin(1, Log{MaxSize: 1 << 20})
	d.wait(Began, 1)
	pid := d.cmd.Process.Pid
	var old unix.Rlimit
	d.must(unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &old))
	d.must(unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 3, Max: old.Max}, nil))
	d.conn.Close()
	d.got = nil
	d.dial()
	writeTo(t, pipe, "one\n")
	// It must not wait for the listener meanwhile, which is ready all the time.
	d.until(func() bool { return !waitsFor(t, pid, listenerFD) })
	d.must(unix.Prlimit(pid, unix.RLIMIT_NOFILE, &old, nil))
	d.wait(Ready, 0)
	pipe.Close()
	d.finish(1)
	if got, want := d.log(), "== run 1 started\none\n== run 1 exited 0\n"; got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
}

// waitsFor reports whether a process waits for a descriptor by epoll.
func waitsFor(t *testing.T, pid, fd int) bool {
	t.Helper()
	list, err := filepath.Glob(fmt.Sprintf("/proc/%d/fdinfo/*", pid))
	if err != nil || len(list) == 0 {
		t.Fatalf("cannot list the descriptors of the recorder: %v", err)
	}
	for _, info := range list {
		text, _ := os.ReadFile(info)
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); len(f) > 1 && f[0] == "tfd:" && f[1] == strconv.Itoa(fd) {
				return true
			}
		}
	}
	return false
}

package recorder

import (
	"io"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// TestSecondRecorder: a recorder leaves memory alone that another one uses.
func TestSecondRecorder(t *testing.T) {
	d := newDaemon(t)
	d.start()
	pid, owned := Owner(int(d.memory.Fd()))
	if pid != d.cmd.Process.Pid || !owned {
		t.Errorf("the owner of the memory is %d, %v; want %d", pid, owned, d.cmd.Process.Pid)
	}
	first, conn := d.cmd, d.conn
	d.launch()
	if err, ok := d.cmd.Wait().(*exec.ExitError); !ok || err.ExitCode() != 1 {
		t.Errorf("the second recorder ended with %v", err)
	}
	d.conn.Close()
	d.cmd, d.conn = first, conn
	pipe := d.begin(1, Log{MaxSize: 1 << 20})
	writeTo(t, pipe, "one\n")
	pipe.Close()
	d.finish(1)
	d.kill()
	if pid, owned := Owner(int(d.memory.Fd())); owned {
		t.Errorf("the dead recorder still owns the memory as %d", pid)
	}
}

// TestStrangers: whoever connects to a recorder and is not a daemon of its state directory changes nothing.
func TestStrangers(t *testing.T) {
	d := newDaemon(t)
	d.start()
	pipe := d.begin(1, Log{MaxSize: 1 << 20})
	d.wait(Began, 1)
	mine := d.conn
	for name, m := range map[string]Message{
		"silent":   {},
		"no hello": {Kind: Quit},
		"other":    {Kind: Hello, Version: Version, ID: "other"},
	} {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		d.must(err)
		d.must(unix.Connect(fd, &unix.SockaddrUnix{Name: d.address()}))
		stranger, err := NewConn(fd)
		d.must(err)
		defer stranger.Close()
		if m.Kind == "" {
			continue
		}
		d.conn = stranger
		d.send(m)
		var answers []Received
		d.until(func() bool {
			list, err := stranger.Receive()
			answers = append(answers, list...)
			return err == io.EOF
		})
		if m.Kind == Hello && (len(answers) != 1 || answers[0].Kind != Hello || len(answers[0].FDs) != 0) {
			t.Errorf("%s: the answers are %+v", name, answers)
		}
	}
	d.conn = mine
	writeTo(t, pipe, "one\n")
	pipe.Close()
	d.finish(1)
	if got, want := d.log(), "== run 1 started\none\n== run 1 exited 0\n"; got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
}

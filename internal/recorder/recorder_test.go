package recorder

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/joblog"
)

// impatient in the environment of a recorder makes it take over at random moments.
const impatient = "RECORDER_IMPATIENT"

// A recorder ends in an init function, which runs after all variables have their values.
var _ = func() bool {
	if os.Getenv(impatient) != "" {
		callPatience = time.Microsecond
	}
	return true
}()

// daemon is the other end of a recorder, as the real daemon would be.
type daemon struct {
	testing.TB
	dir      string // of the logs
	run      string // of the socket
	conn     *Conn
	cmd      *exec.Cmd
	memory   *os.File
	listener *os.File
	got      []Received
	copies   map[uint64]int // of the read ends
	starts   map[uint64]Message
	stdout   *os.File
	hello    *Settings
}

const deadline = 30 * time.Second

func newDaemon(t testing.TB) *daemon {
	d := &daemon{TB: t, dir: t.TempDir(), run: t.TempDir(), copies: map[uint64]int{}, starts: map[uint64]Message{}, hello: &Settings{Group: -1}}
	fd, err := NewMemory()
	d.must(err)
	d.memory = os.NewFile(uintptr(fd), "memory")
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	d.must(err)
	unix.CloseOnExec(fd)
	d.must(unix.Bind(fd, &unix.SockaddrUnix{Name: d.address()}))
	d.must(unix.Listen(fd, 4))
	d.listener = os.NewFile(uintptr(fd), "listener")
	t.Cleanup(d.end)
	return d
}

func (d *daemon) address() string { return filepath.Join(d.run, "socket") }

func (d *daemon) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// start starts a recorder and greets it.
func (d *daemon) start() {
	d.Helper()
	d.launch()
	d.wait(Ready, 0)
	if len(d.starts) == 0 { // otherwise resume hands over the runs
		d.send(Message{Kind: Ready})
	}
}

// launch starts a recorder and says hello.
func (d *daemon) launch() {
	d.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	d.must(err)
	unix.CloseOnExec(pair[0])
	theirs := os.NewFile(uintptr(pair[1]), "socket")
	self, err := os.Executable()
	d.must(err)
	d.cmd = exec.Command(self, StageArg)
	d.cmd.ExtraFiles = []*os.File{theirs, d.memory, d.listener}
	d.cmd.Stderr = os.Stderr
	d.cmd.Stdout = os.Stderr
	d.must(d.cmd.Start())
	theirs.Close()
	d.greet(pair[0])
}

func (d *daemon) greet(fd int) {
	d.Helper()
	conn, err := NewConn(fd)
	d.must(err)
	d.conn = conn
	hello := Message{Kind: Hello, Version: Version, Settings: d.hello}
	if d.stdout != nil {
		d.send(hello, int(d.stdout.Fd()))
	} else {
		d.send(hello)
	}
}

// connect connects to a recorder that is there.
func (d *daemon) connect() {
	d.Helper()
	d.dial()
	d.wait(Ready, 0)
}

// dial connects and says hello.
func (d *daemon) dial() {
	d.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	d.must(err)
	unix.CloseOnExec(fd)
	d.must(unix.Connect(fd, &unix.SockaddrUnix{Name: d.address()}))
	d.greet(fd)
}

func (d *daemon) send(m Message, fds ...int) {
	d.Helper()
	d.conn.Send(m, fds...)
	for d.must(d.conn.Flush()); d.conn.Waiting(); d.must(d.conn.Flush()) {
		unix.Poll([]unix.PollFd{{Fd: int32(d.conn.FD()), Events: unix.POLLOUT}}, -1)
	}
}

// wait waits for a message about a run.
func (d *daemon) wait(kind Kind, run uint64) Message {
	d.Helper()
	end := time.Now().Add(deadline)
	for {
		for i, m := range d.got {
			if m.Kind == kind && m.Run == run {
				d.got = append(d.got[:i:i], d.got[i+1:]...)
				return m.Message
			}
		}
		if time.Now().After(end) {
			d.Fatalf("no %s of run %d in time; got %v", kind, run, d.got)
		}
		unix.Poll([]unix.PollFd{{Fd: int32(d.conn.FD()), Events: unix.POLLIN}}, 1000)
		list, err := d.conn.Receive()
		for _, m := range list {
			if m.Kind == Have && len(m.FDs) == 1 {
				unix.Close(m.FDs[0])
			}
			d.got = append(d.got, m)
		}
		if err != nil {
			d.Fatalf("waiting for %s of run %d: %v", kind, run, err)
		}
	}
}

// begin begins a run and returns the write end of its pipe.
func (d *daemon) begin(run uint64, log Log) *os.File {
	d.Helper()
	if log.Path != "-" {
		log.Path = filepath.Join(d.dir, "a.log")
	} else {
		log.Path = ""
	}
	return d.beginIn(run, log)
}

// beginIn begins a run with exactly this log.
func (d *daemon) beginIn(run uint64, log Log) *os.File {
	d.Helper()
	var p [2]int
	d.must(unix.Pipe(p[:]))
	unix.CloseOnExec(p[0])
	unix.CloseOnExec(p[1])
	d.copies[run] = p[0]
	d.sendBegin(run, log, p[0])
	return os.NewFile(uintptr(p[1]), "pipe")
}

func (d *daemon) sendBegin(run uint64, log Log, pipe int) {
	d.Helper()
	m := Message{Kind: Begin, Run: run, Job: "a", Log: &log, Text: fmt.Sprintf("run %d started", run)}
	d.starts[run] = m
	d.send(m, pipe)
}

func (d *daemon) finish(run uint64) Message {
	d.Helper()
	m := d.starts[run]
	d.send(Message{Kind: End, Run: run, Job: "a", Log: m.Log, Text: fmt.Sprintf("run %d exited 0", run)})
	ended := d.wait(Ended, run)
	d.send(Message{Kind: Done, Run: run})
	return ended
}

// resume hands all runs to a new recorder.
func (d *daemon) resume() {
	d.Helper()
	for run, m := range d.starts {
		if fd, ok := d.copies[run]; ok {
			d.send(m, fd)
		}
	}
	d.send(Message{Kind: Ready})
}

func (d *daemon) kill() {
	d.Helper()
	d.must(d.cmd.Process.Kill())
	d.cmd.Wait()
	d.conn.Close()
	d.got = nil
}

func (d *daemon) end() {
	if d.conn != nil {
		d.conn.Close()
	}
	for _, fd := range d.copies {
		unix.Close(fd)
	}
	if d.cmd != nil {
		if d.Failed() {
			d.cmd.Process.Kill()
		}
		d.cmd.Wait()
	}
}

func (d *daemon) log() string {
	d.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, "a.log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		d.Fatal(err)
	}
	return string(text)
}

func writeTo(t testing.TB, f *os.File, text string) {
	t.Helper()
	if _, err := io.WriteString(f, text); err != nil {
		t.Fatal(err)
	}
}

func TestOneRun(t *testing.T) {
	d := newDaemon(t)
	d.start()
	p := d.begin(1, Log{})
	writeTo(t, p, "one\ntwo")
	p.Close()
	m := d.finish(1)
	const want = "== run 1 started\none\ntwo\n== run 1 exited 0\n"
	if got := d.log(); got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
	if m.Bytes != 7 || !m.Closed || m.From.At != 0 || m.To.At != int64(len(want)) || m.From.Inode == 0 || m.To.Inode != m.From.Inode {
		t.Errorf("%+v %+v %+v", m, m.From, m.To)
	}
}

func TestLateOutput(t *testing.T) {
	d := newDaemon(t)
	d.start()
	p := d.begin(1, Log{})
	writeTo(t, p, "one\n")
	if m := d.finish(1); m.Closed {
		t.Error("the pipe is closed")
	}
	writeTo(t, p, "late\n")
	p.Close()
	d.wait(Closed, 1)
	const want = "== run 1 started\none\n== run 1 exited 0\n[1] late\n"
	if got := d.log(); got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
}

// TestLateUnfinishedLine: a line that has no end when a leftover process closes the pipe is in the log, too.
func TestLateUnfinishedLine(t *testing.T) {
	d := newDaemon(t)
	out := d.stdoutPipe()
	d.start()
	p := d.begin(1, Log{Stdout: "text"})
	d.finish(1)
	writeTo(t, p, "late")
	p.Close()
	d.wait(Closed, 1)
	const want = "== run 1 started\n== run 1 exited 0\n[1] late\n"
	if got := d.log(); got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
	const shown = "a[1]== run 1 started\na[1]== run 1 exited 0\na[1] late\n"
	if got := d.read(out, 3); got != shown {
		t.Errorf("standard output is %q, want %q", got, shown)
	}
}

func TestOverlap(t *testing.T) {
	d := newDaemon(t)
	d.start()
	one := d.begin(1, Log{})
	writeTo(t, one, "alone\n")
	d.until(func() bool { return strings.Contains(d.log(), "alone") })
	two := d.begin(2, Log{})
	long := strings.Repeat("x", 10_000)
	writeTo(t, one, long) // it is too long to wait for its end
	d.until(func() bool { return strings.Contains(d.log(), "xx") })
	writeTo(t, two, "two\n")
	two.Close()
	d.finish(2)
	writeTo(t, one, "y\n")
	one.Close()
	d.finish(1)
	want := "== run 1 started\nalone\n== run 2 started\n[1] " + long + "\n[2] two\n== run 2 exited 0\n[1] y\n== run 1 exited 0\n"
	if got := d.log(); got != want {
		t.Errorf("the log is %q, want %q", got, want)
	}
}

// until waits for a condition.
func (d *daemon) until(ok func() bool) {
	d.Helper()
	for end := time.Now().Add(deadline); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			d.Fatal("it does not happen")
		}
	}
}

func TestRotation(t *testing.T) {
	d := newDaemon(t)
	d.start()
	p := d.begin(1, Log{MaxSize: 5000, Keep: 1000})
	var want strings.Builder
	for n := range 20_000 {
		fmt.Fprintf(&want, "line %d\n", n)
	}
	writeTo(t, p, want.String())
	p.Close()
	m := d.finish(1)
	got := d.all()
	if got != "== run 1 started\n"+want.String()+"== run 1 exited 0\n" {
		t.Errorf("the log has %d bytes", len(got))
	}
	if m.From.Inode == m.To.Inode || m.Bytes != int64(want.Len()) {
		t.Errorf("%+v %+v %+v", m, m.From, m.To)
	}
}

// TestFollowedRotation: a reader follows the log while it rotates again and again. It misses and repeats nothing.
func TestFollowedRotation(t *testing.T) {
	d := newDaemon(t)
	d.start()
	p := d.begin(1, Log{MaxSize: 5000, Keep: 200}) // more than there are files
	path := filepath.Join(d.dir, "a.log")
	d.until(func() bool { _, err := os.Stat(path); return err == nil })
	log, err := joblog.OpenLog(path)
	d.must(err)
	defer log.Close()
	follower, err := log.Follow(0)
	d.must(err)
	go func() {
		for n := range 40_000 {
			fmt.Fprintf(p, "line %d\n", n)
		}
		p.Close()
	}()
	var got bytes.Buffer
	d.until(func() bool {
		d.must(follower.More(&got))
		return bytes.Contains(got.Bytes()[max(0, got.Len()-100):], []byte("line 39999\n"))
	})
	lines := strings.Split(strings.TrimSuffix(got.String(), "\n"), "\n")
	for n, line := range lines[1:] { // behind the marker
		if want := fmt.Sprintf("line %d", n); line != want {
			t.Fatalf("got %q, want %q", line, want)
		}
	}
	d.finish(1)
}

// all returns the text of all files of the log.
func (d *daemon) all() string {
	d.Helper()
	path := filepath.Join(d.dir, "a.log")
	text := d.log()
	for n := 1; ; n++ {
		part, err := os.ReadFile(joblog.Archive(path, n))
		if errors.Is(err, os.ErrNotExist) {
			return text
		}
		d.must(err)
		if limit := d.starts[1].Log.MaxSize; int64(len(part)) > limit {
			d.Errorf("%d has %d bytes, more than %d", n, len(part), limit)
		}
		if part[len(part)-1] != '\n' {
			d.Errorf("%d ends in a line", n)
		}
		text = string(part) + text
	}
}

package control

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const patience = 30 * time.Second

// bench is a server with its own clock. The test calls each turn itself.
type bench struct {
	*Server
	t   *testing.T
	now time.Duration
}

func newBench(t *testing.T, dir string) *bench {
	t.Helper()
	s, err := Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return &bench{s, t, time.Hour}
}

// turn polls without waiting, then runs one turn.
func (b *bench) turn() []Call {
	polls := b.Polls(b.now, nil)
	if _, err := unix.Poll(polls, 0); err != nil && err != unix.EINTR {
		b.t.Fatal(err)
	}
	return b.Turn(b.now, polls)
}

// call runs turns until a call arrives.
func (b *bench) call() Call {
	b.t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if calls := b.turn(); len(calls) > 0 {
			return calls[0]
		}
	}
	b.t.Fatal("no call arrived")
	return Call{}
}

func (b *bench) dial() *net.UnixConn {
	b.t.Helper()
	conn, err := net.Dial("unix", b.path)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(patience))
	return conn.(*net.UnixConn)
}

// TestLongPath: client and server find each other when the path is too long for a socket address.
func TestLongPath(t *testing.T) {
	if !hasFDPath {
		t.Skip("this system has no /proc/self/fd to shorten the path")
	}
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 100), strings.Repeat("e", 100))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	b := newBench(t, dir)
	client, err := Dial(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	answered := make(chan error, 1)
	go func() {
		_, err := client.Ask(Request{Verb: Reload})
		answered <- err
	}()
	c := b.call()
	if c.Verb != Reload || c.UID != os.Getuid() || c.PID != os.Getpid() {
		t.Errorf("got %+v", c)
	}
	b.Answer(b.now, c.ID, Response{Last: true})
	if err := <-answered; err != nil {
		t.Error(err)
	}
	b.Close()
	if _, err := os.Lstat(filepath.Join(dir, SocketName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket still exists: %v", err)
	}
	if _, err := Dial(dir); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("got %v", err)
	}
}

// TestPlaceTaken: Listen removes the socket of a dead daemon, but not that of a living one, nor a file that is not a
// socket.
func TestPlaceTaken(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, SocketName)
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	dead.Close()
	b := newBench(t, dir)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o666 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if _, err := Listen(dir); err == nil || !strings.Contains(err.Error(), "another daemon is using it") {
		t.Errorf("got %v", err)
	}
	b.dial()
	b.Close()
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(dir); err == nil || !strings.Contains(err.Error(), "not a socket") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

// TestPipelined: a client sends two requests at once and closes its sending half. It gets both answers, one after the
// other.
func TestPipelined(t *testing.T) {
	b := newBench(t, t.TempDir())
	conn := b.dial()
	io.WriteString(conn, `{"version":1,"verb":"start","job":"a"}`+"\n"+`{"version":1,"verb":"start","job":"b"}`+"\n")
	conn.CloseWrite()
	first := b.call()
	for range 5 {
		if calls := b.turn(); len(calls) > 0 {
			t.Fatalf("the second request arrived before the first had its answer: %+v", calls)
		}
	}
	b.Answer(b.now, first.ID, Response{Run: 1, Last: true})
	if w := b.Wait(b.now); w != 0 {
		t.Errorf("the second request waits %v", w)
	}
	second := b.call()
	b.Answer(b.now, second.ID, Response{Run: 2, Last: true})
	b.turn()
	text, err := io.ReadAll(conn)
	if want := `{"version":1,"run":1,"last":true}` + "\n" + `{"version":1,"run":2,"last":true}` + "\n"; string(text) != want ||
		first.Job != "a" || second.Job != "b" {
		t.Errorf("got %q, %v for %+v and %+v", text, err, first, second)
	}
}

// TestIdle: the server drops a client that sends nothing for ten seconds, but not a client that waits for an answer.
func TestIdle(t *testing.T) {
	b := newBench(t, t.TempDir())
	idle, waiting := b.dial(), b.dial()
	io.WriteString(waiting, `{"version":1,"verb":"start","job":"a","wait":true}`+"\n")
	c := b.call()
	if w := b.Wait(b.now); w != Idle {
		t.Errorf("Wait() = %v", w)
	}
	b.now += Idle
	b.turn()
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
	if w := b.Wait(b.now); w >= 0 {
		t.Errorf("Wait() = %v although no connection has a deadline", w)
	}
	b.Answer(b.now, c.ID, Response{Last: true})
	if _, err := bufio.NewReader(waiting).ReadString('\n'); err != nil {
		t.Error(err)
	}
}

// TestGone: the server forgets a client that disconnects while its request is carried out, and drops the answer.
func TestGone(t *testing.T) {
	b := newBench(t, t.TempDir())
	conn := b.dial()
	io.WriteString(conn, `{"version":1,"verb":"stop","job":"a"}`+"\n")
	c := b.call()
	conn.Close()
	for deadline := time.Now().Add(patience); len(b.conns) > 0 && time.Now().Before(deadline); {
		b.turn()
	}
	b.Answer(b.now, c.ID, Response{Last: true})
	if len(b.conns) != 0 || len(b.pending) != 0 {
		t.Errorf("%d connections and %d calls remain", len(b.conns), len(b.pending))
	}
}

// TestStranger: the server rejects a client without permission, and the client uses up no connection.
func TestStranger(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.may = func(int) bool { return false }
	conn := b.dial()
	if c := b.call(); !c.Denied || c.UID != os.Getuid() {
		t.Errorf("got %+v", c)
	}
	text, err := io.ReadAll(conn)
	if !strings.Contains(string(text), `"not_permitted"`) || len(b.conns) != 0 {
		t.Errorf("got %q, %v; %d connections", text, err, len(b.conns))
	}
}

package recorder

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// descriptors returns the number of open descriptors of this process.
func descriptors(t testing.TB) int {
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// socketpair returns two connected sockets that do not block.
func socketpair(t testing.TB) [2]int {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	return pair
}

func encoded(m Message) []byte {
	text, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(text))), text...)
}

// FuzzConn: whatever bytes and descriptors come from the other side, the connection does not panic, keeps no more memory
// than for a message, and has closed or handed over all descriptors in the end.
func FuzzConn(f *testing.F) {
	f.Add(encoded(Message{Kind: Begin, Run: 1, Job: "a", Log: &Log{}, Descriptors: 1}), 1, 7)
	f.Add(encoded(Message{Kind: Begin, Descriptors: 3}), 2, 1)
	f.Add(encoded(Message{Kind: Hello, Descriptors: -1}), 0, 100)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff}, 1, 1)
	f.Add([]byte{0, 0x0f, 0xff, 0xff, '{'}, 1, 2)
	f.Add([]byte("\x00\x00\x00\x02{}\x00\x00\x00\x04null\x00\x00\x00\x01["), 0, 3)
	f.Fuzz(func(t *testing.T, data []byte, fds, piece int) {
		before := descriptors(t)
		pair := socketpair(t)
		c, err := NewConn(pair[0])
		if err != nil {
			t.Fatal(err)
		}
		piece = 1 + abs(piece)%1000
		for n := 0; len(data) > 0 && n < 200; n++ {
			var rights []byte
			if fds = abs(fds); n < fds%5 {
				rights = unix.UnixRights(pair[1])
			}
			sent, err := unix.SendmsgN(pair[1], data[:min(piece, len(data))], rights, nil, noSignal)
			if err != nil {
				break
			}
			data = data[sent:]
			if n%3 == 0 && !receiveAll(t, c) {
				break
			}
		}
		unix.Close(pair[1])
		receiveAll(t, c)
		c.Close()
		if after := descriptors(t); after > before {
			t.Errorf("got %d open descriptors at the end, want at most %d", after, before)
		}
	})
}

func abs(n int) int { return int(uint(max(n, -n)) >> 1) }

// receiveAll receives what is there, and closes the descriptors that come. It reports whether more can come.
func receiveAll(t *testing.T, c *Conn) bool {
	list, err := c.Receive()
	for _, m := range list {
		if len(m.FDs) > max(0, m.Descriptors) {
			t.Errorf("got %d descriptors for %+v", len(m.FDs), m.Message)
		}
		for _, fd := range m.FDs {
			if fd >= 0 {
				unix.Close(fd)
			}
		}
	}
	if len(c.in) > 4+maxMessage+bufferSize {
		t.Errorf("the connection keeps %d bytes", len(c.in))
	}
	return err == nil
}

// FuzzServer: whatever messages a daemon sends, in whatever order, with or without pipes, the recorder does not panic
// and leaks no descriptor. Each byte of the input is a message about one of three runs.
func FuzzServer(f *testing.F) {
	f.Add([]byte{0, 1, 12, 2, 3, 4, 5}, "text")
	f.Add([]byte{12, 12, 24, 36, 1, 13, 25, 6, 7, 8, 9, 10, 11}, "== run 1 started\n")
	f.Add([]byte("the order is wrong"), "a\x00b\xff\n\n")
	f.Fuzz(func(t *testing.T, order []byte, text string) {
		before := descriptors(t)
		dir := t.TempDir()
		s, daemon := newTestServer(t)
		for _, b := range order[:min(len(order), 40)] {
			sendOne(t, s, dir, b, text[:min(len(text), 10_000)])
			if err := s.endTurn(); err != nil {
				t.Fatal(err)
			}
			discard(daemon)
		}
		s.endTestServer()
		unix.Close(daemon)
		var after int
		for end := time.Now().Add(deadline); time.Now().Before(end); { // other goroutines close pipes
			if after = descriptors(t); after <= before {
				return
			}
		}
		t.Errorf("got %d open descriptors at the end, want at most %d", after, before)
	})
}

// newTestServer returns a recorder in this process, and the socket of its daemon.
func newTestServer(t *testing.T) (*server, int) {
	t.Helper()
	fd, err := NewMemory()
	if err != nil {
		t.Fatal(err)
	}
	arena, err := openArena(fd)
	if err != nil {
		t.Fatal(err)
	}
	wait, err := newWaiter()
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(arena, wait, -1)
	if err := s.prepareCalls(); err != nil {
		t.Fatal(err)
	}
	pair := socketpair(t)
	s.daemon = s.newConn(pair[0])
	s.parent = s.daemon
	return s, pair[1]
}

// endTestServer closes all that the recorder has.
func (s *server) endTestServer() {
	if s.daemon != nil {
		s.hangUp()
	}
	for fd := range s.byFD {
		unix.Close(fd)
	}
	unix.Munmap(s.arena.mem)
	for _, fd := range []int{s.arena.fd, s.wait.all, s.wait.pipes, s.calls.wake[0], s.calls.wake[1]} {
		unix.Close(fd)
	}
}

// sendOne makes the recorder handle a message, which a byte of the input describes, or output of a run.
func sendOne(t *testing.T, s *server, dir string, b byte, text string) {
	kinds := []Kind{Begin, End, Done, Resume, Note, Ready, Change, Hello, "nonsense", Ended, Begin}
	m := Received{Message: Message{Kind: kinds[int(b)%len(kinds)], Run: uint64(b) / 11 % 4, Job: fmt.Sprint("job", b%3), Text: text}}
	if b < 200 {
		m.Log = &Log{Path: filepath.Join(dir, fmt.Sprint(b%2)), MaxSize: 4096 * int64(b%3), Keep: int(b % 3), Timestamps: b%5 == 0}
	}
	m.Over = b%13 == 0
	for range int(b) / 44 % 3 {
		var p [2]int
		if err := unix.Pipe2(p[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
			t.Fatal(err)
		}
		unix.Write(p[1], []byte(text))
		unix.Close(p[1])
		m.FDs = append(m.FDs, p[0])
	}
	switch { // standard output stays open for ever, and only a daemon says hello
	case (m.Kind == Hello || m.Kind == Change) && len(m.FDs) > 0, m.Kind == Hello && s.daemon == nil:
		closeAll([]Received{m})
	default:
		s.handle(m)
	}
	for _, r := range s.ordered() {
		if r.fd >= 0 && b%2 == 0 && !s.stuck {
			s.readPipe(r, readSize)
		}
	}
}

// discard reads what the recorder has sent.
func discard(fd int) {
	f := &Conn{fd: fd}
	for {
		list, err := f.Receive()
		closeAll(list)
		if err != nil && err != io.EOF || len(list) == 0 {
			return
		}
	}
}

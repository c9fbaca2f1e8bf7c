package control

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/trust"
)

// acceptPause is how long the server ignores the listener when no descriptor is left for another connection. The
// listener stays readable, so polling it would make the loop spin.
const acceptPause = time.Second

// acceptShare is the maximum number of connections that one turn accepts.
const acceptShare = 4 * MaxConnections

// Caller is the process at the other end, as the kernel reports it. PID is 0 where the kernel does not report it.
type Caller struct {
	PID, UID int
	Program  string // its name when the server accepted the connection; "": unknown. For information only
}

// Call is a request that waits for its answer. With Denied, it is an attempt by a user who has no permission.
type Call struct {
	ID uint64
	Caller
	Request
	Denied bool
}

// Server is the daemon's end. Only one goroutine uses it, and none of its methods blocks.
type Server struct {
	listener    int // -1: closed
	path        string
	file        os.FileInfo // of the socket, so that Close removes no other file
	conns       []*conn
	pending     map[uint64]*conn
	last        uint64        // ID of the latest call
	pausedUntil time.Duration // monotonic: the loop does not poll the listener before this time
	may         func(uid int) bool
}

// Listen makes the socket in dir. Every user may connect to it, but only root and the user of this process are
// permitted. Listen removes the socket of a dead daemon; the caller holds the lock of the state directory.
func Listen(dir string) (*Server, error) {
	s := &Server{listener: -1, path: filepath.Join(dir, SocketName), pending: map[uint64]*conn{}, may: permitted()}
	if err := s.listen(dir); err != nil {
		s.Close()
		return nil, fmt.Errorf("cannot make the control socket %s: %w", s.path, err)
	}
	return s, nil
}

// Lost reports whether the socket file was removed, so that no client can find it.
func (s *Server) Lost() bool {
	_, err := os.Lstat(s.path)
	return s.listener >= 0 && errors.Is(err, os.ErrNotExist)
}

// Remake makes the socket in dir again. The connections stay open.
func (s *Server) Remake(dir string) error {
	old := s.listener
	if err := s.listen(dir); err != nil {
		if s.listener != old && s.listener >= 0 {
			unix.Close(s.listener)
		}
		s.listener = old
		return fmt.Errorf("cannot make the control socket %s: %w", s.path, err)
	}
	unix.Close(old)
	return nil
}

// Inherit continues with the listening socket that the previous program with the same pid made in dir.
func Inherit(dir string, fd int) (*Server, error) {
	s := &Server{listener: fd, path: filepath.Join(dir, SocketName), pending: map[uint64]*conn{}, may: permitted()}
	file, err := os.Lstat(s.path)
	if err == nil {
		s.file, err = file, prepare(fd)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot take over the control socket %s: %w", s.path, err)
	}
	return s, nil
}

// Detach drops all connections, closes the server, and returns the listening descriptor for the next program.
func (s *Server) Detach() int {
	fd := s.listener
	s.listener = -1
	s.Close()
	return fd
}

// permitted checks the user id that the kernel reports for the peer. In a user namespace the kernel reports the same
// overflow id for every user without a mapping. So that id is never permitted, even if this process has it too.
func permitted() func(uid int) bool { return trust.Self().Mine }

func (s *Server) listen(dir string) error {
	address, done, err := addressOf(dir)
	if err != nil {
		return err
	}
	defer done()
	if err := s.clear(address); err != nil {
		return err
	}
	if s.listener, err = newSocket(); err != nil {
		return err
	}
	if err := unix.Bind(s.listener, &unix.SockaddrUnix{Name: address}); err != nil {
		return err
	}
	if err := unix.Chmod(address, 0o666); err != nil { // independent of the umask, which all threads share
		return err
	}
	if s.file, err = os.Lstat(s.path); err != nil {
		return err
	}
	return unix.Listen(s.listener, MaxConnections)
}

// ErrUsed means that another daemon has the run directory.
var ErrUsed = errors.New("another daemon is using it")

// clear removes a socket that no process listens on.
func (s *Server) clear(address string) error {
	info, err := os.Lstat(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return errors.New("a file that is not a socket has this name; remove it")
	}
	fd, err := newSocket()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: address}); err != unix.ECONNREFUSED {
		return ErrUsed
	}
	return os.Remove(s.path)
}

// newSocket returns a non-blocking, close-on-exec socket. No fork can happen between the two steps, because only the
// loop forks.
func newSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, err
	}
	return fd, prepare(fd)
}

func prepare(fd int) error {
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return err
	}
	return nil
}

// Close closes the socket and all connections, and removes the socket file.
func (s *Server) Close() {
	for _, c := range s.conns {
		unix.Close(c.fd)
	}
	s.conns, s.pending = nil, nil
	if s.listener < 0 {
		return
	}
	unix.Close(s.listener)
	s.listener = -1
	if now, err := os.Lstat(s.path); err == nil && s.file != nil && os.SameFile(now, s.file) {
		os.Remove(s.path)
	}
}

// Polls appends the descriptors of the server to polls. The caller passes the same entries back to Turn.
func (s *Server) Polls(now time.Duration, polls []unix.PollFd) []unix.PollFd {
	listener := unix.PollFd{Fd: int32(s.listener), Events: unix.POLLIN}
	if now < s.pausedUntil {
		listener.Fd = -1
	}
	polls = append(polls, listener)
	for _, c := range s.conns {
		p := unix.PollFd{Fd: int32(c.fd)} // poll reports a hang-up even without events
		switch {
		case len(c.out) > 0:
			p.Events = unix.POLLOUT
		case c.pending == 0:
			p.Events = unix.POLLIN
		}
		polls = append(polls, p)
	}
	return polls
}

// Wait returns how long the loop may wait before it must call Turn even if no descriptor is ready; negative: for
// ever.
func (s *Server) Wait(now time.Duration) time.Duration {
	wait := time.Duration(-1) // for ever
	until := func(t time.Duration) {
		if d := max(0, t-now); wait < 0 || d < wait {
			wait = d
		}
	}
	if now < s.pausedUntil {
		until(s.pausedUntil)
	}
	for _, c := range s.conns {
		switch {
		case c.waiting():
			return 0
		case c.timed():
			until(c.deadline)
		}
	}
	return wait
}

// Turn serves all connections that are ready in polls, drops those whose deadline has passed, and returns the new
// calls. The caller must answer each call that is not Denied.
func (s *Server) Turn(now time.Duration, polls []unix.PollFd) (calls []Call) {
	for i, c := range s.conns {
		switch {
		case c.waiting():
			calls = s.next(c, now, calls)
		case i+1 < len(polls) && polls[i+1].Revents != 0:
			calls = s.serve(c, now, polls[i+1].Revents, calls)
		}
		if c.fd >= 0 && c.timed() && now >= c.deadline {
			s.drop(c)
		}
	}
	s.sweep()
	if len(polls) > 0 && polls[0].Revents != 0 {
		calls = s.accept(now, calls)
	}
	return calls
}

// sweep forgets the dropped connections. It runs at the end of a turn, because Turn matches connections and polls by
// index.
func (s *Server) sweep() {
	kept := s.conns[:0]
	for _, c := range s.conns {
		if c.fd >= 0 {
			kept = append(kept, c)
		}
	}
	clear(s.conns[len(kept):])
	s.conns = kept
}

// Answer sends one line of the answer to a call. If the client has gone, Answer drops the line.
func (s *Server) Answer(now time.Duration, id uint64, r Response) {
	c := s.pending[id]
	if c == nil {
		return
	}
	if r.Last {
		delete(s.pending, id)
		c.pending = 0
	}
	s.send(c, now, r)
	s.sweep()
}

// accept takes the waiting connections. A client without permission gets an error at once and is disconnected, so
// that strangers use up no connections.
func (s *Server) accept(now time.Duration, calls []Call) []Call {
	for range acceptShare {
		fd, _, err := unix.Accept(s.listener)
		switch err {
		case nil:
		case unix.EINTR, unix.ECONNABORTED:
			continue
		case unix.EAGAIN:
			return calls
		default: // no descriptor or no memory
			s.pausedUntil = now + acceptPause
			return calls
		}
		if prepare(fd) != nil {
			continue
		}
		c := &conn{fd: fd, deadline: now + Idle}
		if c.caller, err = peer(fd); err != nil {
			unix.Close(fd)
			continue
		}
		switch {
		case !s.may(c.caller.UID):
			calls = append(calls, Call{Caller: c.caller, Denied: true})
			s.reject(c, now, &Error{NotPermitted, "not permitted: only root and the daemon's own user may do that"})
		case len(s.conns) >= MaxConnections:
			s.reject(c, now, &Error{Busy, fmt.Sprintf("the daemon already has %d connections; try again later", MaxConnections)})
		default:
			s.conns = append(s.conns, c)
			continue
		}
		if c.fd >= 0 { // the answer did not fit into the socket buffer
			s.drop(c)
		}
	}
	return calls
}

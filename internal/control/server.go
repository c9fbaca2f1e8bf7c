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

// deafness is how long the listener is left alone when there is no descriptor for another connection: it stays readable
// and would make the loop spin.
const deafness = time.Second

// acceptShare is how many connections one turn accepts at most.
const acceptShare = 4 * MaxConnections

// Caller is who is at the other end, as the kernel says. PID is 0 where it does not.
type Caller struct {
	PID, UID int
	Program  string // its name, when the connection was accepted; "": unknown. It informs only
}

// Call is what came in: a request that waits for its answer or, with Denied, the attempt of somebody who may not ask.
type Call struct {
	ID uint64
	Caller
	Request
	Denied bool
}

// Server is the daemon's end. One goroutine uses it; none of its methods waits.
type Server struct {
	listener int // -1: closed
	path     string
	file     os.FileInfo // of the socket, to remove no other
	conns    []*conn
	pending  map[uint64]*conn
	last     uint64        // ID of a call
	deaf     time.Duration // monotonic: the listener is not polled before
	may      func(uid int) bool
}

// Listen makes the socket in dir, for all to connect to; root and the user of this process are permitted. What is left
// of a dead daemon is removed: the caller holds the lock of the state directory. The umask of the process is changed for
// a moment.
func Listen(dir string) (*Server, error) {
	s := &Server{listener: -1, path: filepath.Join(dir, SocketName), pending: map[uint64]*conn{}, may: permitted()}
	if err := s.listen(dir); err != nil {
		s.Close()
		return nil, fmt.Errorf("cannot make the control socket %s: %w", s.path, err)
	}
	return s, nil
}

// Inherit goes on with the socket that a program before this one made in dir under the same pid.
func Inherit(dir string, fd int) (*Server, error) {
	s := &Server{listener: fd, path: filepath.Join(dir, SocketName), pending: map[uint64]*conn{}, may: permitted()}
	file, err := os.Lstat(s.path)
	if err == nil {
		s.file, err = file, prepare(fd)
	}
	if err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("cannot go on with the control socket %s: %w", s.path, err)
	}
	return s, nil
}

// Detach drops all connections and returns the listening descriptor, to be handed over. The server is closed.
func (s *Server) Detach() int {
	fd := s.listener
	s.listener = -1
	s.Close()
	return fd
}

// permitted goes by what the kernel says of the peer. In a user namespace that is one and the same number for all who
// are not known there, which is nobody's, though this process may have it too.
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
	umask := unix.Umask(0o111)
	err = unix.Bind(s.listener, &unix.SockaddrUnix{Name: address})
	unix.Umask(umask)
	if err != nil {
		return err
	}
	if s.file, err = os.Lstat(s.path); err != nil {
		return err
	}
	return unix.Listen(s.listener, MaxConnections)
}

// clear removes a socket that nobody listens on.
func (s *Server) clear(address string) error {
	info, err := os.Lstat(s.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return errors.New("a file that is no socket has its name")
	}
	fd, err := newSocket()
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: address}); err != unix.ECONNREFUSED {
		return errors.New("another daemon has it")
	}
	return os.Remove(s.path)
}

// newSocket returns a non-blocking socket that is not inherited. Nothing can fork meanwhile: only the loop does.
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

// Close closes the socket and all connections, and removes it.
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

// Polls appends what is to be polled to polls. Turn wants the same ones back.
func (s *Server) Polls(now time.Duration, polls []unix.PollFd) []unix.PollFd {
	listener := unix.PollFd{Fd: int32(s.listener), Events: unix.POLLIN}
	if now < s.deaf {
		listener.Fd = -1
	}
	polls = append(polls, listener)
	for _, c := range s.conns {
		p := unix.PollFd{Fd: int32(c.fd)} // a hang-up is told in any case
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

// Wait returns in how long Turn must be called even if nothing is ready; negative: never.
func (s *Server) Wait(now time.Duration) time.Duration {
	wait := time.Duration(-1) // never
	until := func(t time.Duration) {
		if d := max(0, t-now); wait < 0 || d < wait {
			wait = d
		}
	}
	if now < s.deaf {
		until(s.deaf)
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

// Turn goes on with all connections that polls says are ready, drops those whose time is up, and returns what is asked.
// Each call that is not Denied is to be answered.
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

// sweep forgets the dropped connections. It is done at the end of a turn: until then their places in polls count.
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

// Answer sends a line of the answer to a call. What comes for a client that has gone is dropped.
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

// accept takes the connections that wait. Who is not permitted is told so and sent away: strangers take no one's place.
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
			s.deaf = now + deafness
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
			s.reject(c, now, &Error{NotPermitted, "not permitted: only root and the daemon's own user may"})
		case len(s.conns) >= MaxConnections:
			s.reject(c, now, &Error{Busy, fmt.Sprintf("the daemon has %d connections already", MaxConnections)})
		default:
			s.conns = append(s.conns, c)
			continue
		}
		if c.fd >= 0 { // it did not fit into an empty buffer
			s.drop(c)
		}
	}
	return calls
}

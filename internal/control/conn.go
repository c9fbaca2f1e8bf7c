package control

import (
	"bytes"
	"time"

	"golang.org/x/sys/unix"
)

// conn is a connection. It handles one request at a time: the server reads the next line only when the client has the
// whole answer to the last request. This bounds the buffers.
type conn struct {
	fd       int
	caller   Caller
	in, out  []byte
	pending  uint64        // ID of the call whose answer is not complete; 0: none
	eof      bool          // no more requests
	closing  bool          // the server closes the connection when out is empty
	deadline time.Duration // monotonic; ignored while a call is pending and out is empty
}

func (c *conn) timed() bool { return c.pending == 0 || len(c.out) > 0 }

// waiting reports whether the next request arrived together with one that now has its answer.
func (c *conn) waiting() bool {
	return c.pending == 0 && len(c.out) == 0 && bytes.IndexByte(c.in, '\n') >= 0
}

func (s *Server) drop(c *conn) {
	delete(s.pending, c.pending)
	unix.Close(c.fd)
	c.fd = -1
}

func (s *Server) serve(c *conn, now time.Duration, ready int16, calls []Call) []Call {
	if ready&(unix.POLLERR|unix.POLLNVAL) != 0 || ready&unix.POLLHUP != 0 && !c.timed() {
		s.drop(c) // the waiting client has gone
		return calls
	}
	s.flush(c)
	if c.fd < 0 || c.pending != 0 || len(c.out) > 0 || c.closing {
		return calls
	}
	if !c.read() {
		s.drop(c)
		return calls
	}
	return s.next(c, now, calls)
}

// read reads what is available, up to one line of the maximum length. It returns false if the connection is dead.
func (c *conn) read() bool {
	buf := make([]byte, MaxLine-len(c.in))
	if len(buf) == 0 {
		return true
	}
	n, err := unix.Read(c.fd, buf)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
	case err != nil:
		return false
	case n == 0:
		c.eof = true
	default:
		c.in = append(c.in, buf[:n]...)
	}
	return true
}

// next takes one request out of the input if a whole one is there.
func (s *Server) next(c *conn, now time.Duration, calls []Call) []Call {
	line, rest, whole := bytes.Cut(c.in, []byte("\n"))
	switch {
	case !whole && len(c.in) >= MaxLine:
		s.reject(c, now, bad("the request has more than %d bytes", MaxLine))
	case !whole && c.eof:
		s.drop(c)
	case whole:
		r, err := Parse(line)
		c.in = append([]byte(nil), rest...)
		if err != nil {
			s.reject(c, now, err)
			return calls
		}
		s.last++
		c.pending = s.last
		s.pending[c.pending] = c
		calls = append(calls, Call{ID: c.pending, Caller: c.caller, Request: r})
	}
	return calls
}

// reject answers with an error and ends the connection. The server does not listen to a client after a malformed
// request.
func (s *Server) reject(c *conn, now time.Duration, err *Error) {
	c.closing = true
	s.send(c, now, Response{Error: err, Last: true})
}

func (s *Server) send(c *conn, now time.Duration, r Response) {
	r.Version = Version
	c.out = append(c.out, encode(r)...)
	c.deadline = now + Idle
	s.flush(c)
}

// flush writes as much as the client accepts now.
func (s *Server) flush(c *conn) {
	if len(c.out) > 0 {
		n, err := unix.Write(c.fd, c.out)
		if err != nil && err != unix.EAGAIN && err != unix.EINTR {
			s.drop(c)
			return
		}
		c.out = c.out[max(n, 0):]
	}
	if len(c.out) == 0 && c.closing {
		s.drop(c)
	}
}

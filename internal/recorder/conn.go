package recorder

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
)

const (
	// maxMessage is the longest message, in bytes.
	maxMessage = 1 << 20
	// maxText is how much of a text is sent if the message is longer than that. JSON may need six bytes for one.
	maxText = 64 << 10
)

// Conn is one end of the socket between the daemon and the recorder. It never blocks: what the socket does not take
// waits in memory for the next Flush.
//
// A message is its length in four bytes and JSON. It has at most one descriptor, which comes with its first byte. One
// system call sends at most one descriptor. So they cannot be mixed up whatever pieces the stream comes in, and if a
// process cannot receive one, because it has too many open files, it knows to which message it belongs.
type Conn struct {
	fd  int
	out []frame
	in  []byte
	fds []int // received, and not yet part of a message; -1: it could not be received

	plain   bool // no descriptors come any more
	highest int  // descriptor that was received
	noRoom  bool // there are too few free descriptors to receive more
	refused bool // the kernel refuses to send descriptors, because too many are on their way
	probes  []int

	// These buffers are kept, so that a thousand runs that start at once make no garbage.
	joined, data, rights []byte
}

const bufferSize = 64 << 10

type frame struct {
	data    []byte
	fds     []int
	message *Message // nil: it has no descriptor
}

func encode(m Message) []byte {
	const head = 4
	data := appendMessage(make([]byte, head, 384), &m)
	if len(data)-head > maxMessage && len(m.Text) > maxText {
		m.Text = plain.Cut(m.Text, maxText)
		return encode(m)
	}
	binary.BigEndian.PutUint32(data, uint32(len(data)-head))
	return data
}

// NewConn returns a connection over a stream socket. It sets the socket to non-blocking.
func NewConn(fd int) (*Conn, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return nil, err
	}
	return &Conn{fd: fd}, nil
}

// FD returns the descriptor of the socket, for poll.
func (c *Conn) FD() int { return c.fd }

// Close closes the socket.
func (c *Conn) Close() {
	unix.Close(c.fd)
	for _, fd := range c.fds {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
	c.fd, c.fds = -1, nil
}

// Send queues a message with at most one descriptor, which must stay open until the message is sent, withdrawn or
// stripped.
func (c *Conn) Send(m Message, fds ...int) {
	m.Descriptors = len(fds)
	f := frame{data: encode(m), fds: fds}
	if len(fds) > 0 {
		f.message = &m
	}
	c.out = append(c.out, f)
}

// Withdraw takes back the queued messages with a descriptor that is about to be closed.
func (c *Conn) Withdraw(fd int) {
	c.out = slices.DeleteFunc(c.out, func(f frame) bool { return slices.Contains(f.fds, fd) })
}

// Strip makes the queued messages with a descriptor that is about to be closed go without it.
func (c *Conn) Strip(fd int) {
	for i, f := range c.out {
		if slices.Contains(f.fds, fd) {
			f.message.Descriptors = 0
			c.out[i] = frame{data: encode(*f.message)}
		}
	}
}

// Waiting reports whether messages wait until the socket is writable.
func (c *Conn) Waiting() bool { return len(c.out) > 0 && !c.refused }

// Queued returns how many messages are not sent yet.
func (c *Conn) Queued() int { return len(c.out) }

// Flush writes what the socket takes.
func (c *Conn) Flush() error {
	c.refused = false
	for len(c.out) > 0 {
		data, fds := c.join()
		var rights []byte
		if len(fds) > 0 {
			rights = unix.UnixRights(fds...)
		}
		n, err := unix.SendmsgN(c.fd, data, rights, nil, noSignal)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN || err == unix.ENOBUFS:
			return nil
		case err == unix.ETOOMANYREFS && len(fds) > 0:
			c.refused = true
			return nil
		case err != nil:
			return fmt.Errorf("cannot send: %w", err)
		}
		c.sent(n, len(fds))
	}
	c.out = nil
	return nil
}

// join returns the messages that go into the next system call. Many small messages wait when many runs start or end at
// once.
func (c *Conn) join() (data []byte, fds []int) {
	if len(c.out) == 1 {
		return c.out[0].data, c.out[0].fds
	}
	data = c.joined[:0]
	for i, f := range c.out {
		if i > 0 && (len(data)+len(f.data) > bufferSize || len(fds)+len(f.fds) > 1) {
			break
		}
		data, fds = append(data, f.data...), append(fds, f.fds...)
	}
	if cap(data) <= 2*bufferSize {
		c.joined = data
	}
	return data, fds
}

// sent forgets n bytes and a number of descriptors, which all went with the first byte.
func (c *Conn) sent(n, fds int) {
	for i := 0; fds > 0; i++ {
		fds -= len(c.out[i].fds)
		c.out[i].fds, c.out[i].message = nil, nil
	}
	for len(c.out) > 0 && n >= len(c.out[0].data) {
		n -= len(c.out[0].data)
		c.out[0] = frame{}
		c.out = c.out[1:]
	}
	if n > 0 {
		c.out[0].data = c.out[0].data[n:]
	}
}

// Received is a message with its descriptors, which belong to the receiver. A descriptor is missing if the receiver has
// too many open files.
type Received struct {
	Message
	FDs []int
}

var errDescriptors = errors.New("a message came without its descriptors")

// Receive returns the messages that have arrived. The error is io.EOF if the other end has closed the connection;
// messages before it are returned first. While the process lacks room for descriptors, Receive receives nothing, see
// Resting.
func (c *Conn) Receive() ([]Received, error) {
	var list []Received
	limit := descriptorLimit()
	for {
		if c.noRoom = !c.hasRoom(limit); c.noRoom {
			return list, nil
		}
		err := c.read()
		for err == nil || err == unix.EAGAIN || err == io.EOF {
			m, ok, wrong := c.next()
			if wrong != nil {
				return list, wrong
			}
			if !ok {
				break
			}
			list = append(list, m)
		}
		if err == unix.EAGAIN {
			return list, nil
		}
		if err != nil {
			return list, err
		}
	}
}

func (c *Conn) read() error {
	if c.data == nil {
		c.data, c.rights = make([]byte, bufferSize), make([]byte, unix.CmsgSpace(4*2))
	}
	n, oobn, flags, _, err := unix.Recvmsg(c.fd, c.data, c.rights, receiveFlags)
	switch {
	case err == unix.EINTR:
		return nil
	case err == unix.EAGAIN:
		return err
	case err != nil:
		return fmt.Errorf("cannot receive: %w", err)
	}
	messages, err := unix.ParseSocketControlMessage(c.rights[:oobn])
	if err != nil {
		return fmt.Errorf("cannot receive: %w", err)
	}
	had := len(c.fds)
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			if !receivesCloseOnExec {
				unix.CloseOnExec(fd)
			}
			c.highest = max(c.highest, fd)
		}
		c.fds = append(c.fds, fds...)
	}
	if flags&unix.MSG_CTRUNC != 0 && len(c.fds) == had {
		c.fds = append(c.fds, -1)
	}
	if n == 0 {
		return io.EOF
	}
	c.in = append(c.in, c.data[:n]...)
	return nil
}

// next takes one message off the bytes that have arrived.
func (c *Conn) next() (r Received, ok bool, err error) {
	if len(c.in) < 4 {
		return r, false, nil
	}
	n := int(binary.BigEndian.Uint32(c.in))
	if n > maxMessage {
		return r, false, fmt.Errorf("a message of %d bytes is too long", n)
	}
	if len(c.in) < 4+n {
		return r, false, nil
	}
	if r.Message, err = parseMessage(c.in[4 : 4+n]); err != nil {
		return r, false, fmt.Errorf("cannot understand a message: %w", err)
	}
	c.in = c.in[4+n:]
	if k := r.Descriptors; k < 0 || k > len(c.fds) {
		return r, false, errDescriptors
	} else if k > 0 {
		r.FDs = slices.DeleteFunc(slices.Clone(c.fds[:k]), func(fd int) bool { return fd < 0 })
		c.fds = c.fds[k:]
	}
	return r, true, nil
}

package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// ErrNoDaemon means that no daemon listens on the socket.
var ErrNoDaemon = errors.New("no daemon is running")

// ErrLost means that the daemon ended the connection before it had answered.
var ErrLost = errors.New("lost the connection to the daemon")

// Client is the client's end of a connection.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
}

// Dial connects to the daemon of a run directory. The error wraps ErrNoDaemon if there is none.
func Dial(dir string) (*Client, error) {
	address, done, err := addressOf(dir)
	if err == nil {
		defer done()
		var conn net.Conn
		if conn, err = dial(address, time.Now().Add(Idle)); err == nil {
			return &Client{conn, bufio.NewReader(conn)}, nil
		}
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		err = fmt.Errorf("%w: %w", ErrNoDaemon, err)
	}
	return nil, fmt.Errorf("cannot reach the daemon: %w", err)
}

// dial retries while the queue of the daemon's socket is full.
func dial(address string, deadline time.Time) (net.Conn, error) {
	for {
		conn, err := net.Dial("unix", address)
		if !errors.Is(err, syscall.EAGAIN) || time.Now().After(deadline) {
			return conn, err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Ask sends a request and returns the first line of the answer, which must come within Idle. If the daemon answers
// with an error, Ask returns that error.
func (c *Client) Ask(r Request) (Response, error) {
	r.Version = Version
	line := encode(r)
	if len(line) > MaxLine {
		return Response{}, bad("the request has more than %d bytes", MaxLine)
	}
	if err := c.conn.SetDeadline(time.Now().Add(Idle)); err != nil {
		return Response{}, fmt.Errorf("cannot ask the daemon: %w", err)
	}
	// The daemon rejects some clients without reading, so an answer may come even if the write fails.
	_, wrote := c.conn.Write(line)
	answer, err := c.Next()
	var e *Error
	if wrote != nil && err != nil && !errors.As(err, &e) {
		err = fmt.Errorf("cannot ask the daemon: %w: %w", ErrLost, wrote)
	}
	c.conn.SetDeadline(time.Time{})
	return answer, err
}

// Next returns the next line of the answer.
func (c *Client) Next() (Response, error) {
	var r Response
	line, err := c.in.ReadBytes('\n')
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return r, errors.New("the daemon did not answer in time")
	}
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrLost, err)
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("cannot read the daemon's answer: %w", err)
	}
	if r.Version != Version {
		return r, fmt.Errorf("the daemon uses protocol version %d, but this jobsd uses %d; use the same version of both",
			r.Version, Version)
	}
	if r.Error != nil {
		return r, r.Error
	}
	return r, nil
}

// NextBefore is Next with a time limit.
func (c *Client) NextBefore(deadline time.Time) (Response, error) {
	if err := c.conn.SetReadDeadline(deadline); err != nil {
		return Response{}, fmt.Errorf("cannot wait for the daemon: %w", err)
	}
	return c.Next()
}

// Close ends the connection. The daemon still carries out the request.
func (c *Client) Close() { c.conn.Close() }

package spawn

import (
	"bytes"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/spawn/shim"
)

// Handshake is the daemon's end of a shim's pipe. To stop waiting for a shim, kill its group and call Close.
type Handshake struct {
	fd       int
	name     string // the program's name
	received []byte
}

// newHandshake returns a handshake and the shim's end of its pipe. Only the daemon's end is non-blocking; each end
// has its own flags.
func newHandshake(name string) (h *Handshake, w int, err error) {
	r, w, err := pipe()
	if err != nil {
		return nil, -1, err
	}
	h = &Handshake{fd: r, name: name}
	if _, err := unix.FcntlInt(uintptr(r), unix.F_SETFL, unix.O_NONBLOCK); err != nil {
		h.Close()
		unix.Close(w)
		return nil, -1, err
	}
	return h, w, nil
}

// FD is readable when Result has news. The loop adds it to its poll set. It is -1 after Close.
func (h *Handshake) FD() int { return h.fd }

// Result never blocks. If done is false, call it again when FD is readable. If done is true and err is nil, the
// process has become the program. If done is true and err is not nil, the process has ended or is about to end, and
// its exit status means nothing. The loop may reap the status before it has the result.
func (h *Handshake) Result() (done bool, err *Error) {
	var b [1024]byte
	for {
		switch n, err := unix.Read(h.fd, b[:]); {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return false, nil
		case err != nil || n == 0:
			return true, h.verdict()
		default:
			h.received = append(h.received, b[:n]...)
		}
	}
}

// verdict interprets what the shim wrote before its end of the pipe was closed, by exec or by its death.
func (h *Handshake) verdict() *Error {
	message := bytes.TrimLeft(h.received, string(shim.Ready)) // twice if a quick shim became a shim
	if len(h.received) > 0 && len(message) == 0 {
		return nil
	}
	stage, errno, path, detail, ok := shim.Report(message)
	if !ok {
		return &Error{Stage: StageShim, Errno: syscall.ECANCELED, Path: h.name}
	}
	return &Error{Stage: stage, Errno: errno, Path: path, Detail: detail}
}

// Close frees the pipe. It may be called at any time, and more than once.
func (h *Handshake) Close() {
	if h.fd >= 0 {
		unix.Close(h.fd)
		h.fd = -1
	}
}

//go:build !linux

package recorder

import "golang.org/x/sys/unix"

// A socket that nobody reads reports EPIPE: a Go program ignores SIGPIPE for descriptors above 2.
const (
	noSignal            = 0
	receiveFlags        = 0
	receivesCloseOnExec = false
)

// fionread asks for the number of bytes in a pipe: _IOR('f', 127, int), which x/sys/unix lacks on FreeBSD.
const fionread = 0x4004667f

// peerUID returns the user of the process at the other end of a socket.
func peerUID(fd int) (int, error) {
	c, err := unix.GetsockoptXucred(fd, 0, unix.LOCAL_PEERCRED) // 0 is SOL_LOCAL
	if err != nil {
		return -1, err
	}
	return int(c.Uid), nil
}

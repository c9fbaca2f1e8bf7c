package recorder

import "golang.org/x/sys/unix"

const (
	noSignal     = unix.MSG_NOSIGNAL
	receiveFlags = unix.MSG_CMSG_CLOEXEC
	// receivesCloseOnExec says that descriptors are close-on-exec when they arrive.
	receivesCloseOnExec = true
)

// fionread asks for the number of bytes in a pipe.
const fionread = unix.TIOCINQ

// peerUID returns the user of the process at the other end of a socket.
func peerUID(fd int) (int, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return -1, err
	}
	return int(c.Uid), nil
}

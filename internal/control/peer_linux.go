package control

import "golang.org/x/sys/unix"

// hasFDPath says that a path in /proc/self/fd leads into an open directory.
const hasFDPath = true

func peer(fd int) (Caller, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Caller{}, err
	}
	return Caller{PID: int(c.Pid), UID: int(c.Uid)}, nil
}

//go:build !linux

package control

import "golang.org/x/sys/unix"

const hasFDPath = false

func peer(fd int) (Caller, error) {
	c, err := unix.GetsockoptXucred(fd, 0, unix.LOCAL_PEERCRED) // 0 is SOL_LOCAL
	if err != nil {
		return Caller{}, err
	}
	return Caller{UID: int(c.Uid)}, nil
}

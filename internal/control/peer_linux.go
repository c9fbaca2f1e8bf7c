package control

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// hasFDPath says that a path in /proc/self/fd leads into an open directory.
const hasFDPath = true

func peer(fd int) (Caller, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Caller{}, err
	}
	return Caller{PID: int(c.Pid), UID: int(c.Uid), Exe: program(fd, int(c.Pid))}, nil
}

// program returns the program of the peer. While the pid is the peer's, which its pidfd tells afterwards, nobody else
// can have it. Before Linux 6.5 the socket has no pidfd to give, and the pid is believed.
func program(fd, pid int) string {
	pidfd, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	if err == nil {
		defer unix.Close(pidfd)
	} else if err != unix.ENOPROTOOPT {
		return "" // it has gone
	}
	exe, _ := os.Readlink("/proc/" + strconv.Itoa(pid) + "/exe")
	if err == nil && unix.PidfdSendSignal(pidfd, 0, nil, 0) == unix.ESRCH {
		return ""
	}
	return exe
}

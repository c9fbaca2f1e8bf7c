package control

import (
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
)

// hasFDPath reports whether a path in /proc/self/fd leads into an open directory.
const hasFDPath = true

func peer(fd int) (Caller, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Caller{}, err
	}
	return Caller{PID: int(c.Pid), UID: int(c.Uid), Program: program(fd, int(c.Pid))}, nil
}

// program returns the name of the peer's program. No other process can have the pid while the peer holds it, and the
// peer's pidfd shows afterwards whether it still did. Before Linux 6.5 a socket has no pidfd, so program trusts the
// pid.
//
// The path of the program would say more. But a client can be in the middle of an exec that never ends, and then
// reading /proc/PID/exe would block. Reading the name never blocks.
func program(fd, pid int) string {
	pidfd, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	if err == nil {
		defer unix.Close(pidfd)
	} else if err != unix.ENOPROTOOPT {
		return "" // the peer has gone
	}
	name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err == nil && unix.PidfdSendSignal(pidfd, 0, nil, 0) == unix.ESRCH {
		return ""
	}
	return plain.Mask(strings.TrimSuffix(string(name), "\n"), '?') // a process can give itself any name
}

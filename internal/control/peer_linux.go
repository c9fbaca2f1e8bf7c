package control

import (
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"
)

// hasFDPath says that a path in /proc/self/fd leads into an open directory.
const hasFDPath = true

func peer(fd int) (Caller, error) {
	c, err := unix.GetsockoptUcred(fd, unix.SOL_SOCKET, unix.SO_PEERCRED)
	if err != nil {
		return Caller{}, err
	}
	return Caller{PID: int(c.Pid), UID: int(c.Uid), Program: program(fd, int(c.Pid))}, nil
}

// program returns the name of the peer's program. While the pid is the peer's, which its pidfd tells afterwards, nobody
// else can have it. Before Linux 6.5 the socket has no pidfd to give, and the pid is believed.
//
// The path of the program would say more, but anybody who may connect can be in the middle of an exec that never ends,
// and then /proc/PID/exe keeps its reader waiting. The name does not.
func program(fd, pid int) string {
	pidfd, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEERPIDFD)
	if err == nil {
		defer unix.Close(pidfd)
	} else if err != unix.ENOPROTOOPT {
		return "" // it has gone
	}
	name, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err == nil && unix.PidfdSendSignal(pidfd, 0, nil, 0) == unix.ESRCH {
		return ""
	}
	return strings.Map(printable, strings.TrimSuffix(string(name), "\n"))
}

// printable has a question mark for what a terminal would obey: a process gives itself any name.
func printable(r rune) rune {
	if !unicode.IsPrint(r) {
		return '?'
	}
	return r
}

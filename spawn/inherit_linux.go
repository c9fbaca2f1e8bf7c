package spawn

import (
	"strings"

	"golang.org/x/sys/unix"
)

// This file removes what a process must not inherit from the daemon or from the daemon's parent.

// oomScore holds the daemon's oom_score_adj (proc_pid_oom_score_adj(5)) if children must have another one.
type oomScore struct {
	fd        int // -1: children inherit the daemon's score
	own, born string
}

var oom = oomScore{fd: -1}

// readOOMScore determines the score of children. A negative score protects only the daemon when memory runs out, so
// children get 0. A positive score means that the kernel kills everything started here first, so children keep it.
func readOOMScore() {
	fd, err := unix.Open("/proc/self/oom_score_adj", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	var b [16]byte
	n, _ := unix.Read(fd, b[:])
	own := strings.TrimSpace(string(b[:max(0, n)]))
	born := scoreOfChildren(own)
	if born == own {
		unix.Close(fd)
		return
	}
	oom = oomScore{fd, own, born}
}

func scoreOfChildren(own string) string {
	if strings.HasPrefix(own, "-") {
		return "0"
	}
	return own
}

// lend gives this process the score of a child until the caller calls back. Writing the child's score after the fork
// would be too late for processes that the child has already started. A process that raised its own score may lower
// it again to the old value.
func (o oomScore) lend() (back func()) {
	if o.fd < 0 {
		return func() {}
	}
	unix.Write(o.fd, []byte(o.born))
	return func() { unix.Write(o.fd, []byte(o.own)) }
}

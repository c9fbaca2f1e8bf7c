package spawn

import (
	"strings"

	"golang.org/x/sys/unix"
)

// What a process must not inherit of the daemon, or of whoever started it.

// joinKeyring gives this thread a session keyring of its own, without a name, which is empty: a child inherits that of
// the thread that forks it, and with it whatever its keys open. A kernel without keyrings, or a container that may not
// use them, is no error.
func joinKeyring() error {
	_, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	if err == unix.ENOSYS || err == unix.EPERM {
		return nil
	}
	return err
}

// oomScore is what proc_pid_oom_score_adj(5) says of the daemon, if that is not for its children.
type oomScore struct {
	fd        int // -1: the children may have the daemon's own
	own, born string
}

var oom = oomScore{fd: -1}

// readOOMScore finds out which score the children are born with: a score below zero protects the daemon alone from a lack
// of memory, while one above it says that all that is started here is to go first.
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

// lend gives this process the score of a child, until the returned function takes it back. To write it for the child
// after the fork would be too late for what that has started by then. Whoever has raised their own score may lower it to
// where it was.
func (o oomScore) lend() (back func()) {
	if o.fd < 0 {
		return func() {}
	}
	unix.Write(o.fd, []byte(o.born))
	return func() { unix.Write(o.fd, []byte(o.own)) }
}

package durable

import (
	"os"

	"golang.org/x/sys/unix"
)

// Lock takes the flock(2) of a file or directory, which nobody but its holder can release. Without wait it returns
// EWOULDBLOCK if another process holds the lock.
func Lock(f *os.File, wait bool) error {
	how := unix.LOCK_EX | unix.LOCK_NB
	if wait {
		how = unix.LOCK_EX
	}
	for {
		if err := unix.Flock(int(f.Fd()), how); err != unix.EINTR {
			return err
		}
	}
}

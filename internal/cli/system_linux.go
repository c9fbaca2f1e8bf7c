package cli

import "golang.org/x/sys/unix"

// zombie reports whether the process has ended but its parent has not reaped it yet. Its pidfd is readable then, see
// pidfd_open(2). In a container whose first process does not reap, a process may stay a zombie forever.
func zombie(pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	polls := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
	n, err := unix.Poll(polls, 0)
	return err == nil && n > 0
}

package cli

import "golang.org/x/sys/unix"

// bootClockID is the clock in which the daemon says when a reload began. It counts sleep too.
const bootClockID = unix.CLOCK_BOOTTIME

// zombie says whether the process has ended, although its parent has not asked for its status yet: its pidfd is
// readable then, says pidfd_open(2). In a container whose first process reaps nothing that may be so for ever.
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

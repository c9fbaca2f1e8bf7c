package runner

import "golang.org/x/sys/unix"

// openPipe makes a pipe whose ends are close-on-exec.
func openPipe(fds []int) error { return unix.Pipe2(fds, unix.O_CLOEXEC) }

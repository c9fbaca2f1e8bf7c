//go:build !linux

package runner

import "golang.org/x/sys/unix"

// openPipe makes a pipe whose ends are close-on-exec. Only the loop forks, so no child inherits them before they are.
func openPipe(fds []int) error {
	if err := unix.Pipe(fds); err != nil {
		return err
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
	}
	return nil
}

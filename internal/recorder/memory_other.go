//go:build !linux

package recorder

import (
	"os"

	"golang.org/x/sys/unix"
)

// NewMemory returns a descriptor of new memory for a recorder: a temporary file without a name.
func NewMemory() (int, error) {
	f, err := os.CreateTemp("", "jobsd-recorder-")
	if err != nil {
		return -1, err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return -1, err
	}
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	return fd, err
}

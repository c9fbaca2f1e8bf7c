//go:build !linux

package notify

import (
	"os"

	"golang.org/x/sys/unix"
)

// newMemory returns a descriptor of an empty temporary file without a name.
func newMemory() (int, error) {
	f, err := os.CreateTemp("", "jobsd-input-")
	if err != nil {
		return -1, err
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return -1, err
	}
	return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}

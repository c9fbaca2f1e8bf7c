package statefile

import (
	"os"

	"golang.org/x/sys/unix"
)

// dataSync makes the contents of a file durable, and the metadata needed to read them: fdatasync(2).
func dataSync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}

// dup does what dup2(2) does, which some Linux architectures lack.
func dup(from, to int) error { return unix.Dup3(from, to, unix.O_CLOEXEC) }

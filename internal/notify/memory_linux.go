package notify

import (
	"os"

	"golang.org/x/sys/unix"
)

// newMemory returns a descriptor of an empty file in memory. Nobody can execute the file. Where vm.memfd_noexec is 2,
// the kernel refuses any other; before Linux 6.3, it does not know that flag.
func newMemory() (int, error) {
	const name = "jobsd input"
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	if err != nil {
		return -1, os.NewSyscallError("memfd_create", err)
	}
	return fd, os.NewSyscallError("fchmod", unix.Fchmod(fd, 0o600)) // it has no name, but /proc leads to it
}

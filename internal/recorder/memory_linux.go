package recorder

import "golang.org/x/sys/unix"

// NewMemory returns a descriptor of new memory for a recorder. Some systems refuse memory that could be executed, see
// vm.memfd_noexec; Linux before 6.3 does not know the flag.
func NewMemory() (int, error) {
	const name = "jobsd recorder"
	fd, err := unix.MemfdCreate(name, unix.MFD_CLOEXEC|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL {
		fd, err = unix.MemfdCreate(name, unix.MFD_CLOEXEC)
	}
	return fd, err
}

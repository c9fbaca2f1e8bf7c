package control

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// addressOf returns a path to the socket in dir that fits into a socket address, and a function that releases it
// after use. If the real path is too long, the short one goes through a descriptor of the directory, on systems that
// support this.
func addressOf(dir string) (string, func(), error) {
	path := filepath.Join(dir, SocketName)
	room := len(unix.RawSockaddrUnix{}.Path) - 1
	if len(path) <= room {
		return path, func() {}, nil
	}
	if !hasFDPath {
		return "", nil, fmt.Errorf("the path has %d bytes, but a socket address holds only %d; use a shorter run directory",
			len(path), room)
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", fd, SocketName), func() { unix.Close(fd) }, nil
}

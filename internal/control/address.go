package control

import (
	"fmt"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// addressOf returns a name of the socket in dir that a socket address has room for, and what ends its use. A long one
// goes over a descriptor of the directory, where the system can do that.
func addressOf(dir string) (string, func(), error) {
	path := filepath.Join(dir, SocketName)
	room := len(unix.RawSockaddrUnix{}.Path) - 1
	if len(path) <= room {
		return path, func() {}, nil
	}
	if !hasFDPath {
		return "", nil, fmt.Errorf("the path has %d bytes, more than the %d of a socket address", len(path), room)
	}
	fd, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", fd, SocketName), func() { unix.Close(fd) }, nil
}

package recorder

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// socketName is the name of the socket in the run directory by which a new daemon finds the recorder of the old one.
const socketName = "recorder.sock"

// Listen returns a socket on which a new recorder waits for later daemons. It takes the place of one that is there.
func Listen(runDir string) (int, error) {
	fd, err := newSocket()
	if err != nil {
		return -1, fmt.Errorf("cannot make the socket of the recorder: %w", err)
	}
	path := filepath.Join(runDir, socketName)
	os.Remove(path)
	err = unix.Bind(fd, &unix.SockaddrUnix{Name: path})
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err == nil {
		err = unix.Listen(fd, 4)
	}
	if err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("cannot make %s: %w", path, err)
	}
	return fd, nil
}

// Connect returns a connection to the recorder that an earlier daemon left. It does not wait. The error is ECONNREFUSED
// if that recorder was killed: one that ends by itself removes its socket.
func Connect(runDir string) (*Conn, error) {
	fd, err := newSocket()
	if err != nil {
		return nil, err
	}
	err = unix.Connect(fd, &unix.SockaddrUnix{Name: filepath.Join(runDir, socketName)})
	if err == nil {
		var uid int
		if uid, err = peerUID(fd); err == nil && uid != os.Geteuid() {
			err = os.ErrPermission
		}
	}
	if err != nil {
		unix.Close(fd)
		return nil, err
	}
	return &Conn{fd: fd}, nil
}

// socketFile is the file of a listening socket.
type socketFile struct {
	path  string
	inode uint64
}

// fileOf returns the file of a listening socket.
func fileOf(fd int) (f socketFile) {
	address, err := unix.Getsockname(fd)
	var st unix.Stat_t
	if a, ok := address.(*unix.SockaddrUnix); err == nil && ok && unix.Lstat(a.Name, &st) == nil {
		f = socketFile{a.Name, st.Ino}
	}
	return f
}

// exists reports whether the file is still there.
func (f socketFile) exists() bool {
	var st unix.Stat_t
	return f.path != "" && unix.Lstat(f.path, &st) == nil && st.Ino == f.inode
}

// remove removes the file, unless another socket has taken its place.
func (f socketFile) remove() {
	if f.exists() {
		unix.Unlink(f.path)
	}
}

// newSocket returns a socket that does not block.
func newSocket() (int, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, err
	}
	unix.CloseOnExec(fd)
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// Pair returns the two ends of a new connection: that of the daemon, and a descriptor for a new recorder.
func Pair() (*Conn, int, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, -1, err
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	c, err := NewConn(fds[0])
	if err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, -1, err
	}
	return c, fds[1], nil
}

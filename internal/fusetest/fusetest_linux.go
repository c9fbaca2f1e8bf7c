package fusetest

import (
	"encoding/binary"
	"fmt"
	"os"
	"syscall"
	"testing"
)

// Operations of linux/fuse.h.
const (
	lookup  = 1
	getattr = 3
	open    = 14
	read    = 15
	flush   = 25
	initOp  = 26
	opendir = 27
)

// Hang mounts a file system that answers nothing until release is called.
func Hang(t testing.TB) (dir string, release func()) {
	needsRoot(t)
	dir = t.TempDir()
	return dir, HangAt(t, dir, 0)
}

// HangAt mounts such a file system on a directory for a user, as fusermount(1) does.
func HangAt(t testing.TB, dir string, uid int) (release func()) {
	return mount(t, dir, uid, func(uint32, uint64) (body []byte, answered bool) { return nil, false })
}

// HangOnClose mounts a file system with a file that a process can open. A process that closes it hangs until release is
// called. flushes receives a value for each such process.
//
// A process that has the file open with close-on-exec hangs in the middle of its exec. Then nobody can read its
// environment, and a process that reads its stat, environ, io or exe in /proc hangs too.
func HangOnClose(t testing.TB) (file string, flushes <-chan bool, release func()) {
	closing := make(chan bool, 1000)
	dir, release := oneFile(t, flush, closing)
	return dir + "/file", closing, release
}

// oneFile mounts a file system with one file and hangs on one operation.
func oneFile(t testing.TB, hang uint32, hanging chan<- bool) (dir string, release func()) {
	const root, node = 1, 2
	needsRoot(t)
	dir = t.TempDir()
	release = mount(t, dir, 0, func(op uint32, of uint64) (body []byte, answered bool) {
		switch op {
		case lookup:
			body = make([]byte, 40)
			binary.NativeEndian.PutUint64(body, node)
			return append(body, attr(node, syscall.S_IFREG|0o644)...), true
		case getattr:
			if of == root {
				return append(make([]byte, 16), attr(root, syscall.S_IFDIR|0o755)...), true
			}
			return append(make([]byte, 16), attr(of, syscall.S_IFREG|0o644)...), true
		case open, opendir:
			return make([]byte, 16), true
		case hang:
			hanging <- true
			return nil, false
		}
		return nil, true
	})
	return dir, release
}

// HangOnRead mounts a file system with a file that a process can map. A process that reads the file or the mapping hangs
// until release is called. reads receives a value for each such process.
func HangOnRead(t testing.TB) (file string, reads <-chan bool, release func()) {
	reading := make(chan bool, 1000)
	dir, release := oneFile(t, read, reading)
	return dir + "/file", reading, release
}

// attr is a struct fuse_attr.
func attr(node uint64, mode uint32) []byte {
	b := make([]byte, 88)
	binary.NativeEndian.PutUint64(b, node)
	binary.NativeEndian.PutUint64(b[8:], 4096) // size
	binary.NativeEndian.PutUint32(b[60:], mode)
	binary.NativeEndian.PutUint32(b[64:], 1) // links
	return b
}

func needsRoot(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a file system")
	}
}

// mount mounts a file system. answer returns a body, nil for an error, or answered = false to never answer.
func mount(t testing.TB, dir string, uid int, answer func(op uint32, node uint64) (body []byte, answered bool)) (release func()) {
	t.Helper()
	needsRoot(t)
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("needs FUSE: ", err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=%d,group_id=%[2]d,allow_other", fd, uid)
	if err := syscall.Mount("fusetest", dir, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		syscall.Close(fd)
		t.Skip("cannot mount: ", err)
	}
	go serve(fd, answer)
	released := false
	release = func() {
		if !released {
			released = true
			syscall.Unmount(dir, syscall.MNT_FORCE|syscall.MNT_DETACH)
			syscall.Close(fd)
		}
	}
	t.Cleanup(release)
	return release
}

func serve(fd int, answer func(op uint32, node uint64) ([]byte, bool)) {
	buf := make([]byte, 1<<20)
	for {
		n, err := syscall.Read(fd, buf)
		if err == syscall.EINTR || err == syscall.ENOENT { // ENOENT: the request was cancelled
			continue
		}
		if err != nil {
			return
		}
		if n < 40 { // fuse_in_header
			continue
		}
		op := binary.NativeEndian.Uint32(buf[4:])
		body, answered := initReply(), true
		if op != initOp {
			body, answered = answer(op, binary.NativeEndian.Uint64(buf[16:]))
		}
		if !answered {
			continue
		}
		reply := make([]byte, 16, 16+len(body)) // fuse_out_header
		binary.NativeEndian.PutUint32(reply, uint32(16+len(body)))
		if body == nil {
			errno := -int32(syscall.ENOSYS)
			binary.NativeEndian.PutUint32(reply[4:], uint32(errno))
		}
		copy(reply[8:16], buf[8:16]) // the ID of the request
		syscall.Write(fd, append(reply, body...))
	}
}

// initReply is a struct fuse_init_out.
func initReply() []byte {
	body := make([]byte, 64)
	binary.NativeEndian.PutUint32(body, 7)
	binary.NativeEndian.PutUint32(body[4:], 31)
	binary.NativeEndian.PutUint32(body[20:], 4096) // max_write
	return body
}

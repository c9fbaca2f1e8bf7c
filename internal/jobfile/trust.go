package jobfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/trust"
)

// Trust. Who can write a job file can run programs as the daemon's user, so a file counts only if nobody but root and
// that user can write it, its folder, or what a symbolic link to it leads through. What is checked is what was opened,
// by its descriptor: names can be moved between a look and an open. Opening never blocks, whatever stands there.

// MaxFile is the size in bytes of the largest job file.
const MaxFile = 1 << 20

// folder is an opened directory.
type folder struct {
	path   string
	fd     int
	host   *host
	buffer []byte
}

// openFolder opens a directory of files to be trusted. Where somebody can replace it by another directory of root's, root
// does not trust it. Other users may work in directories of a container, such as the volumes of Kubernetes, whose
// parents are open to all.
func openFolder(h *host, path string) (*folder, error) {
	if _, err := h.wayTo(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", printable(path), err)
	}
	return openFolderHere(h, path)
}

// wayTo returns where an absolute path leads. For root, all on the way is trusted.
func (h *host) wayTo(path string) (string, error) {
	if h.uid == 0 {
		return h.judge.Walk(path)
	}
	return filepath.EvalSymlinks(path)
}

// openFolderHere does so without a look at how the directory can be reached.
func openFolderHere(h *host, path string) (*folder, error) {
	fd, err := retry(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, folderError(path, err)
	}
	f := &folder{path: path, fd: fd, host: h}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		f.close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	switch why := h.judge.Fault(&st, path, false); {
	case why == "":
	case trust.ReadOnlyFD(fd):
		h.sealed = append(h.sealed, path)
	default:
		f.close()
		return nil, fmt.Errorf("%s: the directory %s", printable(path), why)
	}
	return f, nil
}

func folderError(path string, err error) error {
	if st, e := os.Lstat(path); e == nil && st.Mode()&fs.ModeSymlink != 0 {
		return fmt.Errorf("%s: is a symbolic link: name the directory itself", printable(path))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w: mkdir -p -m 755 %s", printable(path), err, trust.Quote(path))
	}
	return fmt.Errorf("%s: %w", printable(path), err)
}

func (f *folder) close() { unix.Close(f.fd) }

// names returns the names of all that is in the directory, in no order.
func (f *folder) names() ([]string, error) {
	fd, err := unix.FcntlInt(uintptr(f.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(fd), f.path)
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read the directory: %w", printable(f.path), err)
	}
	return names, nil
}

// stamp tells whether a file is still the one that was read.
type stamp struct {
	sum     uint64 // of all that changes with it
	mode    uint32 // with the kind
	settled bool   // it was not so young when it was read that it may have changed without a trace
}

// settledAge is how long a file must not have changed for its stamp to tell: clocks of file systems are coarse.
const settledAge = time.Second

func stampOf(st *unix.Stat_t) stamp {
	ctime := time.Unix(st.Ctim.Unix())
	return stamp{
		sum: sumOf(int64(st.Dev), int64(st.Ino), st.Size, st.Mtim.Nano(), st.Ctim.Nano(),
			int64(st.Mode), int64(st.Uid), int64(st.Gid)),
		mode:    uint32(st.Mode),
		settled: time.Since(ctime) >= settledAge,
	}
}

// sumOf is the FNV-1a hash of numbers: it must be the same in every process.
func sumOf(numbers ...int64) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	sum := uint64(offset)
	for _, n := range numbers {
		for range 8 {
			sum = (sum ^ uint64(n&0xFF)) * prime
			n >>= 8
		}
	}
	return sum
}

// link tells whether it is the stamp of a symbolic link.
func (s stamp) link() bool { return s.mode&unix.S_IFMT == unix.S_IFLNK }

// look returns the stamp of a name itself: of a symbolic link that of the link.
func (f *folder) look(name string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(f.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return stamp{}, err
	}
	return stampOf(&st), nil
}

// read opens, checks and reads the file called name, of which look said what it is. A link is followed: it stands in a
// directory that is trusted, and its target has to pass the same check.
func (f *folder) read(name string, looked stamp) (text string, s stamp, err error) {
	link := looked.link()
	dir, at, mode := f.fd, name, looked.mode
	if link {
		if dir, at, err = f.follow(name); err != nil {
			return "", stamp{}, err
		}
		var st unix.Stat_t
		if err := unix.Fstatat(dir, at, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return "", stamp{}, openError(err, link)
		}
		mode = uint32(st.Mode)
	}
	if why := irregular(mode, link); why != "" { // the open of a device can do something to it
		return "", stamp{}, errors.New(why)
	}
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC | unix.O_NOFOLLOW
	fd, err := retry(func() (int, error) { return unix.Openat(dir, at, flags, 0) })
	if err != nil {
		return "", stamp{}, openError(err, link)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return "", stamp{}, err
	}
	if why := f.host.refuse(fd, &st, filepath.Join(f.path, name), link); why != "" {
		return "", stamp{}, errors.New(why)
	}
	text, err = f.readAll(fd)
	return text, stampOf(&st), err
}

// follow returns where a symbolic link leads, for Openat. All that it leads through is trusted.
func (f *folder) follow(name string) (dir int, path string, err error) {
	parent, err := filepath.EvalSymlinks(f.path)
	if err == nil {
		path, err = f.host.judge.WalkIn(parent, name)
	}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ELOOP) {
		return 0, "", openError(err, true)
	}
	if err != nil {
		return 0, "", fmt.Errorf("is a symbolic link: %w", err)
	}
	return unix.AT_FDCWD, path, nil
}

// readAll reads at most MaxFile bytes, which the size at the open does not promise.
func (f *folder) readAll(fd int) (string, error) {
	f.buffer = f.buffer[:0]
	for {
		f.buffer = slices.Grow(f.buffer, 4096)
		n, err := retry(func() (int, error) { return unix.Read(fd, f.buffer[len(f.buffer):cap(f.buffer)]) })
		if err != nil {
			return "", fmt.Errorf("cannot read: %w", err)
		}
		f.buffer = f.buffer[:len(f.buffer)+n]
		switch {
		case len(f.buffer) > MaxFile:
			return "", errors.New(tooBig)
		case n == 0:
			return string(f.buffer), nil
		}
	}
}

func openError(err error, link bool) error {
	switch {
	case link && errors.Is(err, unix.ENOENT):
		return errors.New("is a symbolic link to nothing: remove it")
	case link && errors.Is(err, unix.ELOOP):
		return errors.New("is a symbolic link that leads back to itself: remove it")
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EMLINK): // of FreeBSD
		return errors.New("became a symbolic link while it was read: reload")
	}
	return fmt.Errorf("cannot open: %w", err)
}

// refuse says why an opened file is not read, "" if nothing speaks against it.
func (h *host) refuse(fd int, st *unix.Stat_t, path string, link bool) string {
	if why := irregular(uint32(st.Mode), link); why != "" {
		return why
	}
	switch why := h.judge.Fault(st, path, link); {
	case why == "":
	case trust.ReadOnlyFD(fd):
		h.sealed = append(h.sealed, path)
	default:
		if link {
			return "is a symbolic link whose target " + why
		}
		return why
	}
	if st.Size > MaxFile {
		return tooBig
	}
	return ""
}

const tooBig = "is larger than 1 MiB"

// irregular names what stands there if it is no regular file.
func irregular(mode uint32, link bool) string {
	what, ok := map[uint32]string{
		unix.S_IFDIR: "a directory", unix.S_IFIFO: "a FIFO", unix.S_IFSOCK: "a socket",
		unix.S_IFCHR: "a character device", unix.S_IFBLK: "a block device", unix.S_IFLNK: "a symbolic link",
	}[mode&unix.S_IFMT]
	switch {
	case !ok:
		return ""
	case link:
		return "is a symbolic link to " + what + ", not to a file: remove it"
	}
	return "is " + what + ", not a file: move it elsewhere"
}

// retry calls open again while a signal interrupts it.
func retry(open func() (int, error)) (int, error) {
	for {
		fd, err := open()
		if err != unix.EINTR {
			return fd, err
		}
	}
}

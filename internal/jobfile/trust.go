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

// Whoever can write a job file can run programs as the daemon's user. So a file counts only if nobody except root and
// that user can write the file, its folder, or anything that a symbolic link to it leads through. The checks use the
// descriptor of the opened file, because a name can be moved between a check and an open. Opening never blocks.

// MaxFile is the size in bytes of the largest job file.
const MaxFile = 1 << 20

// folder is an open directory.
type folder struct {
	path   string
	fd     int
	host   *host
	buffer []byte
}

// openFolder opens a directory of trusted files. Root does not trust a directory if somebody can replace it with
// another directory of root. Other users may use directories of a container, such as Kubernetes volumes, whose parents
// everybody can write.
func openFolder(h *host, path string) (*folder, error) {
	if _, err := h.wayTo(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", printable(path), err)
	}
	return openFolderHere(h, path)
}

// wayTo returns the target of an absolute path. For root, everything on the way must be trusted.
func (h *host) wayTo(path string) (string, error) {
	if h.uid == 0 {
		return h.judge.Walk(path)
	}
	return filepath.EvalSymlinks(path)
}

// openFolderHere opens a directory without checking the way to it.
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

// names returns the names of all entries of the directory, in no order.
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

// stamp identifies the version of a file that was read.
type stamp struct {
	sum     uint64 // of all attributes that change with the file
	mode    uint32 // with the file type
	settled bool   // the file was old enough when it was read, so that every later change is visible
}

// settledAge is the age at which a stamp is reliable, because file systems have coarse clocks.
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

// sumOf is the FNV-1a hash of numbers. It must be the same in every process.
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

// link reports whether it is the stamp of a symbolic link.
func (s stamp) link() bool { return s.mode&unix.S_IFMT == unix.S_IFLNK }

// look returns the stamp of a name without following a symbolic link.
func (f *folder) look(name string) (stamp, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(f.fd, name, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return stamp{}, err
	}
	return stampOf(&st), nil
}

// read opens, checks and reads the file called name. looked is the result of look. It follows a link, because the
// directory is trusted and the target has to pass the same check.
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
	if why := irregular(mode, link); why != "" { // opening a device can have side effects
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

// follow returns the target of a symbolic link, for Openat. Everything on the way must be trusted.
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

// readAll reads at most MaxFile bytes, because the file may have grown since it was opened.
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
		return errors.New("is a symbolic link to a missing file: remove it")
	case link && errors.Is(err, unix.ELOOP):
		return errors.New("is a symbolic link to itself: remove it")
	case errors.Is(err, unix.ELOOP), errors.Is(err, unix.EMLINK): // FreeBSD returns EMLINK
		return errors.New("became a symbolic link during the load: reload")
	}
	return fmt.Errorf("cannot open: %w", err)
}

// refuse says why an opened file is not trusted, "" if it is.
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

// irregular names the kind of file if it is not a regular file, else "".
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

// retry calls open again if a signal interrupts it.
func retry(open func() (int, error)) (int, error) {
	for {
		fd, err := open()
		if err != unix.EINTR {
			return fd, err
		}
	}
}

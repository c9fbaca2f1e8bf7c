package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
)

// ErrNotLocal says that a path leads to a file system that may block.
var ErrNotLocal = errors.New("not on a local file system")

// PathError says what is wrong with a path.
type PathError struct {
	Path string
	Err  error
}

func (e *PathError) Error() string { return plain.Word(e.Path) + ": " + e.Err.Error() }

// Unwrap returns the error without the path.
func (e *PathError) Unwrap() error { return e.Err }

// Distrust says who besides root and the judge's user can change a file, and how to fix that, or returns "". In
// addition to Fault it accepts files on read-only mounts, and adds them to Sealed. fd is the open file, or -1 if there
// is only the path.
func (j *Judge) Distrust(fd int, st *unix.Stat_t, path string, link bool) string {
	why := j.Fault(st, path, link)
	if why == "" {
		return ""
	}
	if fd >= 0 && readOnlyFile(fd) || fd < 0 && readOnlyPath(path) {
		j.Sealed = append(j.Sealed, path)
		return ""
	}
	return why
}

// Open opens the target of an absolute path for reading, if it and the way to it are trusted. It never blocks on a
// FIFO.
func (j *Judge) Open(path string) (*os.File, error) {
	target, err := j.Walk(path)
	if err != nil {
		return nil, err
	}
	fd, _, why, err := j.open(unix.AT_FDCWD, target, target, target != path)
	switch {
	case err != nil:
		return nil, &fs.PathError{Op: "open", Path: target, Err: err}
	case why != "":
		return nil, errors.New(plain.Word(target) + " " + why)
	}
	return os.NewFile(uintptr(fd), path), nil
}

// open opens a file for reading without following a link, and judges the opened file, because a name can be moved
// between a check and an open. why says why the file is not trusted; fd is -1 then. path is its name in messages.
func (j *Judge) open(dir int, name, path string, link bool) (fd int, st unix.Stat_t, why string, err error) {
	const flags = unix.O_RDONLY | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC | unix.O_NOFOLLOW
	if fd, err = Retry(func() (int, error) { return unix.Openat(dir, name, flags, 0) }); err != nil {
		return -1, st, "", err
	}
	if err = unix.Fstat(fd, &st); err == nil {
		why = j.Distrust(fd, &st, path, link)
	}
	if err != nil || why != "" {
		unix.Close(fd)
		fd = -1
	}
	return fd, st, why, err
}

// Folder is an open directory that only root and the judge's user can change.
type Folder struct {
	FD    int
	path  string
	judge *Judge
}

// OpenFolder opens a directory and checks the way to it, see Way.
func (j *Judge) OpenFolder(path string) (*Folder, error) {
	if _, err := j.Way(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &PathError{path, err}
	}
	return j.OpenFolderHere(path)
}

// Way returns the target of an absolute path. Root does not trust it if somebody can replace it with another file of
// root. Other users may use directories of a container, such as Kubernetes volumes, whose parents everybody can write.
func (j *Judge) Way(path string) (string, error) {
	if j.UID == 0 {
		return j.Walk(path)
	}
	return filepath.EvalSymlinks(path)
}

// OpenFolderHere opens a directory without checking the way to it.
func (j *Judge) OpenFolderHere(path string) (*Folder, error) {
	fd, err := Retry(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, folderError(path, err)
	}
	f := &Folder{fd, path, j}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		f.Close()
		return nil, &PathError{path, err}
	}
	if why := j.Distrust(fd, &st, path, false); why != "" {
		f.Close()
		return nil, &PathError{path, errors.New("the directory " + why)}
	}
	return f, nil
}

func folderError(path string, err error) error {
	if st, e := os.Lstat(path); e == nil && st.Mode()&fs.ModeSymlink != 0 {
		return &PathError{path, errors.New("is a symbolic link: name the directory itself")}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return &PathError{path, fmt.Errorf("%w: mkdir -p -m 755 %s", err, Quote(path))}
	}
	return &PathError{path, err}
}

// Close closes the directory.
func (f *Folder) Close() { unix.Close(f.FD) }

// Names returns the names of all entries of the directory, in no order.
func (f *Folder) Names() ([]string, error) {
	fd, err := unix.FcntlInt(uintptr(f.FD), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	dir := os.NewFile(uintptr(fd), f.path)
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, &PathError{f.path, fmt.Errorf("cannot read the directory: %w", err)}
	}
	return names, nil
}

// Open opens the regular file called name, if nobody else can change it. mode is that of the entry itself. Open follows
// a link, because the directory is trusted and the target has to pass the same check. It never blocks.
func (f *Folder) Open(name string, mode uint32) (fd int, st unix.Stat_t, err error) {
	dir, at, link := f.FD, name, mode&unix.S_IFMT == unix.S_IFLNK
	if link {
		if dir, at, err = f.follow(name); err != nil {
			return -1, st, err
		}
		if err := unix.Fstatat(dir, at, &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return -1, st, openError(err, link)
		}
		mode = uint32(st.Mode)
	}
	if why := Irregular(mode, link); why != "" { // opening a device can have side effects
		return -1, st, errors.New(why)
	}
	fd, st, why, err := f.judge.open(dir, at, filepath.Join(f.path, name), link)
	switch {
	case err != nil:
		return -1, st, openError(err, link)
	case why != "" && link:
		return -1, st, errors.New("is a symbolic link whose target " + why)
	case why != "":
		return -1, st, errors.New(why)
	}
	if why := Irregular(uint32(st.Mode), link); why != "" { // another file may have taken the name
		unix.Close(fd)
		return -1, st, errors.New(why)
	}
	return fd, st, nil
}

// follow returns the target of a symbolic link, for Openat. Everything on the way must be trusted.
func (f *Folder) follow(name string) (dir int, path string, err error) {
	parent, err := filepath.EvalSymlinks(f.path)
	if err == nil {
		path, err = f.judge.WalkIn(parent, name)
	}
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ELOOP) {
		return 0, "", openError(err, true)
	}
	if err != nil {
		return 0, "", fmt.Errorf("is a symbolic link: %w", err)
	}
	return unix.AT_FDCWD, path, nil
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

// Irregular names the kind of file if it is not a regular file, else "". link is true if a symbolic link led to it.
func Irregular(mode uint32, link bool) string {
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

// Retry calls a system call again if a signal interrupts it.
func Retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

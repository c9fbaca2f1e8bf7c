package joblog

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Path returns the path of the live log of a job.
func Path(dir, job string) string { return filepath.Join(dir, job+".log") }

// Archive returns the path of the n-th newest old log; the newest is number 1.
func Archive(path string, n int) string { return path + "." + strconv.Itoa(n) }

// Position is a place in a log: a byte in one of its files. The inode finds the file after a rotation has renamed it.
// A file system may give the inode of a deleted file to another one, so a reader must check that it finds the start
// marker of the run there.
type Position struct {
	Inode uint64 `json:"inode"`
	At    int64  `json:"at"` // bytes from the beginning of the file
}

// Place says where the output of a run is in the log of its job.
type Place struct {
	From  Position  `json:"from"`            // of its start marker
	To    *Position `json:"to,omitempty"`    // behind its end marker; nil: the output is not complete
	Bytes int64     `json:"bytes,omitempty"` // of output, without markers
	// Mixed is the start marker from which on each line of the run begins with its number, because lines of other runs
	// stand between its own. nil: there is none, or it is not known yet.
	Mixed *Position `json:"mixed_from,omitempty"`
	// Alone says that all lines between the markers belong to the run.
	Alone bool `json:"alone,omitempty"`
	// Stdout says that it is in no log, but went to the standard output of the daemon.
	Stdout bool `json:"stdout,omitempty"`
}

// File is a log file that is open for appending.
type File struct {
	FD    int
	Inode uint64
	Size  int64
}

// Open opens the log file at path for appending. If the file is missing, Open makes it with mode 0640 and the group
// gid (-1: that of the process). It does not follow a symbolic link, and it opens only regular files.
func Open(path string, gid int) (File, error) {
	f, err := open(path, gid)
	if err != nil {
		return File{FD: -1}, fmt.Errorf("cannot open log: %w", &fs.PathError{Op: "open", Path: path, Err: err})
	}
	return f, nil
}

func open(path string, gid int) (File, error) {
	const flags = unix.O_WRONLY | unix.O_APPEND | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_CLOEXEC
	made := false
	fd, err := ignoringEINTR(func() (int, error) { return unix.Open(path, flags, 0) })
	if err == unix.ENOENT {
		made = true
		fd, err = ignoringEINTR(func() (int, error) { return unix.Open(path, flags|unix.O_CREAT, 0o640) })
	}
	switch err {
	case nil:
	case unix.ELOOP, unix.EMLINK: // EMLINK on FreeBSD
		return File{}, errors.New("it is a symbolic link")
	case unix.ENXIO, unix.EISDIR: // a named pipe, a socket, a directory
		return File{}, errIrregular
	default:
		return File{}, err
	}
	var st unix.Stat_t
	if made && gid >= 0 {
		err = unix.Fchown(fd, -1, gid)
	}
	if err == nil {
		err = unix.Fstat(fd, &st)
	}
	if made && err == nil && st.Mode&0o777 != 0o640 {
		err = unix.Fchmod(fd, 0o640) // whatever the umask is
	}
	if err == nil && st.Mode&unix.S_IFMT != unix.S_IFREG {
		err = errIrregular
	}
	if err != nil {
		unix.Close(fd)
		return File{}, err
	}
	return File{fd, st.Ino, st.Size}, nil
}

var errIrregular = errors.New("it is not a regular file")

// Close closes the file.
func (f File) Close() { unix.Close(f.FD) }

// Unfinished reports whether the last line of the file at path lacks its end.
func (f File) Unfinished(path string) bool {
	if f.Size == 0 {
		return false
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	last := []byte{'\n'}
	n, err := unix.Pread(fd, last, f.Size-1)
	return err == nil && n == 1 && last[0] != '\n'
}

// Rotate renames the log file at path to path.1, path.1 to path.2 and so on. It keeps the given number of old logs. A
// missing number is a free place, and later logs stay where they are.
func Rotate(path string, keep int) error {
	free := 1
	for free < keep && exists(Archive(path, free)) {
		free++
	}
	var err error
	for n := free; n > 1 && err == nil; n-- {
		err = unix.Rename(Archive(path, n-1), Archive(path, n))
	}
	switch {
	case err != nil:
	case keep < 1:
		err = unix.Unlink(path)
	default:
		err = unix.Rename(path, Archive(path, 1))
	}
	if err != nil && err != unix.ENOENT {
		return fmt.Errorf("cannot rotate log %s: %w", path, err)
	}
	return nil
}

func exists(path string) bool {
	var st unix.Stat_t
	return unix.Lstat(path, &st) == nil
}

// ignoringEINTR repeats a call that a signal interrupts, which happens on file systems such as FUSE.
func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if err != unix.EINTR {
			return n, err
		}
	}
}

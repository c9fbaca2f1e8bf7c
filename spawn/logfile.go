package spawn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// Log is a job's log file. A process and the writer of log markers append to it.
type Log struct {
	*os.File
	Size int64 // the size when it was opened
}

// OpenLog opens the log file at path for appending. If the file is missing, OpenLog makes it with mode 0640 and group
// gid (-1: the daemon's). It does not follow a symbolic link.
func OpenLog(path string, gid int) (*Log, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if os.IsNotExist(err) {
		f, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o640)
		if err == nil && gid >= 0 {
			err = f.Chown(-1, gid)
		}
		if err == nil {
			err = f.Chmod(0o640) // whatever the umask is
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open log: %w", err)
	}
	st, err := f.Stat()
	if err == nil && !st.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: fs.ErrInvalid}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot open log: %w", err)
	}
	return &Log{f, st.Size()}, nil
}

// ErrCannotCut means that the file system cannot cut a log while processes write to it.
var ErrCannotCut = errors.New("the file system cannot remove the front of a file")

// ErrPieces means that a log cannot be cut because it is in too many pieces on the disk.
var ErrPieces = errors.New("it is in too many pieces on the disk")

// ErrOtherLog means that the file is no longer the log that was to be cut.
var ErrOtherLog = errors.New("the log has been replaced")

// Front is the part to cut off a log.
type Front struct {
	Size     int64 // bytes
	Copied   bool
	dev, ino uint64 // identify the log
}

// RotateLog moves the log file at path to path.1, path.1 to path.2 and so on. It keeps the given number of old logs.
func RotateLog(path string, keep int) error { return ShiftLog(path, path, keep) }

// ShiftLog moves a file to path.1, path.1 to path.2 and so on. It keeps the given number of old logs.
func ShiftLog(path, file string, keep int) error {
	for n := keep; n > 1; n-- {
		err := os.Rename(fmt.Sprintf("%s.%d", path, n-1), fmt.Sprintf("%s.%d", path, n))
		if err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("cannot rotate log: %w", err)
		}
	}
	var err error
	if keep < 1 {
		err = os.Remove(file)
	} else {
		err = os.Rename(file, path+".1")
	}
	if err != nil {
		return fmt.Errorf("cannot rotate log: %w", err)
	}
	return nil
}

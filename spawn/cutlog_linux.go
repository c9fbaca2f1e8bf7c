package spawn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// CutLog moves the front of a log into a new file while others go on writing to its end, and returns how many bytes it
// moved; 0: there was less than a block of the file system. No byte is lost, and none is in both once it returns. The
// cut is where a block ends, most likely within a line. It takes FALLOC_FL_COLLAPSE_RANGE, see fallocate(2): ext4, xfs
// and some others have it. Elsewhere the error wraps ErrCannotCut. archive "": what is cut is kept nowhere.
//
// The archive is durable before the cut. If the machine goes down between the two, both have these bytes.
func CutLog(path, archive string) (int64, error) {
	n, err := cutLog(path, archive)
	if err != nil {
		return 0, fmt.Errorf("cannot cut log: %w", err)
	}
	return n, nil
}

func cutLog(path, archive string) (int64, error) {
	log, err := os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	st, err := log.Stat()
	if err != nil {
		return 0, err
	}
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(log.Fd()), &fs); err != nil {
		return 0, err
	}
	n := (st.Size() - 1) / fs.Bsize * fs.Bsize // the range must end before the file does
	if n <= 0 {
		return 0, nil
	}
	if archive != "" {
		if err := copyFront(log, archive, st.Mode().Perm(), n); err != nil {
			return 0, err
		}
	}
	for {
		err = unix.Fallocate(int(log.Fd()), unix.FALLOC_FL_COLLAPSE_RANGE, 0, n)
		if err != unix.EINTR {
			break
		}
	}
	switch err {
	case nil:
		return n, nil
	case unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL: // EINVAL: its blocks come in larger units
		err = errors.Join(ErrCannotCut, err)
	}
	if archive != "" {
		os.Remove(archive)
	}
	return 0, err
}

func copyFront(log *os.File, archive string, mode os.FileMode, n int64) error {
	to, err := os.OpenFile(archive, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, mode)
	if err != nil {
		return err
	}
	defer to.Close()
	if st, err := log.Stat(); err == nil {
		to.Chown(-1, int(st.Sys().(*syscall.Stat_t).Gid))
	}
	copied, err := io.Copy(to, io.LimitReader(log, n))
	if err == nil && copied < n {
		err = io.ErrUnexpectedEOF // somebody has emptied it meanwhile
	}
	if err == nil {
		err = to.Sync()
	}
	if err != nil {
		os.Remove(archive)
	}
	return err
}

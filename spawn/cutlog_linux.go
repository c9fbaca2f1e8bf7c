package spawn

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// CopyFront prepares to cut a log that other processes write to. It copies the front, at most the given number of
// bytes, into a new file, and returns the Front for CutFront to remove. When it returns, the copy is durable. A size
// of 0 means that the log has less than one block of the file system to cut. If the log is longer than keep more
// copies can hold, the excess is removed without a copy.
//
// CopyFront waits for the disk.
func CopyFront(path, archive string, most int64, keep int) (Front, error) {
	f, err := copyFront(path, archive, most, keep)
	if err != nil {
		return Front{}, fmt.Errorf("cannot copy the front of a log: %w", err)
	}
	return f, nil
}

func copyFront(path, archive string, most int64, keep int) (Front, error) {
	log, f, size, err := openFront(path)
	if err != nil {
		return f, err
	}
	defer log.Close()
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(log.Fd()), &fs); err != nil {
		return f, err
	}
	whole := func(n int64) int64 { return max(0, n) / fs.Bsize * fs.Bsize }
	all := whole(size - 1) // the range must end before the end of the file
	if f.Size = whole(size - int64(keep+1)*most); keep < 1 {
		f.Size = all
	}
	if f.Size == 0 {
		f.Size, f.Copied = min(all, max(whole(most), fs.Bsize)), true
	}
	if f.Size > 0 && f.Copied {
		err = copyTo(archive, log, f.Size)
	}
	if err == nil {
		err = unix.Fdatasync(int(log.Fd())) // otherwise the cut itself would wait for unwritten data
	}
	return f, err
}

// openFront opens a log and returns its identity and its size.
func openFront(path string) (log *os.File, f Front, size int64, err error) {
	log, err = os.OpenFile(path, os.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, f, 0, err
	}
	st, err := log.Stat()
	if err != nil {
		log.Close()
		return nil, f, 0, err
	}
	sys := st.Sys().(*syscall.Stat_t)
	f.dev, f.ino = uint64(sys.Dev), sys.Ino
	return log, f, st.Size(), nil
}

func copyTo(archive string, log *os.File, n int64) error {
	st, err := log.Stat()
	if err != nil {
		return err
	}
	to, err := os.OpenFile(archive, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, st.Mode().Perm())
	if err != nil {
		return err
	}
	defer to.Close()
	to.Chown(-1, int(st.Sys().(*syscall.Stat_t).Gid))
	copied, err := io.Copy(to, io.LimitReader(log, n))
	if err == nil && copied < n {
		err = io.ErrUnexpectedEOF // another process truncated the log in the meantime
	}
	if err == nil {
		err = to.Sync()
	}
	if err != nil {
		os.Remove(archive)
	}
	return err
}

// CutFront removes the front of a log while other processes continue to append to it. The cut is at a block boundary,
// so it usually splits a line. If path is now another file, or the log has become shorter, the error wraps
// ErrOtherLog. CutFront needs FALLOC_FL_COLLAPSE_RANGE (see fallocate(2)), which ext4, xfs and some other file
// systems have; elsewhere the error wraps ErrCannotCut. It wraps ErrCannotCut and ErrPieces if the log has too many
// pieces on the disk, because the cut would take long. If the machine crashes before the cut, both the log and the
// copy contain these bytes.
func CutFront(path string, front Front) error {
	log, now, size, err := openFront(path)
	if err == nil {
		defer log.Close()
		if now.dev != front.dev || now.ino != front.ino || size <= front.Size {
			err = ErrOtherLog
		} else if inPieces(int(log.Fd())) {
			err = errors.Join(ErrCannotCut, ErrPieces)
		}
	}
	if err == nil {
		err = collapse(int(log.Fd()), front.Size)
	}
	if err != nil {
		return fmt.Errorf("cannot cut log: %w", err)
	}
	return nil
}

func collapse(fd int, n int64) error {
	for {
		err := unix.Fallocate(fd, unix.FALLOC_FL_COLLAPSE_RANGE, 0, n)
		switch err {
		case unix.EINTR:
			continue
		case unix.EOPNOTSUPP, unix.ENOSYS, unix.EINVAL: // EINVAL: the file system allocates larger units than one block
			return errors.Join(ErrCannotCut, err)
		}
		return err
	}
}

//go:build !linux

package trust

import (
	"os"

	"golang.org/x/sys/unix"
)

// FileSystem returns the type of the file system of a path, and whether the kernel calls it local.
func FileSystem(path string) (kind string, local bool, err error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return "", false, &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	return unix.ByteSliceToString(st.Fstypename[:]), st.Flags&unix.MNT_LOCAL != 0, nil
}

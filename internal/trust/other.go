//go:build !linux

package trust

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// Only Linux has user namespaces.
func idsOf(string) ids { return ids{-1} }

// Only on Linux is it known whether a file system has a writable mount elsewhere.
func readOnlyPath(string) bool { return false }
func readOnlyFile(int) bool    { return false }

// Mounts is the mount table, which only Linux reads. On other systems every file system counts as local.
type Mounts struct{}

// ReadMounts reads nothing.
func ReadMounts() Mounts { return Mounts{} }

// Stat returns the status of path without following a link.
func (Mounts) Stat(path string) (st unix.Stat_t, err error) {
	err = unix.Lstat(path, &st)
	return st, err
}

func lstat(path string, st *unix.Stat_t) error {
	if err := unix.Lstat(path, st); err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return nil
}

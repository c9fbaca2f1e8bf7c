//go:build !linux

package trust

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// Only Linux has user namespaces.
func idsOf(string) ids { return ids{-1} }

// ReadOnly works on Linux only.
func ReadOnly(string) bool { return false }

// ReadOnlyFD works on Linux only.
func ReadOnlyFD(int) bool { return false }

func lstat(path string, st *unix.Stat_t) error {
	if err := unix.Lstat(path, st); err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return nil
}

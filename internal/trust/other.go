//go:build !linux

package trust

import (
	"io/fs"

	"golang.org/x/sys/unix"
)

// There are no user namespaces.
func idsOf(string) ids { return ids{-1} }

// ReadOnly is known on Linux only.
func ReadOnly(string) bool { return false }

// ReadOnlyFD is known on Linux only.
func ReadOnlyFD(int) bool { return false }

func lstat(path string, st *unix.Stat_t) error {
	if err := unix.Lstat(path, st); err != nil {
		return &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return nil
}

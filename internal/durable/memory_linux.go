package durable

import (
	"os"

	"golang.org/x/sys/unix"
)

// InMemory reports whether a directory is on a file system that has no disk and vanishes when the machine goes down.
func InMemory(dir string) (bool, error) {
	var fs unix.Statfs_t
	if err := unix.Statfs(dir, &fs); err != nil {
		return false, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	return fs.Type == unix.TMPFS_MAGIC || fs.Type == unix.RAMFS_MAGIC, nil
}

package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"jobsd/internal/trust"
)

// ErrShared says that the state directory is on a file system that other machines may share.
var ErrShared = errors.New("it may be shared with other machines")

// CheckLocal returns an error that wraps ErrShared if the state directory is on a file system that is not local, or would
// be made on one. The lock of the directory is one of the kernel's: on NFS, in a directory that a virtual machine has from
// its host, or behind a FUSE server, the daemon of another machine does not see it, and both would run the jobs.
func CheckLocal(stateDir string) error {
	kind, local, err := trust.FileSystem(stateDir)
	for dir := stateDir; errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		kind, local, err = trust.FileSystem(dir)
	}
	switch {
	case err != nil:
		return fmt.Errorf("cannot look at the state directory: %w", err)
	case !local && kind != "":
		return fmt.Errorf("cannot use the state directory %s: %w, since its file system is of type %s", stateDir, ErrShared, kind)
	}
	return nil
}

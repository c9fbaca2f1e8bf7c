package statefile

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"jobsd/internal/trust"
)

// ErrShared means that the state directory is on a file system that other machines may share.
var ErrShared = errors.New("it may be shared with other machines")

// CheckLocal returns an error that wraps ErrShared if the state directory is on a file system that is not local, or
// would be made on one. The lock of the directory is a kernel lock. A daemon on another machine does not see it on
// NFS, in a directory that a host shares with a virtual machine, or on a FUSE server, and then both daemons would run
// the jobs.
func CheckLocal(stateDir string) error {
	kind, local, err := trust.FileSystem(stateDir)
	for dir := stateDir; errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir); {
		dir = filepath.Dir(dir)
		kind, local, err = trust.FileSystem(dir)
	}
	switch {
	case err != nil:
		return fmt.Errorf("cannot check the state directory: %w", err)
	case !local && kind != "":
		return fmt.Errorf("cannot use the state directory %s: %w, because its file system has the type %s", stateDir, ErrShared, kind)
	}
	return nil
}

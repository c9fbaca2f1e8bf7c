//go:build !linux

package jobfile

import "golang.org/x/sys/unix"

// mounts is the mount table, which is read on Linux only: elsewhere every file system is taken for a local one.
type mounts struct{}

func readMounts() mounts { return mounts{} }

// look returns what stands at path, a link not followed.
func (mounts) look(path string) (st unix.Stat_t, err error) {
	err = unix.Lstat(path, &st)
	return st, err
}

// Package testdir gives tests a temporary directory that other users can reach.
package testdir

import (
	"os"
	"path/filepath"
)

// Open makes the tests use a directory that processes of other users can reach. The temporary directory of
// root may be closed to others, as pam_tmpdir(8) makes it. Then the tests use a new directory in /tmp.
func Open() (remove func()) {
	for dir := filepath.Clean(os.TempDir()); ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		if os.Geteuid() != 0 || err != nil || dir == "/" {
			return func() {}
		}
		if info.Mode().Perm()&0o001 == 0 {
			break
		}
	}
	dir, err := os.MkdirTemp("/tmp", "jobsd-test")
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		panic(err)
	}
	os.Setenv("TMPDIR", dir)
	return func() { os.RemoveAll(dir) }
}

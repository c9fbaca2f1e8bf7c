package spawn

import (
	"os"
	"path/filepath"
)

// openTempDir has the tests make their files where processes of other users reach them. The temporary directory of root
// may be for root alone, as pam_tmpdir(8) makes it; then it is one below the system's.
func openTempDir() (remove func()) {
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

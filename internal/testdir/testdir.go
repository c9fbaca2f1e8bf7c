// Package testdir gives tests directories: one that other users can reach, ones with programs, and ones in memory.
package testdir

import (
	"os"
	"path/filepath"
	"testing"

	"jobsd/internal/durable"
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

// Programs makes a directory with empty executable files at these paths, and returns it.
func Programs(t *testing.T, paths ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range paths {
		p = filepath.Join(root, p)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// shm is a tmpfs on Linux, if the system is like most.
const shm = "/dev/shm"

// HasMemory reports whether Memory has a tmpfs for its directories.
func HasMemory() bool {
	in, err := durable.InMemory(shm)
	return in && err == nil
}

// Memory makes a directory on a tmpfs. Without a tmpfs, the test skips.
func Memory(t *testing.T) string {
	t.Helper()
	if !HasMemory() {
		t.Skip("needs a tmpfs at " + shm)
	}
	dir, err := os.MkdirTemp(shm, "jobsd-test")
	if err != nil {
		t.Skip("needs a tmpfs: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

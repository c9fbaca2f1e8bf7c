package durable

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLock: the second descriptor of a directory does not get the lock until the first one is closed.
func TestLock(t *testing.T) {
	path := t.TempDir()
	one, err1 := Open(path)
	two, err2 := Open(path)
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	defer two.Close()
	if err := Lock(one.Self, false); err != nil {
		t.Fatal(err)
	}
	if err := Lock(two.Self, false); err != unix.EWOULDBLOCK {
		t.Errorf("the second lock: %v", err)
	}
	if pid := Holder(two.Self); pid != 0 && pid != os.Getpid() {
		t.Errorf("pid %d holds the lock", pid)
	}
	one.Close()
	if err := Lock(two.Self, true); err != nil {
		t.Errorf("after the release: %v", err)
	}
}

// TestModes: files and directories get their mode under any umask, and an existing directory keeps its own.
func TestModes(t *testing.T) {
	root := t.TempDir()
	mode := func(name string) os.FileMode {
		t.Helper()
		st, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		return st.Mode().Perm()
	}
	for _, umask := range []int{0, 0o077} {
		old := unix.Umask(umask)
		err1 := MakeDir(filepath.Join(root, "d"), 0o755)
		err2 := WriteFile(filepath.Join(root, "d/f"), []byte("text"), 0o640)
		unix.Umask(old)
		if err1 != nil || err2 != nil || mode("d") != 0o755 || mode("d/f") != 0o640 {
			t.Errorf("umask %03o: %v, %v, modes %o and %o", umask, err1, err2, mode("d"), mode("d/f"))
		}
		if err := os.RemoveAll(filepath.Join(root, "d")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(root, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := MakeDir(filepath.Join(root, "d"), 0o755); err != nil || mode("d") != 0o700 {
		t.Errorf("%v, mode %o", err, mode("d"))
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

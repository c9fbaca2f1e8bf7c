package machine

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"jobsd/internal/fusetest"
	"jobsd/internal/testdir"
	"jobsd/internal/trust"
)

// mountsWith returns the mount table of this machine with more mount points. Everything below one has the mount ID of
// the real mount.
func mountsWith(t *testing.T, kinds map[string]string) trust.Mounts {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for point, kind := range kinds {
		id, longest := "", -1
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if at := strings.TrimSuffix(f[4], "/"); strings.HasPrefix(point, at+"/") && len(at) >= longest {
				id, longest = f[0], len(at)
			}
		}
		text += fmt.Sprintf("%s 1 0:99 / %s rw - %s none rw\n", id, point, kind)
	}
	return trust.ParseMounts(text)
}

// TestRemote has file systems that the lookup must not touch.
func TestRemote(t *testing.T) {
	root := testdir.Programs(t, "a/x", "nfs/x", "b/y")
	if err := os.Symlink(root+"/nfs/x", root+"/a/linked"); err != nil {
		t.Fatal(err)
	}
	p := someone(t, os.Geteuid()).Programs
	p.mounts = mountsWith(t, map[string]string{root + "/nfs": "nfs4", root + "/nfs/local": "ext4"})
	for _, c := range []struct{ path, name, want string }{
		{root + "/a", "x", root + "/a/x"},
		{root + "/nfs", "x", ""},
		{root + "/nfs:" + root + "/a", "x", ""}, // an earlier folder that cannot be looked at may have the program
		{root + "/a:" + root + "/nfs", "x", root + "/a/x"},
		{root + "/a", "linked", ""},
		{"", root + "/nfs/x", ""},
	} {
		if got := p.Find(c.path, c.name); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if p.IsSafe(root+"/nfs/y/z") || !p.IsSafe(root+"/b") || !p.IsSafe(root+"/none") {
		t.Error("isSafe")
	}
}

// TestMountedSince mounts a file system that never answers after the mount table was read. Its root claims to belong to
// root.
func TestMountedSince(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a file system")
	}
	dir := testdir.Programs(t, "x")
	p := someone(t, 0).Programs
	if !p.IsSafe(dir) {
		t.Skip("the temporary directory is not for root alone")
	}
	p = someone(t, 0).Programs
	fusetest.HangAt(t, dir, 12345)
	done := make(chan string, 1)
	go func() {
		done <- fmt.Sprint(p.IsSafe(dir), p.IsSafe(dir+"/sub"), p.Find("", dir+"/x"))
	}()
	select {
	case got := <-done:
		if got != "false false" {
			t.Error(got)
		}
	case <-time.After(30 * time.Second):
		t.Error("look blocks on the file system")
	}
}

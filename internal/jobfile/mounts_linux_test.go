package jobfile

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jobsd/internal/fusetest"
)

// setMount adds a mount point to the table. Everything below it has the mount ID of the real mount.
func setMount(m *mounts, point string, local bool) { (*m)[point] = mount{m.of(point).id, local} }

func TestUnescapeOctal(t *testing.T) {
	for in, want := range map[string]string{`/a\040b`: "/a b", `/a`: "/a", `/\134\011`: "/\\\t", `/a\9`: `/a\9`, `\04`: `\04`} {
		if got := unescapeOctal(in); got != want {
			t.Errorf("%s: %q", in, got)
		}
	}
}

// TestMountedSince mounts a file system that never answers after the mount table was read. Its root claims to belong to
// root.
func TestMountedSince(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a file system")
	}
	dir := programs(t, "x")
	h := someHost(t, 0)
	if !h.programs.isSafe(dir) {
		t.Skip("the temporary directory is not for root alone")
	}
	h = someHost(t, 0)
	fusetest.HangAt(t, dir, 12345)
	done := make(chan string, 1)
	go func() {
		done <- fmt.Sprint(h.programs.isSafe(dir), h.programs.isSafe(dir+"/sub"), h.programs.find("", dir+"/x"))
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

// TestLinkIntoMountOfAnother checks that a load does not block if a link leads to a user's file system that never
// answers.
func TestLinkIntoMountOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a file system")
	}
	dir, away := safeDir(t), programs(t, "home/x")+"/home"
	put(t, dir, "good.toml", "cmd = [\"true\"]\n")
	if err := os.Symlink(away+"/bad.toml", filepath.Join(dir, "bad.toml")); err != nil {
		t.Fatal(err)
	}
	fusetest.HangAt(t, away, 12345)
	done := make(chan *Set, 1)
	go func() { done <- NewLoader(Options{Jobs: dir}).Load() }()
	select {
	case set := <-done:
		if len(set.Jobs) != 1 || len(set.Errors) != 1 || !strings.Contains(set.Errors[0], "uid 12345") {
			t.Errorf("%d jobs, %q", len(set.Jobs), set.Errors)
		}
	case <-time.After(30 * time.Second):
		t.Error("the load blocks on the file system")
	}
}

package jobfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"jobsd/internal/fusetest"
	"jobsd/internal/testdir"
)

// TestLinkIntoMountOfAnother checks that a load does not block if a link leads to a user's file system that never
// answers.
func TestLinkIntoMountOfAnother(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a file system")
	}
	dir, away := safeDir(t), testdir.Programs(t, "home/x")+"/home"
	put(t, dir, "good.toml", "cmd = [\"true\"]\n")
	if err := os.Symlink(away+"/bad.toml", filepath.Join(dir, "bad.toml")); err != nil {
		t.Fatal(err)
	}
	fusetest.HangAt(t, away, 12345)
	done := make(chan *Set, 1)
	go func() { done <- NewLoader(Options{Jobs: dir}).Load() }()
	select {
	case set := <-done:
		if len(set.Jobs) != 1 || len(set.Errors) != 1 || !strings.Contains(set.Errors[0].Error(), "uid 12345") {
			t.Errorf("%d jobs, %q", len(set.Jobs), set.Errors)
		}
	case <-time.After(30 * time.Second):
		t.Error("the load blocks on the file system")
	}
}

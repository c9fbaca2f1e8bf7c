package machine

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"jobsd/internal/testdir"
	"jobsd/internal/trust"
)

func TestThisMountTable(t *testing.T) {
	m := trust.ReadMounts()
	if _, err := m.Stat("/proc/self"); err != nil && runtime.GOOS == "linux" {
		t.Error("/proc/self: ", err)
	}
}

// TestHeldWays has paths to a program and to a folder that another user can change at any time. The lookup must not
// block on anything that this user puts there.
func TestHeldWays(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files to others")
	}
	const other = 12345
	root := testdir.Programs(t, "own/x", "own/y", "own/loose", "own/gift", "theirs/x", "theirs/sub/x", "group/x", "world/x", "sticky/x")
	in := func(name string) string { return filepath.Join(root, name) }
	for name, mode := range map[string]os.FileMode{"own/loose": 0o777, "group": 0o775, "world": 0o777, "sticky": 0o777 | os.ModeSticky} {
		chmod(t, in(name), mode)
	}
	for link, target := range map[string]string{"own/there": in("theirs/x"), "theirs/here": in("own/x"), "own/over": "../theirs/here",
		"own/pointed": in("own/x"), "sticky/pointed": in("own/x"), "sticky/good": in("own/x"), "way": "own"} {
		if err := os.Symlink(target, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"own/gift", "theirs", "theirs/here", "own/pointed", "sticky/pointed"} {
		if err := os.Lchown(in(name), other, other); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"own/script": "#!" + in("own/x") + "\n", "own/held": "#!" + in("theirs/x") + "\n",
		"own/second": "#!" + in("own/held") + "\n", "own/relative": "#!x\n", "own/lost": "#!" + in("own/nothing") + "\n",
		"own/maybe": "#!" + in("sticky/nothing") + "\n"} {
		write(t, in(name), text)
		chmod(t, in(name), 0o755)
	}
	p := someone(t, 0).Programs
	for name, safe := range map[string]bool{
		"own/x": true, "way/x": true, "sticky/x": true, "sticky/good": true, "own/script": true, "own/lost": true,
		"own/loose": false, "own/gift": false, "theirs/x": false, "theirs/sub/x": false, "group/x": false, "world/x": false,
		"own/there": false, "theirs/here": false, "own/over": false, "own/pointed": false, "sticky/pointed": false,
		"own/held": false, "own/second": false, "own/relative": false, "own/maybe": false,
	} {
		if got := p.Find("", in(name)); got != "" != safe || safe && got != in(name) {
			t.Errorf("%s: found %q", name, got)
		}
	}
	for dir, safe := range map[string]bool{"own": true, "way": true, "sticky": true, "none/none": true, "theirs": false,
		"theirs/sub": false, "group": false, "world": false, "sticky/none": false} {
		if p.IsSafe(in(dir)) != safe {
			t.Errorf("%s: safe is %v", dir, !safe)
		}
	}
	for path, want := range map[string]string{
		"own:theirs":    in("own/y"),
		"theirs:own":    "", // somebody may add one there
		"sticky:own":    "",
		"group/sub:own": "",
	} {
		dirs := strings.Split(path, ":")
		if got := p.Find(in(dirs[0])+":"+in(dirs[1]), "y"); got != want {
			t.Errorf("PATH %s: found %q", path, got)
		}
	}
}

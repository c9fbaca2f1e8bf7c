package jobfile

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"jobsd/internal/trust"
)

// programs makes folders that contain programs.
func programs(t *testing.T, paths ...string) string {
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

func TestProgram(t *testing.T) {
	root := programs(t, "a/x", "b/x", "b/y", "c/z", "home/bin/w")
	chmod(t, filepath.Join(root, "a/x"), 0o644) // not executable
	if err := os.MkdirAll(filepath.Join(root, "a/y"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"c/rel": "../b/y", "c/loop": "loop", "c/gone": "nothing", "d": "b", "c/far": root + "/d/x"} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	a, b, c := root+"/a", root+"/b", root+"/c"
	for _, k := range []struct {
		d    Definition
		want string
	}{
		{Definition{Argv: []string{"x"}, ExtraPath: []string{a, b}}, b + "/x"},
		{Definition{Argv: []string{"y"}, ExtraPath: []string{a, b}}, b + "/y"},
		{Definition{Argv: []string{"x"}, Env: []string{"PATH=" + a + ":" + b}}, b + "/x"},
		{Definition{Argv: []string{"x"}, Env: []string{"PATH=" + a + "::" + b}}, ""}, // the empty entry is the working directory
		{Definition{Argv: []string{"x"}, Env: []string{"PATH=" + a}}, ""},
		{Definition{Argv: []string{"x"}, ExtraPath: []string{b}, EnvFile: "/e"}, ""}, // the env_file may set PATH
		{Definition{Argv: []string{"x"}, Env: []string{"PATH=" + b}, EnvFile: "/e", PassEnv: []string{"PATH"}}, b + "/x"},
		{Definition{Argv: []string{"z"}, PassEnv: []string{"PATH"}}, c + "/z"},
		{Definition{Argv: []string{"rel"}, ExtraPath: []string{c}}, c + "/rel"},
		{Definition{Argv: []string{"far"}, ExtraPath: []string{c}}, c + "/far"},
		{Definition{Argv: []string{"x"}, ExtraPath: []string{root + "/d"}}, root + "/d/x"},
		{Definition{Argv: []string{"loop"}, ExtraPath: []string{c}}, ""},
		{Definition{Argv: []string{"gone"}, ExtraPath: []string{c}}, ""},
		{Definition{Argv: []string{b + "/x"}}, b + "/x"},
		{Definition{Argv: []string{a + "/x"}}, ""},
		{Definition{Argv: []string{"bin/w"}}, root + "/home/bin/w"},
		{Definition{Argv: []string{"./x"}, Dir: b}, b + "/x"},
		{Definition{Argv: []string{"bin/w"}, User: &User{Home: root}}, ""},
	} {
		h := someHost(t, os.Geteuid())
		h.path, h.home = c, root+"/home"
		if got := h.program(&k.d); got != k.want {
			t.Errorf("%+v\ngot  %s\nwant %s", k.d, got, k.want)
		}
	}
}

// TestRemote has file systems that the lookup must not touch.
func TestRemote(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the mount table is read on Linux only")
	}
	root := programs(t, "a/x", "nfs/x", "b/y")
	if err := os.Symlink(root+"/nfs/x", root+"/a/linked"); err != nil {
		t.Fatal(err)
	}
	h := someHost(t, os.Geteuid())
	setMount(&h.programs.mounts, root+"/nfs", false)
	setMount(&h.programs.mounts, root+"/nfs/local", true)
	for _, c := range []struct{ path, name, want string }{
		{root + "/a", "x", root + "/a/x"},
		{root + "/nfs", "x", ""},
		{root + "/nfs:" + root + "/a", "x", ""}, // an earlier folder that cannot be looked at may have the program
		{root + "/a:" + root + "/nfs", "x", root + "/a/x"},
		{root + "/a", "linked", ""},
		{"", root + "/nfs/x", ""},
	} {
		if got := h.programs.find(c.path, c.name); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if h.programs.isSafe(root+"/nfs/y/z") || !h.programs.isSafe(root+"/b") || !h.programs.isSafe(root+"/none") {
		t.Error("isSafe")
	}
}

func TestThisMountTable(t *testing.T) {
	m := readMounts()
	if _, err := m.look("/proc/self"); err != nil && runtime.GOOS == "linux" {
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
	root := programs(t, "own/x", "own/y", "own/loose", "own/gift", "theirs/x", "theirs/sub/x", "group/x", "world/x", "sticky/x")
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
	h := someHost(t, 0)
	for name, safe := range map[string]bool{
		"own/x": true, "way/x": true, "sticky/x": true, "sticky/good": true, "own/script": true, "own/lost": true,
		"own/loose": false, "own/gift": false, "theirs/x": false, "theirs/sub/x": false, "group/x": false, "world/x": false,
		"own/there": false, "theirs/here": false, "own/over": false, "own/pointed": false, "sticky/pointed": false,
		"own/held": false, "own/second": false, "own/relative": false, "own/maybe": false,
	} {
		if got := h.programs.find("", in(name)); got != "" != safe || safe && got != in(name) {
			t.Errorf("%s: found %q", name, got)
		}
	}
	for dir, safe := range map[string]bool{"own": true, "way": true, "sticky": true, "none/none": true, "theirs": false,
		"theirs/sub": false, "group": false, "world": false, "sticky/none": false} {
		if h.programs.isSafe(in(dir)) != safe {
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
		if got := h.programs.find(in(dirs[0])+":"+in(dirs[1]), "y"); got != want {
			t.Errorf("PATH %s: found %q", path, got)
		}
	}
}

// TestTrusts checks who can change a file.
func TestTrusts(t *testing.T) {
	const dir, file, link = unix.S_IFDIR, unix.S_IFREG, unix.S_IFLNK
	root, user := newLookup(trust.New(0, 0)), newLookup(trust.New(1000, 100))
	for _, c := range []struct {
		entry      unix.Stat_t
		root, user bool
	}{
		{unix.Stat_t{Uid: 0, Gid: 0, Mode: dir | 0o755}, true, true},
		{unix.Stat_t{Uid: 0, Gid: 0, Mode: dir | 0o775}, false, false},
		{unix.Stat_t{Uid: 0, Gid: 0, Mode: dir | 0o757}, false, false},
		{unix.Stat_t{Uid: 0, Gid: 0, Mode: dir | 0o1777}, true, true},
		{unix.Stat_t{Uid: 0, Gid: 0, Mode: file | 0o1777}, false, false},
		{unix.Stat_t{Uid: 0, Gid: 0, Mode: link | 0o777}, true, true},
		{unix.Stat_t{Uid: 1000, Gid: 100, Mode: dir | 0o755}, false, true},
		{unix.Stat_t{Uid: 1000, Gid: 100, Mode: dir | 0o775}, false, true}, // the user's own group
		{unix.Stat_t{Uid: 1000, Gid: 101, Mode: dir | 0o775}, false, false},
		{unix.Stat_t{Uid: 1000, Gid: 100, Mode: dir | 0o777}, false, false},
		{unix.Stat_t{Uid: 1000, Gid: 100, Mode: link | 0o777}, false, true},
		{unix.Stat_t{Uid: 1001, Gid: 100, Mode: dir | 0o755}, false, false},
		{unix.Stat_t{Uid: 1001, Gid: 100, Mode: dir | 0o1777}, false, false}, // the owner of a sticky folder can change everything in it
		{unix.Stat_t{Uid: 1001, Gid: 100, Mode: link | 0o777}, false, false},
	} {
		if got := root.trusts(&c.entry); got != c.root {
			t.Errorf("uid %d, gid %d, mode %o: root trusts it: %v", c.entry.Uid, c.entry.Gid, c.entry.Mode, got)
		}
		if got := user.trusts(&c.entry); got != c.user {
			t.Errorf("uid %d, gid %d, mode %o: the user trusts it: %v", c.entry.Uid, c.entry.Gid, c.entry.Mode, got)
		}
	}
}

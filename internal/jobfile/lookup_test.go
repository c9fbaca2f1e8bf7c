package jobfile

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// programs makes folders with programs in them.
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
	chmod(t, filepath.Join(root, "a/x"), 0o644) // not a program
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
		{Definition{Argv: []string{"x"}, Env: []string{"PATH=" + a + "::" + b}}, ""}, // the folder that it starts in comes first
		{Definition{Argv: []string{"x"}, Env: []string{"PATH=" + a}}, ""},
		{Definition{Argv: []string{"x"}, ExtraPath: []string{b}, EnvFile: "/e"}, ""}, // which may hold a PATH
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
		h := someHost(t, 0)
		h.path, h.home = c, root+"/home"
		if got := h.program(&k.d); got != k.want {
			t.Errorf("%+v\ngot  %s\nwant %s", k.d, got, k.want)
		}
	}
}

// TestRemote has file systems that must not be touched.
func TestRemote(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the mount table is read on Linux only")
	}
	root := programs(t, "a/x", "nfs/x", "b/y")
	if err := os.Symlink(root+"/nfs/x", root+"/a/linked"); err != nil {
		t.Fatal(err)
	}
	h := someHost(t, 0)
	setMount(&h.programs.mounts, "/", true)
	setMount(&h.programs.mounts, root+"/nfs", false)
	setMount(&h.programs.mounts, root+"/nfs/local", true)
	for _, c := range []struct{ path, name, want string }{
		{root + "/a", "x", root + "/a/x"},
		{root + "/nfs", "x", ""},
		{root + "/nfs:" + root + "/a", "x", ""}, // what is there goes first, and nobody knows whether it is
		{root + "/a:" + root + "/nfs", "x", root + "/a/x"},
		{root + "/a", "linked", ""},
		{"", root + "/nfs/x", ""},
	} {
		if got := h.programs.find(c.path, c.name); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
	if h.programs.isLocal(root+"/nfs/y/z") || !h.programs.isLocal(root+"/b") || !h.programs.isLocal(root+"/none") {
		t.Error("isLocal")
	}
}

func TestThisMountTable(t *testing.T) {
	m := readMounts()
	if !m.local("/proc/self") && runtime.GOOS == "linux" {
		t.Error("/proc is not local")
	}
}

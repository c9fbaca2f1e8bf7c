package jobfile

import (
	"os"
	"path/filepath"
	"testing"

	"jobsd/internal/testdir"
)

func TestProgram(t *testing.T) {
	root := testdir.Programs(t, "a/x", "b/x", "b/y", "c/z", "home/bin/w")
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
		{Definition{Argv: []string{"x"}, Rules: &Rules{ExtraPath: []string{a, b}}}, b + "/x"},
		{Definition{Argv: []string{"y"}, Rules: &Rules{ExtraPath: []string{a, b}}}, b + "/y"},
		{Definition{Argv: []string{"x"}, Rules: &Rules{Env: []string{"PATH=" + a + ":" + b}}}, b + "/x"},
		{Definition{Argv: []string{"x"}, Rules: &Rules{Env: []string{"PATH=" + a + "::" + b}}}, ""}, // the empty entry is the working directory
		{Definition{Argv: []string{"x"}, Rules: &Rules{Env: []string{"PATH=" + a}}}, ""},
		{Definition{Argv: []string{"x"}, Rules: &Rules{ExtraPath: []string{b}, EnvFile: "/e"}}, ""}, // the env_file may set PATH
		{Definition{Argv: []string{"x"}, Rules: &Rules{Env: []string{"PATH=" + b}, EnvFile: "/e", PassEnv: []string{"PATH"}}}, ""},
		{Definition{Argv: []string{"z"}, Rules: &Rules{PassEnv: []string{"PATH"}}}, c + "/z"},
		{Definition{Argv: []string{"rel"}, Rules: &Rules{ExtraPath: []string{c}}}, c + "/rel"},
		{Definition{Argv: []string{"far"}, Rules: &Rules{ExtraPath: []string{c}}}, c + "/far"},
		{Definition{Argv: []string{"x"}, Rules: &Rules{ExtraPath: []string{root + "/d"}}}, root + "/d/x"},
		{Definition{Argv: []string{"loop"}, Rules: &Rules{ExtraPath: []string{c}}}, ""},
		{Definition{Argv: []string{"gone"}, Rules: &Rules{ExtraPath: []string{c}}}, ""},
		{Definition{Argv: []string{b + "/x"}, Rules: &Rules{}}, b + "/x"},
		{Definition{Argv: []string{a + "/x"}, Rules: &Rules{}}, ""},
		{Definition{Argv: []string{"bin/w"}, Rules: &Rules{}}, root + "/home/bin/w"},
		{Definition{Argv: []string{"./x"}, Rules: &Rules{Dir: b}}, b + "/x"},
		{Definition{Argv: []string{"bin/w"}, Rules: &Rules{User: &User{Home: root}}}, ""},
	} {
		h := someHost(t, os.Geteuid())
		h.path, h.Home = c, root+"/home"
		if got := h.program(&k.d, k.d.Argv[0]); got != k.want {
			t.Errorf("%+v\ngot  %s\nwant %s", k.d, got, k.want)
		}
	}
}

func TestPath(t *testing.T) {
	path := []string{"PATH"}
	for _, c := range []struct {
		d            Definition
		daemon, want string
	}{
		{Definition{Rules: &Rules{}}, "/d", DefaultPath},
		{Definition{Rules: &Rules{PassEnv: path}}, "/d", "/d"},
		{Definition{Rules: &Rules{PassEnv: path}}, "", DefaultPath},
		{Definition{Rules: &Rules{PassEnv: path, Env: []string{"A=1", "PATH=/e"}}}, "/d", "/e"},
		{Definition{Rules: &Rules{PassEnv: path, ExtraPath: []string{"/x", "/y"}}}, "/d", "/x:/y:/d"},
		{Definition{Rules: &Rules{PassEnv: path, ExtraPath: []string{"/x"}}}, "", "/x:" + DefaultPath},
		{Definition{Rules: &Rules{ExtraPath: []string{"/x"}, Env: []string{"PATH="}}}, "/d", "/x"},
		{Definition{Rules: &Rules{Env: []string{"PATH="}}}, "/d", ""},
	} {
		if got := c.d.Path(c.daemon); got != c.want {
			t.Errorf("%+v, daemon %q: %q, want %q", c.d, c.daemon, got, c.want)
		}
	}
}

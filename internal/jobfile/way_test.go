package jobfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jobsd/internal/machine"
)

// way is a place where the user with uid 1000 has a directory next to those of root.
type way struct {
	*testing.T
	root string
}

func newWay(t *testing.T) *way {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root can give directories away")
	}
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &way{t, root}
	w.dir("theirs", 1000, 0o755)
	w.dir("roots", 0, 0o755)
	w.dir("open", 0, 0o777)
	w.dir("sticky", 0, 0o777|os.ModeSticky)
	return w
}

func (w *way) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *way) path(name string) string { return filepath.Join(w.root, name) }

func (w *way) dir(name string, uid int, mode os.FileMode) {
	w.Helper()
	w.must(os.Mkdir(w.path(name), 0o755))
	w.must(os.Chmod(w.path(name), mode))
	w.must(os.Chown(w.path(name), uid, uid))
}

func (w *way) file(name, text string) {
	w.Helper()
	put(w, filepath.Dir(w.path(name)), filepath.Base(name), text)
}

func (w *way) link(name, target string, uid int) {
	w.Helper()
	w.must(os.Symlink(strings.ReplaceAll(target, "@", w.root), w.path(name)))
	w.must(os.Lchown(w.path(name), uid, uid))
}

// TestWayOfLink has links to root's files whose target other users can change.
func TestWayOfLink(t *testing.T) {
	w := newWay(t)
	for _, dir := range []string{"roots", "theirs", "open", "sticky"} {
		w.file(dir+"/a.toml", job(dir))
	}
	w.dir("theirs/in", 0, 0o755)
	w.file("theirs/in/a.toml", job("in"))
	w.link("theirs/current", "../roots/a.toml", 1000)
	w.link("theirs/dir", "../roots", 1000)
	w.link("roots/current", "a.toml", 0)
	w.link("roots/dir", "../roots/.", 0)
	w.link("roots/far", "@/theirs/dir", 0)
	w.link("sticky/ours", "../roots/a.toml", 0)
	w.link("sticky/theirs", "../roots/a.toml", 1000)
	w.dir("sticky/theirs2", 1000, 0o755)
	w.file("sticky/theirs2/a.toml", job("theirs2"))
	w.file("roots/other", job("other"))
	w.must(os.Link(w.path("roots/other"), w.path("sticky/hard")))
	for target, want := range map[string]string{ // "": the file is read
		"@/roots/a.toml":           "",
		"../roots/a.toml":          "",
		"../roots/dir/current":     "",
		"../sticky/a.toml":         "",
		"../sticky/ours":           "",
		"../roots/../roots/a.toml": "",
		"../theirs/a.toml":         "the path leads through the directory @/theirs, which is not owned by root but by ",
		"../theirs/in/a.toml":      "the path leads through the directory @/theirs, which is not owned by root but by ",
		"../theirs/current":        "the path leads through the directory @/theirs, which is not owned by root but by ",
		"@/theirs/dir/a.toml":      "the path leads through the directory @/theirs, which is not owned by root but by ",
		"../roots/far/a.toml":      "the path leads through the directory @/theirs, which is not owned by root but by ",
		"../open/a.toml":           "the path leads through the directory @/open, which can be written by its group and by others (mode 0777)",
		"../sticky/theirs":         "leads through @/sticky/theirs, which is not owned by root but by ",
		"../sticky/theirs2/a.toml": "leads through @/sticky/theirs2, which is not owned by root but by ",
		"../sticky/hard":           "leads to @/sticky/hard, which has other names",
		"../roots/gone":            "is a symbolic link to a missing file: remove it",
		"../roots/a.toml/x":        "not a directory",
	} {
		os.RemoveAll(w.path("jobs.d"))
		w.dir("jobs.d", 0, 0o755)
		w.link("jobs.d/a.toml", target, 0)
		set := NewLoader(Options{Jobs: w.path("jobs.d"), Now: nil}).Load()
		got := texts(set.Errors, "\n")
		if want = strings.ReplaceAll(want, "@", w.root); len(set.Jobs) == 1 != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %d jobs, %s\nwant %s", target, len(set.Jobs), got, want)
		}
		if strings.Contains(got, "chmod") || strings.Contains(got, "chown") {
			t.Errorf("%s: the advice may break something: %s", target, got)
		}
	}
}

// TestWayOfDirectory: whoever can replace the jobs directory, jobsd.toml or the program by another file of root can
// make root execute a program of their choice.
func TestWayOfDirectory(t *testing.T) {
	w := newWay(t)
	for _, dir := range []string{"roots", "theirs", "open", "sticky"} {
		w.dir(dir+"/jobs.d", 0, 0o755)
		w.file(dir+"/jobs.d/a.toml", job(dir))
		w.file(dir+"/jobs.d/jobsd.toml", "max_running = 3\n")
		w.file(dir+"/jobs.d/jobsd", "")
		chmod(t, w.path(dir+"/jobs.d/jobsd"), 0o755)
		w.link(dir+"/link", "jobs.d", 0)
		trusted := dir == "roots" || dir == "sticky"

		os.Rename(w.path(dir+"/jobs.d/jobsd.toml"), w.path(dir+"/jobs.d/settings"))
		if set := NewLoader(Options{Jobs: w.path(dir + "/jobs.d")}).Load(); (len(set.Jobs) == 1) != trusted || len(set.Errors) > 0 == trusted {
			t.Errorf("jobs in %s: %d, %q", dir, len(set.Jobs), set.Errors)
		}
		for _, way := range []string{"/jobs.d/", "/link/"} {
			if c, err := ReadConfig(w.path(dir + way + "settings")); (err == nil) != trusted || (c.MaxRunning == 3) != trusted {
				t.Errorf("settings in %s%s: %d, %v", dir, way, c.MaxRunning, err)
			}
			if err := machine.CheckProgram(w.path(dir + way + "jobsd")); (err == nil) != trusted {
				t.Errorf("program in %s%s: %v", dir, way, err)
			}
		}
	}
	if _, err := ReadConfig(w.path("open/none.toml")); !os.IsNotExist(err) {
		t.Errorf("missing settings: %v", err)
	}
}

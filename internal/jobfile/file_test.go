package jobfile

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHostileFiles has every kind of entry that must not stop or block a load.
func TestHostileFiles(t *testing.T) {
	b := newBox(t)
	path := func(name string) string { return filepath.Join(b.dir, name) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	b.put("good.toml", job(""))
	must(os.Mkdir(path("dir.toml"), 0o755))
	must(unix.Mkfifo(path("fifo.toml"), 0o644))
	chmod(t, b.put("group.toml", job("")), 0o646)
	must(os.Symlink("nothing", path("dangling.toml")))
	must(os.Symlink("loop.toml", path("loop.toml")))
	must(os.Symlink("fifo.toml", path("link-fifo.toml")))
	must(os.Symlink("group.toml", path("link-group.toml")))
	must(os.Symlink("/dev/null", path("link-null.toml")))
	outside := put(t, filepath.Dir(b.dir), "outside.toml", job("linked"))
	must(os.Symlink(outside, path("link.toml")))
	huge := b.put("huge.toml", "")
	must(os.Truncate(huge, 1<<30))
	b.put("exact.toml", job("")+strings.Repeat("#", MaxFile-len(job("")))) // the largest permitted size
	b.put("more.toml", job("")+strings.Repeat("#", MaxFile-len(job(""))+1))
	bound := true
	if l, err := net.Listen("unix", path("sock.toml")); err != nil {
		t.Logf("without a socket: %v", err) // its path may be too long
		bound = false
	} else {
		defer l.Close()
	}
	want := []string{
		"dangling.toml: is a symbolic link to a missing file: remove it",
		"dir.toml: is a directory, not a file: move it elsewhere",
		"fifo.toml: is a FIFO, not a file: move it elsewhere",
		"group.toml: can be written by others (mode 0646): chmod o-w " + path("group.toml"),
		"huge.toml: is larger than 1 MiB",
		"link-fifo.toml: is a symbolic link to a FIFO, not to a file: remove it",
		"link-group.toml: is a symbolic link whose target can be written by others (mode 0646): chmod o-w " + path("link-group.toml"),
		"link-null.toml: is a symbolic link to a character device, not to a file: remove it",
		"loop.toml: is a symbolic link to itself: remove it",
		"more.toml: is larger than 1 MiB",
	}
	if bound {
		want = append(want, "sock.toml: is a socket, not a file: move it elsewhere")
	}
	b.load("exact= good= link=linked", want...)
	b.load("exact= good= link=linked", want...)
}

// TestLinkTargetIsNotQuoted has links to files that are not job files.
func TestLinkTargetIsNotQuoted(t *testing.T) {
	b := newBox(t)
	secrets := filepath.Join(filepath.Dir(b.dir), "secrets")
	if err := os.Mkdir(secrets, 0o700); err != nil {
		t.Fatal(err)
	}
	const canary = "xyzzy"
	n := 0
	for _, text := range []string{
		"root:xyzzy:19000:0:99999:7:::\n", "xyzzy", "xyzzy = 1", "cmd = [\"x\"]\nxyzzy = \"xyzzy\"\n", "env.xyzzy = 1",
		"\"xyzzy", "cmd = [\"x\"]\nname = \"xyzzy/\"", "start_at = \"xyzzy\"", "timezone = \"xyzzy\"", "user = \"xyzzy\"",
		"timeout = \"xyzzy\"", "log.max_size = \"xyzzy\"", "overlap = \"xyzzy\"", "machines = [\"[xyzzy\"]", "dir = \"~xyzzy\"",
		"stop_signal = \"xyzzy\"", "umask = \"xyzzy\"", "nice = 1234567", "notify.mail = \"xyzzy xyzzy\"", "limits.xyzzy = 1",
		"cron = \"xyzzy\"", "every = \"xyzzy\"", "at = \"xyzzy\"", "days = \"xyzzy\"", "[[jobs]]\nname=\"xyzzy\"\ncmd=[\"x\"]\n[[jobs]]\nname=\"xyzzy\"",
		"xyzzy.xyzzy.xyzzy = 1979-05-27 07:32:99", "a = xyzzy", "a = \"\\xyzzy\"", "xyzzy = 1\nxyzzy = 2", "[xyzzy", "log.xyzzy = 1",
	} {
		for _, ext := range []string{".toml", ".json"} {
			if ext == ".json" && n%2 == 0 {
				text = `{"xyzzy": ["xyzzy"], "xyzzy": 1}`
			}
			n++
			name := fmt.Sprintf("s%03d%s", n, ext)
			if err := os.Symlink(put(t, secrets, name, text), filepath.Join(b.dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	set := b.loader.Load()
	if set.Refused != n || set.Files != n {
		t.Errorf("%d of %d refused", set.Refused, n)
	}
	for _, e := range set.Errors {
		err := e.Error()
		if strings.Contains(err, canary) || strings.Contains(err, "1234567") || strings.Contains(err, "xyz") {
			t.Error("the error quotes the target: ", err)
		}
	}
	if len(set.Errors) < n {
		t.Error(len(set.Errors), "errors of", n, "files")
	}
}

// TestLinkSwap changes files as a mounted Kubernetes ConfigMap does: it replaces a link to a folder.
func TestLinkSwap(t *testing.T) {
	b := newBox(t)
	for _, v := range []string{"..v1", "..v2"} {
		if err := os.Mkdir(filepath.Join(b.dir, v), 0o755); err != nil {
			t.Fatal(err)
		}
		chmod(t, filepath.Join(b.dir, v), 0o755)
		put(t, filepath.Join(b.dir, v), "a.toml", job(v))
	}
	swap := func(to string) {
		if err := os.Symlink(to, filepath.Join(b.dir, "..new")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(b.dir, "..new"), filepath.Join(b.dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	swap("..v1")
	if err := os.Symlink("..data/a.toml", filepath.Join(b.dir, "a.toml")); err != nil {
		t.Fatal(err)
	}
	b.load("a=..v1")
	swap("..v2")
	b.load("a=..v2")
}

func TestUntrustedLater(t *testing.T) {
	b := newBox(t)
	path := b.put("a.toml", job("1"))
	b.load("a=1")
	chmod(t, path, 0o646)
	b.load("a=1!", "a.toml: can be written by others (mode 0646): chmod o-w "+path)
	b.wantKept("a.toml")
	b.restart()
	b.load("a=1!", "a.toml: can be written by others")
	chmod(t, path, 0o644)
	b.load("a=1")
	chmod(t, b.dir, 0o757)
	b.load("a=1!", b.dir+": the directory can be written by others (mode 0757): chmod o-w "+b.dir)
	chmod(t, b.dir, 0o755)
	b.load("a=1")
	link := b.dir + ".link"
	if err := os.Symlink(b.dir, link); err != nil {
		t.Fatal(err)
	}
	set := NewLoader(Options{Jobs: link}).Load()
	if len(set.Errors) != 1 || set.Errors[0].Error() != link+": is a symbolic link: name the directory itself" {
		t.Error(set.Errors)
	}
}

// TestUmask makes the files of a clone under several umasks. Root's daemon accepts no file that a group can write; a
// user's daemon accepts it if the group is the user's own.
func TestUmask(t *testing.T) {
	me := thisHost(noon)
	for _, umask := range []int{0o077, 0o022, 0o002, 0o000} {
		b := newBox(t)
		old := unix.Umask(umask)
		dir := filepath.Join(filepath.Dir(b.dir), "clone")
		err1 := os.Mkdir(dir, 0o777)
		err2 := os.WriteFile(filepath.Join(dir, "a.toml"), []byte(job("")), 0o666)
		unix.Umask(old)
		if err1 != nil || err2 != nil {
			t.Fatal(err1, err2)
		}
		var st unix.Stat_t
		if err := unix.Stat(dir, &st); err != nil {
			t.Fatal(err)
		}
		trusted := umask&0o002 != 0 && (umask&0o020 != 0 || me.UID != 0 && int(st.Gid) == me.GID)
		set := NewLoader(Options{Jobs: dir}).Load()
		if (len(set.Jobs) == 1) != trusted || (set.Errors == nil) != trusted {
			t.Errorf("umask %03o, uid %d: %d jobs, %v", umask, me.UID, len(set.Jobs), set.Errors)
		}
	}
}

// TestOwners needs root to change the owners of files.
func TestOwners(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	b := newBox(t)
	path := b.put("a.toml", job("1"))
	b.load("a=1")
	if err := os.Chown(path, 1000, 1000); err != nil {
		t.Fatal(err)
	}
	b.load("a=1!", "a.toml: is not owned by root but by ")
	if err := os.Chown(path, 0, 0); err != nil {
		t.Fatal(err)
	}
	b.load("a=1")

	// The daemon runs as a user, in a clone that was made under umask 002.
	b = newBox(t)
	path = b.put("a.toml", job("1"))
	for p, mode := range map[string]os.FileMode{b.dir: 0o775, path: 0o664} {
		chmod(t, p, mode)
		if err := os.Chown(p, 1000, 1000); err != nil {
			t.Fatal(err)
		}
	}
	b.loader.facts = func(time.Time) *host { return someHost(t, 1000) }
	b.o.Accepted, b.loader.o.Accepted = "", ""
	b.load("a=1")
	if err := os.Chown(path, 1000, 50); err != nil {
		t.Fatal(err)
	}
	b.load("a=1!", "a.toml: can be written by its group (mode 0664): chmod g-w "+path)
}

// TestGrowing reads a file that grows during the read.
func TestGrowing(t *testing.T) {
	b := newBox(t)
	path := b.put("a.toml", job("")+strings.Repeat("#", MaxFile-len(job(""))))
	h := thisHost(noon)
	dir, err := h.Judge.OpenFolder(b.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	looked, err := look(dir.FD, "a.toml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, MaxFile+1); err != nil {
		t.Fatal(err)
	}
	if text, _, err := h.read(dir, "a.toml", looked); err == nil || err.Error() != tooBig {
		t.Error(len(text), err)
	}
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if text, err := h.readAll(fd); err == nil || err.Error() != tooBig {
		t.Error(len(text), err)
	}
}

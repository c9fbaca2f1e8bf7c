package trust

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"/a/b-c.toml": "/a/b-c.toml", "/a b": "'/a b'", "/it's": `'/it'\''s'`, "": "''"} {
		if got := Quote(in); got != want && got != `"`+strings.ReplaceAll(want, `\`, `\\`)+`"` {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// TestAdvice checks that no advice takes away permissions that others need.
func TestAdvice(t *testing.T) {
	homes := map[string]int{"/home/alice": 1000, "/root": 0}
	home := func(path string) int {
		if uid, ok := homes[path]; ok {
			return uid
		}
		return -1
	}
	const move = "move the trusted files to a directory that nobody else needs to write to"
	for _, c := range []struct {
		judge, uid int
		mode       uint32
		path       string
		link       bool
		want       string
	}{
		{0, 0, unix.S_IFDIR | 0o1777, "/tmp", false, move},
		{0, 0, unix.S_IFDIR | 0o1777, "/var/tmp", false, move},
		{0, 0, unix.S_IFDIR | 0o3777, "/data", false, move},
		{1000, 0, unix.S_IFDIR | 0o1777, "/dev/shm", false, move},
		{0, 0, unix.S_IFDIR | 0o2775, "/srv/team", false, move},
		{0, 1000, unix.S_IFDIR | 0o755, "/home/alice", false, move},
		{0, 1000, unix.S_IFDIR | 0o777, "/home/alice", false, move},
		{0, 0, unix.S_IFDIR | 0o777, "/", false, move},
		{1000, 1000, unix.S_IFDIR | 0o777, "/home/alice", false, "chmod go-w /home/alice"},
		{0, 0, unix.S_IFDIR | 0o777, "/etc/jobs.d", false, "chmod go-w /etc/jobs.d"},
		{0, 0, unix.S_IFREG | 0o1666, "/etc/jobs.d/a", false, "chmod go-w /etc/jobs.d/a"},
		{0, 1000, unix.S_IFREG | 0o644, "/etc/jobs.d/a", false, "chown root /etc/jobs.d/a"},
		{0, 1000, unix.S_IFREG | 0o644, "/etc/jobs.d/a", true, "replace the link with a copy"},
		{1000, 1001, unix.S_IFREG | 0o644, "/j/a", false, "chown 1000 /j/a"},
	} {
		j := &Judge{UID: c.judge, GID: c.judge, Home: home, users: ids{-1}, groups: ids{-1}}
		st := &unix.Stat_t{Uid: uint32(c.uid)}
		setMode(st, c.mode)
		if _, got, _ := strings.Cut(j.Fault(st, c.path, c.link), ": "); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// setMode sets the mode, whose type depends on the system.
func setMode(st *unix.Stat_t, mode uint32) {
	for bit := range 16 {
		if mode&(1<<bit) != 0 {
			st.Mode |= 1 << bit
		}
	}
}

// TestOverflow checks that in a user namespace the overflow number belongs to nobody, not even to the user that has it.
func TestOverflow(t *testing.T) {
	const nobody = 65534
	for _, c := range []struct {
		overflow, uid int
		mine          map[int]bool
	}{
		{-1, nobody, map[int]bool{0: true, nobody: true, 1000: false}},
		{nobody, nobody, map[int]bool{0: true, nobody: false, 1000: false}},
		{nobody, 1000, map[int]bool{0: true, nobody: false, 1000: true}},
		{0, 0, map[int]bool{0: false, nobody: false}},
	} {
		j := &Judge{UID: c.uid, GID: nobody, users: ids{c.overflow}, groups: ids{c.overflow}}
		for uid, want := range c.mine {
			if j.Mine(uid) != want {
				t.Errorf("overflow %d, daemon %d: %d is mine: %t", c.overflow, c.uid, uid, !want)
			}
		}
		st := &unix.Stat_t{Uid: uint32(c.uid), Gid: nobody}
		setMode(st, unix.S_IFREG|0o664)
		if why := j.Fault(st, "/f", false); (why == "") != (c.overflow == -1) {
			t.Errorf("overflow %d, daemon %d: writable by its group: %q", c.overflow, c.uid, why)
		}
	}
}

// TestTrusts checks who can change a file.
func TestTrusts(t *testing.T) {
	const dir, file, link = unix.S_IFDIR, unix.S_IFREG, unix.S_IFLNK
	root, user := New(0, 0), New(1000, 100)
	trusts := func(j *Judge, st *unix.Stat_t) bool { // as the target of a walk
		w := &walk{judge: j}
		if uint32(st.Mode)&unix.S_IFMT == link {
			return w.planted(st, "/f", false) == nil
		}
		_, err := w.enter(st, "/f")
		return err == nil
	}
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
		if got := trusts(root, &c.entry); got != c.root {
			t.Errorf("uid %d, gid %d, mode %o: root trusts it: %v", c.entry.Uid, c.entry.Gid, c.entry.Mode, got)
		}
		if got := trusts(user, &c.entry); got != c.user {
			t.Errorf("uid %d, gid %d, mode %o: the user trusts it: %v", c.entry.Uid, c.entry.Gid, c.entry.Mode, got)
		}
	}
}

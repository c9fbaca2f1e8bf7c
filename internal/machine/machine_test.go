package machine

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

const passwd = `root:x:0:0:root:/root:/bin/bash
# alice:x:1:1::/:
alice:x:1000:1000:Alice:/home/alice:/bin/zsh
bob:x:1001:100::/home/bob:/bin/sh
broken:x:many:100::/:/bin/sh
short:x:7
`

const groups = `root:x:0:
users:x:100:alice
staff:x:50:alice,bob
alice:x:1000:
`

// someone returns invented facts for the user with the number uid.
func someone(t *testing.T, uid int) *Facts {
	dir := t.TempDir()
	p, g := filepath.Join(dir, "passwd"), filepath.Join(dir, "group")
	write(t, p, passwd)
	write(t, g, groups)
	return For(uid, ReadAccounts(p, g), utc(nil))
}

func write(tb testing.TB, path, text string) {
	tb.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func chmod(tb testing.TB, path string, mode os.FileMode) {
	tb.Helper()
	if err := os.Chmod(path, mode); err != nil {
		tb.Fatal(err)
	}
}

// stat returns the status of a regular file with that owner, group and mode.
func stat(uid, gid uint32, mode uint32) *unix.Stat_t {
	st := &unix.Stat_t{Uid: uid, Gid: gid, Mode: unix.S_IFREG}
	for bit := range 12 { // the type of Mode differs between systems
		if mode&(1<<bit) != 0 {
			st.Mode |= 1 << bit
		}
	}
	return st
}

func TestDistrust(t *testing.T) {
	for _, c := range []struct {
		daemon   int
		uid, gid uint32
		mode     uint32
		want     string
	}{
		{0, 0, 0, 0o644, ""},
		{0, 0, 0, 0o600, ""},
		{0, 0, 1000, 0o644, ""},
		{0, 0, 0, 0o664, "can be written by its group (mode 0664): chmod g-w /etc/jobs.d/a.toml"},
		{0, 0, 50, 0o664, "can be written by its group (mode 0664): chmod g-w /etc/jobs.d/a.toml"},
		{0, 0, 0, 0o646, "can be written by others (mode 0646): chmod o-w /etc/jobs.d/a.toml"},
		{0, 0, 0, 0o666, "can be written by its group and by others (mode 0666): chmod go-w /etc/jobs.d/a.toml"},
		{0, 1000, 1000, 0o644, "is not owned by root but by alice: chown root /etc/jobs.d/a.toml"},
		{0, 4242, 1000, 0o644, "is not owned by root but by uid 4242: chown root /etc/jobs.d/a.toml"},
		{1000, 1000, 1000, 0o644, ""},
		{1000, 1000, 1000, 0o664, ""}, // umask 002
		{1000, 0, 0, 0o644, ""},
		{1000, 1000, 50, 0o664, "can be written by its group (mode 0664): chmod g-w /etc/jobs.d/a.toml"},
		{1000, 1000, 1000, 0o666, "can be written by others (mode 0666): chmod o-w /etc/jobs.d/a.toml"},
		{1000, 1001, 100, 0o644, "is owned by bob, neither by root nor by alice: chown alice /etc/jobs.d/a.toml"},
		{4242, 1001, 100, 0o644, "is owned by bob, neither by root nor by uid 4242: chown 4242 /etc/jobs.d/a.toml"},
	} {
		if got := someone(t, c.daemon).Judge.Fault(stat(c.uid, c.gid, c.mode), "/etc/jobs.d/a.toml", false); got != c.want {
			t.Errorf("%+v\ngot  %s\nwant %s", c, got, c.want)
		}
	}
}

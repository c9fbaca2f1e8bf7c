package cli

import "testing"

func TestWhoseCrontab(t *testing.T) {
	for _, test := range []struct {
		path  string
		owner uint32
		want  string
	}{
		{"/root/table", 0, ""},
		{"/home/x/table", 4294967293, "4294967293"},
		{"/var/spool/cron/crontabs/john.doe", 4294967293, "4294967293"},
		{"/var/cron/tabs/alice", 0, "alice"}, // crontab(1) of FreeBSD makes root the owner
		{"/usr/lib/cron/tabs/alice", 0, "alice"},
		{"/var/cron/tabs/root", 0, ""},
		{"/var/cron/tabs/x/alice", 0, ""},
		{"/etc/crontabs/www-data", 0, "www-data"}, // on Alpine and OpenWrt, root owns all of them
		{"/etc/crontabs/root", 0, ""},
		{"/mnt/router/etc/crontabs/www-data", 0, "www-data"}, // a copy from such a system
		{"/srv/backup/var/spool/cron/alice", 0, "alice"},
		{"/home/x/etc/crontabs/table", 4294967293, "4294967293"},
	} {
		if got := whoseCrontab(test.path, test.owner); got != test.want {
			t.Errorf("%s of %d: %q, want %q", test.path, test.owner, got, test.want)
		}
	}
}

func TestOtherName(t *testing.T) {
	for _, test := range []struct {
		dir, name string
		want      bool
	}{
		{"/etc/cron.d", "old.bak", true},
		{"/etc/cron.d", "no-such_user1", false},
		{"/var/spool/cron/crontabs", "no-such_user1", true}, // like a copy that an editor left
		{"/var/spool/cron/crontabs/", "root", false},
		{"/etc/crontabs", "cron.update", true},
		{"/mnt/etc/crontabs", "no-such_user1", true},
	} {
		if got := otherName(test.dir, test.name); (got != "") != test.want {
			t.Errorf("%s in %s: %q", test.name, test.dir, got)
		}
	}
}

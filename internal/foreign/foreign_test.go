package foreign

import (
	"strings"
	"testing"

	"jobsd/internal/jobfile"
)

func TestNameOf(t *testing.T) {
	for _, test := range []struct{ command, want string }{
		{"/usr/local/bin/backup --all", "backup"},
		{"backup.sh >/dev/null 2>&1", "backup"},
		{"cd / && run-parts --report /etc/cron.hourly", "cron.hourly"},
		{"test -x /usr/sbin/anacron || { cd / && run-parts --report /etc/cron.daily; }", "cron.daily"},
		{"[ -x /usr/lib/php/sessionclean ] && if [ ! -d /run/systemd/system ]; then /usr/lib/php/sessionclean; fi", "sessionclean"},
		{"command -v debian-sa1 > /dev/null && debian-sa1 1 1", "debian-sa1"},
		{"FOO=bar BAZ='x' prog", "prog"},
		{"sudo -u www-data php -f /srv/app/cron.php", "cron"},
		{"/usr/bin/flock -n /tmp/l /opt/Sync_it", "Sync_it"},
		{"flock -n /tmp/l /opt/Sync_it", "Sync_it"},
		{"nice -n 10 ionice -c2 -n7 rsync -a x y", "rsync"},
		{"timeout 10m curl https://example.org/", "curl"},
		{"python3 -m mailtools.sweep --now", "mailtools.sweep"},
		{"perl -e 'sleep int(rand(43200))' && certbot -q renew", "certbot"},
		{`"$HOME/bin/daily.job"`, "daily.job"},
		{"sh -c 'backup'", "daemon"},
		{"if [ -x /x/checkarray ] && [ $(date +%d) -le 7 ]; then /x/checkarray --all; fi", "checkarray"},
		{"/usr/sbin/invoke-rc.d anacron start >/dev/null", "anacron"},
		{"$(date) && true", "daemon"},
		{"echo hello", "daemon"},
		{"jobsd list", "jobsd-job"},
		{"5", "daemon"},
		{"", "daemon"},
		{strings.Repeat("a", 70), strings.Repeat("a", 64)},
		{"grün --x", "gr-n"},
	} {
		if got := NameOf(test.command, "daemon"); got != test.want {
			t.Errorf("%s: %q, want %q", test.command, got, test.want)
		}
	}
	if got := NameOf("", "?"); got != "job" {
		t.Errorf("without a command: %q", got)
	}
}

func TestUnique(t *testing.T) {
	long := strings.Repeat("x", 64)
	var r Result
	for _, name := range []string{"a", "A", "a-2", "a", long, long} {
		r.Jobs = append(r.Jobs, Job{Name: name})
	}
	r.Name()
	for i, want := range []string{"a", "A-2", "a-2-2", "a-3", long, long[:62] + "-2"} {
		if got := r.Jobs[i].Name; got != want {
			t.Errorf("%d: %q, want %q", i, got, want)
		}
	}
}

// TestMany takes minutes if each job or note is compared with all previous ones.
func TestMany(t *testing.T) {
	const many = 100_000
	var r, all Result
	for line := range many {
		r.Note(Place{"f", line, "x"}, "is slightly different")
		r.Jobs = append(r.Jobs, Job{Name: "x"})
	}
	all.Add(&r)
	all.Name()
	if len(all.Notes) != many || all.Jobs[many-1].Name != "x-100000" {
		t.Errorf("%d notes, the last job is %s", len(all.Notes), all.Jobs[many-1].Name)
	}
}

func TestRemark(t *testing.T) {
	var r, all Result
	r.Refuse(Place{"f", 3, "a\tb\x1b"}, "no %s", "x")
	r.Note(Place{}, "once")
	all.Add(&r)
	all.Add(&r)
	if got := all.Refused[0].String(); got != "f:3: a b\uFFFD: no x" {
		t.Errorf("%q", got)
	}
	if len(all.Refused) != 2 || len(all.Notes) != 1 || all.Notes[0].String() != "once" {
		t.Errorf("%+v", all)
	}
}

// TestLongLine checks that an error shows only the beginning of a line of binary data or of a megabyte.
func TestLongLine(t *testing.T) {
	long := strings.Repeat("\x00\xff", 1<<19)
	var r Result
	r.Refuse(Place{"f", 1, long}, "is not text")
	if got := r.Refused[0].String(); len(got) > 1000 || !strings.HasSuffix(got, "...: is not text") {
		t.Errorf("%d bytes: %.300q", len(got), got)
	}
	j := Job{Place: Place{"f", 1, long}, Name: "x", Keys: []jobfile.Pair{{Key: "shell", Value: "x"}}}
	if text, err := j.Format(); err != nil || len(text) > 5000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
}

// TestTooLarge checks that a job with a file that is too large is refused and the others are written.
func TestTooLarge(t *testing.T) {
	var r Result
	for _, script := range []string{"a", strings.Repeat("b", jobfile.MaxFile), "c"} {
		r.Jobs = append(r.Jobs, Job{Place: Place{"f", len(r.Jobs) + 1, script}, Name: script[:1],
			Keys: []jobfile.Pair{{Key: "shell", Value: script}}})
	}
	texts := r.Texts()
	if len(texts) != 2 || len(r.Jobs) != 2 || r.Jobs[1].Name != "c" || len(r.Refused) != 1 || r.Refused[0].Line != 2 {
		t.Errorf("%d texts, %d jobs, refused %v", len(texts), len(r.Jobs), r.Refused)
	}
}

package crontab

import (
	"slices"
	"strings"
	"testing"

	"jobsd/internal/foreign"
)

func TestAnacrontab(t *testing.T) {
	const usual = "dir=/; lock=anacron; "
	for _, test := range []struct{ text, want string }{
		{"1\t5\tcron.daily\trun-parts --report /etc/cron.daily\n", "cron.daily: " + usual + "shell=run-parts --report /etc/cron.daily; start_at=7:35am"},
		{"@daily 5 a b\n", "a: " + usual + "shell=b; start_at=7:35am"},
		{"7 10 cron.weekly x\n", "cron.weekly: days=sun; " + usual + "shell=x; start_at=7:40am"},
		{"@weekly 10 w x\n", "w: days=sun; " + usual + "shell=x; start_at=7:40am"},
		{"@monthly 15 cron.monthly x %y \\\n  z\n", "cron.monthly: days=[1]; " + usual + "shell=x %y    z; start_at=7:45am"},
		{"@yearly 0 y x\n", "y: cron=30 7 1 1 *; " + usual + "shell=x"},
		{"@annually 360 y x\n", "y: cron=30 13 1 1 *; " + usual + "shell=x"},
		{"3 20 three x\n", "three: dir=/; every=3d; lock=anacron; shell=x"},
		{"START_HOURS_RANGE=3-22\nRANDOM_DELAY=45\n1 5 d x\n",
			"d: catch_up=18h55m; dir=/; jitter=45m; lock=anacron; shell=x; start_at=3:05am"},
		{"START_HOURS_RANGE=3-22\n7 25 w x\n", "w: days=sun; " + usual + "shell=x; start_at=3:25am"},
		{"START_HOURS_RANGE=0-24\n1 0 d x\n", "d: catch_up=1d; " + usual + "shell=x; start_at=12:00am"},
		{"START_HOURS_RANGE=12-13\n1 5 d x\n", "d: catch_up=55m; " + usual + "shell=x; start_at=12:05pm"},
		{"SHELL=/bin/bash\nPATH=/bin\nHOME=/root\nLOGNAME=root\nMAILTO=root\nA= b \n B =\"q\"\n1 5 d x\n",
			"d: dir=/; env=map[A: b  B:\"q\" HOME:/root PATH:/bin SHELL:/bin/bash]; lock=anacron; notify=map[mail:[root]]; " +
				"shell=x; start_at=7:35am"},
		{"# Of each day.\n \t1 5 d x\n", "d: description=Of each day.; " + usual + "shell=x; start_at=7:35am"},
		{"# 1 5 old x \\\n1 5 old y\n1 5 d x\n", "d: " + usual + "shell=x; start_at=7:35am"},
		{"1 5 5 /bin/tidy\n", "tidy: " + usual + "shell=/bin/tidy; start_at=7:35am"},
	} {
		r := ParseAnacrontab("f", test.text, Options{Now: now})
		if len(r.Jobs) != 1 || r.Refused != nil {
			t.Errorf("%q: %d jobs, refused: %v", test.text, len(r.Jobs), r.Refused)
			continue
		}
		if got := r.Jobs[0].Name + ": " + different(r.Jobs[0]); got != test.want {
			t.Errorf("%q:\n got %s\nwant %s", test.text, got, test.want)
		}
	}
	r := ParseAnacrontab("f", "1 5 d x\n", Options{User: "alice", Now: now})
	if got := keysOf(r.Jobs[0])["user"]; got != "alice" {
		t.Errorf("user %v", got)
	}
}

func TestAnacrontabRefused(t *testing.T) {
	for _, test := range []struct{ text, why string }{
		{"0 5 d x", `period "0"`},
		{"x 5 d x", `period "x"`},
		{"@hourly 5 d x", `period "@hourly"`},
		{"4000 5 d x", "3650 days"},
		{"1 y d x", `delay "y"`},
		{"1 -5 d x", `delay "-5"`},
		{"1 1000 d x", "past midnight"},
		{"1 5 a/b x", "slash"},
		{"1 5 d", "neither a setting"},
		{"1 5", "neither a setting"},
		{"17 * * * * root x", "jobsd import crontab"},
		{"START_HOURS_RANGE=22-3", "such as 3-22"},
		{"START_HOURS_RANGE=3", "such as 3-22"},
		{"START_HOURS_RANGE=3-25", "such as 3-22"},
		{"RANDOM_DELAY=2000", "1440 minutes"},
		{"MAILTO=a;b", "does not accept the mail address"},
		{"1 5 d \xff", "UTF-8"},
		{"1 5 d " + strings.Repeat("x", 128<<10), "128 KiB"},
	} {
		r := ParseAnacrontab("f", test.text+"\n", Options{Now: now})
		if len(r.Jobs) != 0 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, test.why) {
			t.Errorf("%.60q: %d jobs, refused: %.300v; want %s", test.text, len(r.Jobs), r.Refused, test.why)
		}
	}
}

func TestAnacrontabNotes(t *testing.T) {
	for _, test := range []struct{ text, note string }{
		{"1 5 d x\n", "when cron or systemd calls anacron"},
		{"1 5 d x\n", "one after the other"},
		{"7 5 w x\n", "7 days after the last run; jobsd runs it on Sundays"},
		{"@monthly 5 m x\n", "on the first of the month"},
		{"@yearly 5 m x\n", "on 1 January"},
		{"3 5 t x\n", "every 3 days, at the time of day at which jobsd first loads it"},
		{"START_HOURS_RANGE=3-22\n7 5 w x\n", "the end of START_HOURS_RANGE"},
		{"START_HOURS_RANGE=3-4\n1 70 w x\n", "the end of START_HOURS_RANGE"},
		{"RANDOM_DELAY=5\n1 5 d x\n", "the same after a restart"},
		{"NO_MAIL_OUTPUT=1\n", "it mails failures"},
		{"LOGNAME=root\n", "set the variable to the user"},
		{"1 5 d [ -x /bin/a ] && a\n", "[ ! -x /bin/a ] || a"},
		{"1 5 d x\r\n", "CR LF"},
	} {
		r := ParseAnacrontab("f", test.text, Options{Now: now})
		if !slices.ContainsFunc(r.Notes, func(n foreign.Remark) bool { return strings.Contains(n.Reason, test.note) }) {
			t.Errorf("%q: no note %q: %v", test.text, test.note, r.Notes)
		}
	}
}

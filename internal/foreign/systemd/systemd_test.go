package systemd

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/foreign"
	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// TestCalendar compares with testdata/calendar.golden, the output of systemd 252 for each expression:
//
//	TZ=UTC systemd-analyze calendar --iterations=5 --base-time='2027-02-20 12:00:00 UTC' EXPRESSION
func TestCalendar(t *testing.T) {
	text, err := os.ReadFile("testdata/calendar.golden")
	if err != nil {
		t.Fatal(err)
	}
	base := time.Date(2027, 2, 20, 12, 0, 0, 0, time.UTC)
	n := 0
	for line := range strings.Lines(string(text)) {
		event, want, _ := strings.Cut(strings.TrimSpace(line), " = ")
		cron, zone, err := calendar(event)
		if err != nil {
			t.Errorf("%s: %v", event, err)
			continue
		}
		k := schedule.Keys{Cron: []string{cron}}
		if zone != "" {
			k.Timezone = &zone
		}
		s, errs := schedule.Parse(k, time.UTC, base)
		if errs != nil {
			t.Errorf("%s: %s: %v", event, cron, errs)
			continue
		}
		var got []string
		for slot, i := base, 0; i < 5; i++ {
			slot = s.Next(slot)
			got = append(got, slot.UTC().Format("2006-01-02T15:04Z"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s:\n got %s\nwant %s", event, cron, strings.Join(got, " "), want)
		}
		n++
	}
	if n < 30 {
		t.Errorf("only %d events", n)
	}
}

func TestNoCalendar(t *testing.T) {
	for _, event := range []string{
		"", "*:*/15", "Mon, Thu 5:00", "Sat..Mon 5:00", "Mo 5:00", "24:00", "4:60", "5", "*:0:30", "*:*:*", "4:0:0:0", "*:0/70", "5:50/20",
		"2027-01-01 4:00", "*-13-01", "*-*-32", "Mon *-*-5 4:00", "*-*~3", "*-*~07/1", "*-*-5..1", "4:00 5:00", "*-*-* 4:00 Nowhere",
		"*-* 4:x", "4:0/0", "-1:00",
	} {
		if cron, zone, err := calendar(event); err == nil && event != "" {
			t.Errorf("%q became %q %q", event, cron, zone)
		}
	}
}

func TestSpan(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"5", "5s"}, {"90s", "1m30s"}, {"15min", "15m"}, {"1h 30m", "1h30m"}, {"1h30min", "1h30m"}, {"2days", "2d"}, {"1w", "7d"},
		{"1d 1s", "24h0m1s"}, {"0", "0s"}, {"1.5h", "1h30m"}, {"100ms", "100ms"}, {"infinity", "-1ns"}, {"1M", "730h30m"},
		{"10h", "10h"}, {"10 minutes", "10m"},
	} {
		if d, ok := span(test.text); !ok || foreign.Duration(d) != test.want {
			t.Errorf("%q: %s, %t; want %s", test.text, foreign.Duration(d), ok, test.want)
		}
	}
	for _, text := range []string{"", "x", "5 x", "1..5s", "5sx", "-5", "99999999999y"} {
		if d, ok := span(text); ok {
			t.Errorf("%q: %s", text, d)
		}
	}
}

func TestCommand(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"/bin/a b  c", `["/bin/a" "b" "c"]`},
		{`/bin/a "b c" 'd "e' f\x20g \101 "h\ti" -x="y z"`, `["/bin/a" "b c" "d \"e" "f g" "A" "h\ti" "-x=y z"]`},
		{`/bin/a "" 100%%`, `["/bin/a" "" "100%"]`},
		{`find / -exec rm {} \;`, `["find" "/" "-exec" "rm" "{}" ";"]`},
		{`/bin/sh -c 'a ; b' ";" x;`, `["/bin/sh" "-c" "a ; b" ";" "x;"]`}, // only a separate ";" separates commands
		{":/bin/a $B", `["/bin/a" "$B"]`},
		{"/bin/a $B ${C} x${D}y a$E $$ 'q r' f&", `set -f; exec /bin/a $B "${C}" "x${D}y" "a\$E" "\$" "q r" "f&"`},
	} {
		c, err := parseCommand(test.text, scope{unit: "x.service"}.literal)
		got := fmt.Sprintf("%q", c.words)
		if c.expand {
			got = c.prefix() + "exec " + c.line()
		}
		if err != nil || got != test.want {
			t.Errorf("%s: %s, %v; want %s", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{"", "-", "@/bin/a b", "!/bin/a", "/bin/a %b", "/bin/a 5%", `/bin/a "b`, `/bin/a \q`, "/bin/a ; /bin/b", `""`, `/bin/a \x0`} {
		if c, err := parseCommand(text, scope{unit: "x.service"}.literal); err == nil {
			t.Errorf("%q: %q", text, c.words)
		}
	}
}

var now = time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)

func unit(name, text string) Unit { return Unit{Name: name, Files: []File{{name, text}}} }

func translate(timer, service string) *foreign.Result {
	return Translate(unit("x.timer", timer), unit("x.service", service), Options{Now: now,
		HasUser:  func(s string) bool { return s != "ghost" },
		HasGroup: func(s string) bool { return s != "ghosts" },
		Values:   map[byte]string{'H': "box"},
	})
}

const daily, job = "[Timer]\nOnCalendar=daily\n", "[Service]\nType=oneshot\nExecStart=/bin/a\n"

func TestKeys(t *testing.T) {
	for _, test := range []struct{ timer, service, want string }{
		{daily, job, "cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily + "Persistent=true\n", job, "cmd=[/bin/a] cron=0 0 * * * user=root dir=/"},
		{daily + "OnCalendar=\nOnCalendar=4:00\nOnCalendar=6:00\n", job, "cmd=[/bin/a] cron=[0 4 * * * 0 6 * * *] catch_up=false user=root dir=/"},
		{daily + "OnCalendar=4:00 Europe/Berlin\n", job, "refused 3; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{"[Timer]\nOnCalendar=4:00 Europe/Berlin\n", job, "cmd=[/bin/a] cron=0 4 * * * timezone=Europe/Berlin catch_up=false user=root dir=/"},
		{"[Timer]\nOnBootSec=0\nOnUnitActiveSec=1h\n", job, "cmd=[/bin/a] every=1h at_boot=true user=root dir=/"},
		{"[Timer]\nOnBootSec=5m\nOnUnitActiveSec=1h\n", job, "refused 2; cmd=[/bin/a] every=1h user=root dir=/"},
		{"[Timer]\nOnUnitActiveSec=1h\nOnCalendar=daily\n", job, "refused 3; cmd=[/bin/a] every=1h user=root dir=/"},
		{daily + "OnUnitInactiveSec=1h\nWakeSystem=true\nOnClockChange=true\nOnActiveSec=5\n", job,
			"refused 3 4 5 6; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily + "RandomizedDelaySec=30m\nAccuracySec=1h\nWakeSystem=no\n", job,
			"cmd=[/bin/a] cron=0 0 * * * jitter=30m catch_up=false user=root dir=/"},
		{"# c\n; c\n[Unit]\nDescription=timer\n" + daily, "[Unit]\nDescription=all of \\\n# c\n  it\n" + job,
			"description=all of it cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, job + "User=www\nGroup=adm\nWorkingDirectory=/srv\nUMask=027\nNice=5\nTimeoutStartSec=1h\nTimeoutStopSec=1min\n" +
			"KillSignal=SIGINT\nSuccessExitStatus=2 TEMPFAIL\nLimitNOFILE=100\nLimitCORE=infinity\nStandardOutput=null\nStandardError=null\n",
			"cmd=[/bin/a] success_codes=[0 2 75] cron=0 0 * * * catch_up=false timeout=1h stop_signal=INT stop_timeout=1m user=www" +
				" group=adm dir=/srv umask=027 nice=5 limits=map[core:unlimited nofile:100] log=map[discard:true]"},
		{daily, job + "Environment=A=1 \"B=x y\"\nEnvironment='C=%%'\nEnvironmentFile=/etc/default/a\nPassEnvironment=D E\n",
			"cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/ env_file=/etc/default/a pass_env=[D E] env=map[A:1 B:x y C:%]"},
		{daily, "[Service]\nExecStart=/bin/a\nRuntimeMaxSec=1h\nTimeoutStartSec=5\n", "cmd=[/bin/a] cron=0 0 * * * catch_up=false timeout=1h user=root dir=/"},
		{daily, job + "WorkingDirectory=~\n", "cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root"},
		{daily, "[Service]\nExecStart=/bin/a\nExecStart=\nExecStart=/bin/b $X\n", "shell=set -f; exec /bin/b $X cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, job + "EnvironmentFile=-/etc/default/a\nEnvironment=A=%b B\nSuccessExitStatus=SIGKILL\n",
			"refused 4 5 5 6; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/ env_file=/etc/default/a"},
		{"[Timer]\nOnUnitInactiveSec=1h\n", job, "cmd=[/bin/a] every=1h user=root dir=/"},
		{"[Timer]\nOnBootSec=5\nOnUnitActiveSec=1h\nOnUnitActiveSec=2h\n", job, "refused 3; cmd=[/bin/a] every=2h at_boot=true user=root dir=/"},
		{"[Timer]\nOnBootSec=0\nOnBootSec=1h\n", job, "refused 3; cmd=[/bin/a] at_boot=true user=root dir=/"},
		{daily + "Persistent=perhaps\nRandomizedDelaySec=infinity\n", job, "refused 3 4; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{"[Timer]\nOnCalendar=bi-annually\n", job, "cmd=[/bin/a] cron=0 0 1 1,7 * catch_up=false user=root dir=/"},
		{daily, job + "TimeoutStopSec=infinity\nIgnoreSIGPIPE=false\n", "cmd=[/bin/a] cron=0 0 * * * catch_up=false stop_timeout=3650d user=root dir=/"},
		{daily, job + "TimeoutSec=0\n", "cmd=[/bin/a] cron=0 0 * * * catch_up=false stop_timeout=3650d user=root dir=/"},
		{daily, job + "SendSIGKILL=no\nTimeoutStopSec=5\n", "cmd=[/bin/a] cron=0 0 * * * catch_up=false stop_timeout=3650d user=root dir=/"},
		{daily, job + "LimitMEMLOCK=64M\nLimitCORE=0\n", "cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/ limits=map[core:0 memlock:64MiB]"},

		// No other user's job may run as root, and no job as a user that does not exist.
		{daily, job + "DynamicUser=yes\n", "refused 4; "},
		{daily, job + "DynamicUser=yes\nUser=ghost\n", "refused 5 4; "},
		{daily, job + "DynamicUser=yes\nUser=www\n", "refused 4; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=www dir=/"},
		{daily, job + "DynamicUser=no\n", "cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, job + "User=ghost\n", "refused 4; "},
		{daily, job + "Group=ghosts\n", "refused 4; "},
		{daily, job + "User=%b\n", "refused 4; "},
		{daily, job + "RootDirectory=/srv/root\n", "refused 4; "},

		// Several commands become a script, which ends at the first failure as systemd does.
		{daily, "[Service]\nType=oneshot\nExecStart=/bin/a 'x y'\nExecStart=-/bin/b $C\nExecStart=/bin/d 100%%\n",
			`shell=set -ef
/bin/a 'x y'
/bin/b $C || :
exec /bin/d 100% cron=0 0 * * * catch_up=false user=root dir=/`},
		{daily, "[Service]\nType=oneshot\nExecStart=-/bin/a\n", "shell=/bin/a || : cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, "[Service]\nExecStartPre=-:/bin/p $X\nExecStart=/bin/a\n", "shell=set -e\n/bin/p '$X' || :\nexec /bin/a cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, job + "ExecStartPost=/bin/z\n", "shell=set -e\n/bin/a\nexec /bin/z cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, "[Service]\nExecStart=/bin/a\nExecStartPost=/bin/z\n", "refused 3; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, job + "ExecStartPre=+/bin/p\nUser=www\n", "refused 4; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=www dir=/"},
		{daily, job + "ExecStart=/bin/b\nSuccessExitStatus=2\n",
			"refused 5; shell=set -e\n/bin/a\nexec /bin/b success_codes=[0 2] cron=0 0 * * * catch_up=false user=root dir=/"},

		// Specifiers.
		{daily, "[Service]\nExecStart=/bin/a %n %N %p %h %u %U %S/x %t %E %%\nWorkingDirectory=%C\nEnvironment=L=%L T=%T V=%V\n",
			"cmd=[/bin/a x.service x x /root root 0 /var/lib/x /run /etc %] cron=0 0 * * * catch_up=false user=root dir=/var/cache env=map[L:/var/log T:/tmp V:/var/tmp]"},
		{daily, "[Service]\nExecStart=/bin/a %H\n", "cmd=[/bin/a box] cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, "[Service]\nExecStart=/bin/a %v\n", "refused 2 1; "},

		// The receiver of the stop signal.
		{daily, job + "KillMode=control-group\n", "cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, job + "KillMode=mixed\n", "cmd=[/bin/a] cron=0 0 * * * catch_up=false stop=leader user=root dir=/"},
		{daily, job + "KillMode=process\n", "refused 4; cmd=[/bin/a] cron=0 0 * * * catch_up=false stop=leader leftovers=keep user=root dir=/"},
		{daily, job + "KillMode=none\n", "refused 4; cmd=[/bin/a] cron=0 0 * * * catch_up=false stop=leader leftovers=keep user=root dir=/"},
		{daily, job + "KillMode=all\n", "refused 4; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},

		{daily, "[Service]\nExecStart=-/bin/a\nType=forking\nRestart=on-failure\nKillMode=x\nStandardError=null\nStandardInput=tty\n",
			"refused 3 4 5 7 6; shell=/bin/a || : cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, "[Service]\nExecStart=+/bin/a\nUser=www\n", "refused 3; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, job + "ExecStopPost=/bin/b\nProtectSystem=full\nnonsense\n[Foo]\nBar=1\n",
			"refused 6 4 5 8; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily, job + "Nice=x\nUMask=9\nTimeoutStopSec=soon\nLimitCPU=1:2\nUser=%u\n",
			"refused 4 5 6 7; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/"},
		{daily + "RandomizedDelaySec=20y\n", job + "WorkingDirectory=x\nEnvironmentFile=x\nKillSignal=SIGRTMIN+3\nPassEnvironment=JOBSD_X A\n",
			"refused 3 4 5 6 7; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/ pass_env=[A]"},
		{daily, job + "WorkingDirectory=-/srv\n", "refused 4; cmd=[/bin/a] cron=0 0 * * * catch_up=false user=root dir=/srv"},
		{"[Timer]\nOnCalendar=*-02-30\n", job, "refused 2 1; "},
		{"[Timer]\nOnBootSec=5m\n", job, "refused 2 1; "},
		{daily, "[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n", "refused 2 3 1; "},
		{daily, "", "refused 1; "},
	} {
		r := translate(test.timer, test.service)
		got := ""
		if r.Refused != nil {
			got = "refused"
			for _, x := range r.Refused {
				got += fmt.Sprint(" ", x.Line)
			}
			got += "; "
		}
		var keys []string
		for _, j := range r.Jobs {
			for _, p := range j.Keys {
				keys = append(keys, fmt.Sprintf("%s=%v", p.Key, p.Value))
			}
		}
		keys = slices.DeleteFunc(keys, func(k string) bool { return k == "stop_timeout=1m30s" }) // the default of systemd
		if got += strings.Join(keys, " "); got != test.want {
			t.Errorf("%s%s:\n got %s\nwant %s\n%v", test.timer, test.service, got, test.want, r.Refused)
		}
	}
}

func TestService(t *testing.T) {
	for _, test := range []struct{ timer, text, want string }{
		{"x.timer", "[Timer]\nUnit=y.service\n", "y.service"},
		{"x.timer", daily, "x.service"},
		{"x@a.timer", daily, "x@a.service"},
		{"x@a-b.timer", "[Timer]\nUnit=y@%i.service\n", "y@a-b.service"},
	} {
		if got := unit(test.timer, test.text).Service(); got != test.want {
			t.Errorf("%q: %s, want %s", test.text, got, test.want)
		}
	}
}

// FuzzTranslate checks that the result is a job file, and that no unknown setting is lost silently.
func FuzzTranslate(f *testing.F) {
	f.Add(daily+"Persistent=yes\nRandomizedDelaySec=5\n", job+"Environment=A=1 \"B= %%\"\nExecStart=/x $A\\\n b\n")
	f.Add("[Timer]\nOnCalendar=Mon..Fri *-*-1..7 4:0/5 UTC\n[Install]\nx=y\n", "[Service]\nNice=5\nLimitAS=5\nSuccessExitStatus=5\nUser=\n")
	f.Add("[Timer]\nOnUnitActiveSec=5d\nOnBootSec=0\nRandomizedDelaySec=1y\n", "[Service]\nType=simple\nExecStart=:/x\nWorkingDirectory=-/x\nEnvironmentFile=/x\n"+
		"KillSignal=INT\nPassEnvironment=A B\nUMask=0\nTimeoutStopSec=5\nRuntimeMaxSec=5\nLimitCORE=infinity\nStandardOutput=null\nStandardError=null\n")
	f.Fuzz(func(t *testing.T, timer, service string) {
		r := translate(timer, service)
		if len(r.Jobs) == 0 && len(r.Refused) == 0 {
			t.Fatal("there is no remark")
		}
		reported := map[foreign.Place]bool{}
		for _, x := range slices.Concat(r.Refused, r.Notes) {
			reported[x.Place] = true
		}
		_, byKey := unit("x.service", service).settings(&foreign.Result{})
		for key, all := range byKey {
			section, name, _ := strings.Cut(key, ".")
			if section == "Service" && serviceKeys[name] != nil || section == "Unit" && unitKeys[name] != nil || section == "Install" {
				continue
			}
			for _, s := range all {
				if !reported[s.Place] {
					t.Fatalf("%+v", s)
				}
			}
		}
		file := filepath.Join(t.TempDir(), "x.toml")
		for _, j := range r.Jobs {
			if slices.ContainsFunc(j.Keys, func(p jobfile.Pair) bool { return p.Key == "user" || p.Key == "group" }) {
				continue // which may not exist here
			}
			text, err := j.Format()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, text, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, errs := jobfile.ReadFile(file, nil); errs != nil {
				t.Fatalf("%s\n%v", text, errs)
			}
		}
	})
}

func TestInstance(t *testing.T) {
	r := Translate(unit(`dump@main-x\x2dy.timer`, daily), unit(`dump@main-x\x2dy.service`,
		"[Service]\nExecStart=/bin/a %i %I %f %p %P %j %n %N\n"), Options{Now: now})
	want := []string{"/bin/a", `main-x\x2dy`, "main/x-y", "/main/x-y", "dump", "dump", "dump", `dump@main-x\x2dy.service`, `dump@main-x\x2dy`}
	if len(r.Jobs) != 1 || r.Jobs[0].Name != "dump@main-xx2dy" {
		t.Fatalf("%v, refused %v", r.Jobs, r.Refused)
	}
	if got := r.Jobs[0].Keys[0]; fmt.Sprint(got.Value) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got.Value, want)
	}
}

// TestUserUnit checks that units of a user's manager get the values of that user, and that no job sets a user.
func TestUserUnit(t *testing.T) {
	r := Translate(unit("x.timer", daily), unit("x.service", "[Service]\nExecStart=%h/bin/a %u\nUser=%u\n"),
		Options{Now: now, User: true, Values: map[byte]string{'h': "/home/alice", 'u': "alice"}})
	if len(r.Jobs) != 1 || r.Refused != nil || fmt.Sprint(r.Jobs[0].Keys[0].Value) != "[/home/alice/bin/a alice]" {
		t.Fatalf("%v, refused %v", r.Jobs, r.Refused)
	}
	for _, p := range r.Jobs[0].Keys {
		if p.Key == "user" {
			t.Error("the job has a user")
		}
	}
}

func TestMasked(t *testing.T) {
	masked := unit("x.timer", "")
	masked.Masked = true
	r := Translate(masked, unit("x.service", job), Options{Now: now})
	if len(r.Jobs) != 0 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, "is masked") {
		t.Errorf("%v, refused %v", r.Jobs, r.Refused)
	}
}

func TestTarget(t *testing.T) {
	r := Translate(unit("x.timer", daily+"Unit=x.target\n"), unit("x.target", "[Unit]\nRequires=x.service\n"), Options{Now: now})
	if len(r.Jobs) != 0 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, "it starts x.target") {
		t.Errorf("%v, refused %v", r.Jobs, r.Refused)
	}
}

func TestNotes(t *testing.T) {
	for _, test := range []struct{ timer, service, note string }{
		{daily, job, "SIGPIPE"},
		{daily, job + "IgnoreSIGPIPE=yes\n", "SIGPIPE"},
		{daily, job + "[Install]\nWantedBy=multi-user.target\n", "at_boot = true"},
		{daily + "[Install]\nWantedBy=x.service\n", job, "runs whenever the daemon runs"},
		{"[Unit]\nDescription=a\n" + daily, "[Unit]\nDescription=b\n" + job, "the description of the service"},
		{"[Timer]\nOnUnitInactiveSec=1h\n", job, "previous run"},
		{"[Timer]\nOnBootSec=5\n", job, "5s"},
		{"[Timer]\nOnUnitActiveSec=1h\nPersistent=true\n", job, "affects only OnCalendar"},
		{daily, job + "TimeoutStopSec=infinity\n", "never"},
		{daily, job + "KillMode=mixed\n", "as soon as the first one ends"},
		{daily, "[Service]\nExecStart=/bin/a %H\n", `%H is replaced with "box"`},
	} {
		r := translate(test.timer, test.service)
		if !slices.ContainsFunc(r.Notes, func(n foreign.Remark) bool { return strings.Contains(n.Reason, test.note) }) {
			t.Errorf("%q %q: no note %q: %v", test.timer, test.service, test.note, r.Notes)
		}
	}
	if r := translate(daily, job+"IgnoreSIGPIPE=no\n"); slices.ContainsFunc(r.Notes, func(n foreign.Remark) bool { return strings.Contains(n.Reason, "SIGPIPE") }) {
		t.Errorf("%v", r.Notes)
	}
}

// TestReasons checks that errors say what to do by hand, at least for common settings.
func TestReasons(t *testing.T) {
	for _, test := range []struct{ setting, why string }{
		{"ExecCondition=/bin/c", "|| exit 0"},
		{"ExecStop=/bin/c", "put it into a script"},
		{"ProtectSystem=full", "everything that its user can"},
		{"IOSchedulingClass=idle", "ionice"},
		{"StateDirectory=x", "mkdir"},
		{"MemoryMax=1G", "control group"},
		{"SupplementaryGroups=adm", "the groups of its user"},
		{"Restart=on-failure", "retries"},
		{"Odd=1", "jobsd has no key for it"},
	} {
		r := translate(daily, job+test.setting+"\n")
		if len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, test.why) {
			t.Errorf("%s: %v, want %s", test.setting, r.Refused, test.why)
		}
	}
	r := translate("[Unit]\nConditionACPower=true\nOnFailure=x\nWants=y\n"+daily, job)
	if len(r.Refused) != 3 || !strings.Contains(r.Refused[0].Reason, "begin the command with a test") ||
		!strings.Contains(r.Refused[1].Reason, "notify.on_failure") || !strings.Contains(r.Refused[2].Reason, "does not know units") {
		t.Errorf("%v", r.Refused)
	}
}

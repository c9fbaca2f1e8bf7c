package crontab

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/foreign"
	"jobsd/internal/jobfile"
)

var now = time.Date(2026, 11, 27, 10, 0, 0, 0, time.UTC)

// plain are the default keys of the entries in the table below.
var usual = map[string]any{
	"catch_up": false, "overlap": "allow", "leftovers": "keep",
	"env": map[string]string{"PATH": usualPath, "SHELL": usualShell},
}

func keysOf(j foreign.Job) map[string]any {
	m := map[string]any{}
	for _, p := range j.Keys {
		m[p.Key] = p.Value
	}
	return m
}

// different lists the keys that differ from plain, sorted.
func different(j foreign.Job) string {
	var list []string
	keys := keysOf(j)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if fmt.Sprint(keys[key]) != fmt.Sprint(usual[key]) {
			list = append(list, fmt.Sprintf("%s=%v", key, keys[key]))
		}
	}
	return strings.Join(list, "; ")
}

func TestEntries(t *testing.T) {
	env := func(more string) string { return "env=map[" + more + "]" }
	const path, shell = "PATH:" + usualPath, " SHELL:/bin/sh"
	for _, test := range []struct {
		text string
		want string // the keys of the last job that differ from plain
	}{
		{"5 4 * * 1-5 cmd --x  \n", "cron=5 4 * * 1-5; shell=cmd --x  "},
		{" \t5\t4  *\t* * \tcmd\n", "cron=5 4 * * *; shell=cmd"},
		{"@daily cmd\n", "cron=@daily; shell=cmd"},
		{"@reboot\tcmd\n", "at_boot=true; shell=cmd"},
		{"*/7 * * * * cmd # no comment\n", "cron=*/7 * * * *; shell=cmd # no comment"},
		{"-5 4 * * * cmd\n", "cron=5 4 * * *; shell=cmd"},
		{"5 4 * * * -n cmd\n", "cron=5 4 * * *; shell=cmd"},
		{"5 4 * * * -q cmd -n\n", "cron=5 4 * * *; shell=cmd -n"},
		{"5 4 * * * -ns cmd\n", "cron=5 4 * * *; overlap=skip; shell=cmd"},
		{"5 4 * * * -n -q\t-s cmd\n", "cron=5 4 * * *; overlap=skip; shell=cmd"},
		{"@every_minute cmd\n", "cron=* * * * *; shell=cmd"},
		{"@every_second cmd\n", "every=1s; shell=cmd"},
		{"@600 cmd\n", "every=10m; overlap=skip; shell=cmd"},
		{"@86400 cmd\n", "every=1d; overlap=skip; shell=cmd"},

		// Seconds first, as in supercronic, Spring and Quartz, a year last, and "?".
		{"0 5 4 * * 1-5 cmd\n", "cron=5 4 * * 1-5; shell=cmd"},
		{"00 30 4 * * * cmd\n", "cron=30 4 * * *; shell=cmd"}, // there is no hour 30
		{"0 0 12 * * ? cmd\n", "cron=0 12 * * *; shell=cmd"},
		{"0 0 12 ? * MON-FRI cmd x\n", "cron=0 12 * * MON-FRI; shell=cmd x"},
		{"0 */5 * * * * * cmd\n", "cron=*/5 * * * *; shell=cmd"},
		{"0 0 12 1 1 ? * cmd\n", "cron=0 12 1 1 *; shell=cmd"},
		{"0 12 ? * mon cmd\n", "cron=0 12 * * mon; shell=cmd"},
		{"0 12 1 * ? cmd\n", "cron=0 12 1 * *; shell=cmd"},

		// Steps, ranges, random values: the same minutes in the syntax of jobsd.
		{"*/75,3 * * * * c\n", "cron=0,3 * * * *; shell=c"},
		{"*/5 */30 * */13 * c\n", "cron=*/5 0 * 1 *; shell=c"},
		{"7-9/60 1 */32 * */8 c\n", "cron=7 1 */31 * */7; shell=c"},
		{"5-1,9 1 * * * c\n", "cron=9 1 * * *; shell=c"},
		{"5-1,*/20 1 9-3,* * 6-5,*/2 c\n", "cron=0-59/20 1 1-31 * 0-6/2; shell=c"},
		{"6~15 ~ * * mon~fri c\n", "cron=8 2 * * 3; shell=c"},

		// The percent sign.
		{`* * * * * date +\%F` + "\n", "cron=* * * * *; shell=date +%F"},
		{`* * * * * date +\\%F` + "\n", "cron=* * * * *; shell=exec <<'EOF'\nF\nEOF\ndate +\\\\"},
		{`* * * * * a\b\` + "\n", `cron=* * * * *; shell=a\b\`},
		{"* * * * * cat%\n", "cron=* * * * *; shell=cat"},
		{"* * * * * cat%%a\\%b%\n", "cron=* * * * *; shell=exec <<'EOF'\n\na%b\nEOF\ncat"},
		{"* * * * * cat%EOF%a\n", "cron=* * * * *; shell=exec <<'EOFF'\nEOF\na\nEOFF\ncat"},
		{"SHELL=/bin/tcsh\n* * * * * cat 'x'%a\n",
			"cron=* * * * *; " + env(path+" SHELL:/bin/tcsh") + "; shell=exec /bin/tcsh -c 'cat '\\''x'\\''' <<'EOF'\na\nEOF\n"},

		// Settings.
		{"SHELL = /bin/bash\n* * * * * c\n", "cmd=[/bin/bash -c c]; cron=* * * * *; " + env(path+" SHELL:/bin/bash")},
		{"PATH=/opt/bin\n* * * * * c\n", "cron=* * * * *; " + env("PATH:/opt/bin"+shell) + "; shell=c"},
		{`"A-B"='x y' ` + "\n* * * * * c\n", "cron=* * * * *; " + env("A-B:x y "+path+shell) + "; shell=c"},
		{"A=x # y \nB =\n* * * * * c\n", "cron=* * * * *; " + env("A:x # y B: "+path+shell) + "; shell=c"},
		{"A=1\nA=2\n* * * * * c\n", "cron=* * * * *; " + env("A:2 "+path+shell) + "; shell=c"},
		{"HOME=/srv\n* * * * * c\n", "cron=* * * * *; dir=/srv; " + env("HOME:/srv "+path+shell) + "; shell=c"},
		{"TZ=UTC\n* * * * * c\n", "cron=* * * * *; " + env(path+shell+" TZ:UTC") + "; shell=c"},
		{"LOGNAME=x\nUSER=y\n* * * * * c\n", "cron=* * * * *; shell=c"},
		{"MAILTO=\"\"\n* * * * * c\n", "cron=* * * * *; notify=map[mail:[]]; shell=c"},
		{"MAILTO=\n* * * * * c\n", "cron=* * * * *; notify=map[mail:[]]; shell=c"},
		{"MAILTO=a@example.org, root\n* * * * * c\n", "cron=* * * * *; notify=map[mail:[a@example.org root]]; shell=c"},
		{"MAILTO=root\n* * * * * c $MAILTO\n",
			"cron=* * * * *; " + env("MAILTO:root "+path+shell) + "; notify=map[mail:[root]]; shell=c $MAILTO"},
		{"CRON_TZ=Europe/Berlin\n1 1 * * * c\n", "cron=1 1 * * *; shell=c; timezone=Europe/Berlin"},
		{"CRON_TZ=:UTC\n@reboot c\n", "at_boot=true; shell=c"},
		{"CRON_TZ=\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"RANDOM_DELAY=45\n1 1 * * * c\n", "cron=1 1 * * *; jitter=45m; shell=c"},
		{"RANDOM_DELAY=45x\n@reboot c\n", "at_boot=true; shell=c"},
		{"RANDOM_DELAY=x\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"MAILFROM=a\nCONTENT_TYPE=b\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},

		// Comments.
		{"# All of it,\n#\n##  every day\n1 1 * * * c\n", "cron=1 1 * * *; description=All of it, every day; shell=c"},
		{"# far away\n\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"# of the setting\nA=1\nA=\n1 1 * * * c\n", "cron=1 1 * * *; " + env("A: "+path+shell) + "; shell=c"},
		{"# of the old one\n# 2 2 * * * old\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"# boots\n#@reboot old\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"# DO NOT EDIT THIS FILE - edit the master\n# (x installed on y)\n# (Cron version -- z)\n# mine\n1 1 * * * c\n",
			"cron=1 1 * * *; description=mine; shell=c"},
		{"# Edit this\n# m h dom mon dow   command\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"#minute\thour\tmday\tmonth\twday\twho\tcommand\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"#minute hour mday month wday [flags] command\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"# Minute   Hour   Day of Month   Month   Day of Week   Command\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"# min hour dom month dow command\n# of the day\n1 1 * * * c\n", "cron=1 1 * * *; description=of the day; shell=c"},
		{"# .------- minute (0 - 59)\n# |  .---- hour (0 - 23)\n# |  |\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"# ┌───── minute (0 - 59)\n# │ ┌─── hour (0 - 23)\n1 1 * * * c\n", "cron=1 1 * * *; shell=c"},
		{"# minute by minute it looks at the hour glass\n1 1 * * * c\n",
			"cron=1 1 * * *; description=minute by minute it looks at the hour glass; shell=c"},

		{"1 1 * * * c", "cron=1 1 * * *; shell=c"},
		{"A=b\r\n\r\n1 1 * * * c\r\n", "cron=1 1 * * *; " + env("A:b "+path+shell) + "; shell=c"},
	} {
		r := Parse("f", test.text, Options{Now: now, Pick: func(_ string, most int) int { return min(2, most) }})
		if len(r.Jobs) == 0 || r.Refused != nil {
			t.Errorf("%q: %d jobs, refused: %v", test.text, len(r.Jobs), r.Refused)
			continue
		}
		got := different(r.Jobs[len(r.Jobs)-1])
		if got != test.want {
			t.Errorf("%q:\n got %s\nwant %s", test.text, got, test.want)
		}
	}
}

func TestBootHasNoClock(t *testing.T) {
	keys := keysOf(Parse("f", "RANDOM_DELAY=9\n@reboot c\n", Options{}).Jobs[0])
	for _, key := range []string{"cron", "timezone", "jitter", "catch_up", "overlap"} {
		if v, ok := keys[key]; ok {
			t.Errorf("%s = %v", key, v)
		}
	}
}

func TestSystem(t *testing.T) {
	text := "17 *\t* * *\troot    cd / && run-parts --report /etc/cron.hourly\n* * * * * nobody * x\n" +
		"* * * * * ghost x\n* * * * * root\n@daily www-data -n x\n"
	r := Parse("/etc/crontab", text, Options{System: true, Now: now, HasUser: func(s string) bool { return s != "ghost" }})
	if len(r.Jobs) != 3 || len(r.Refused) != 2 {
		t.Fatalf("%d jobs, refused: %v", len(r.Jobs), r.Refused)
	}
	for i, want := range []string{
		"cron=17 * * * *; shell=cd / && run-parts --report /etc/cron.hourly; user=root",
		"cron=* * * * *; shell=* x; user=nobody",
		"cron=@daily; shell=x; user=www-data",
	} {
		if got := different(r.Jobs[i]); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if j := r.Jobs[0]; j.Name != "cron.hourly" || j.File != "/etc/crontab" || j.Line != 1 {
		t.Errorf("%+v", j)
	}
	for i, want := range []string{`/etc/crontab:3: * * * * * ghost x: there is no user "ghost"`, "/etc/crontab:4: * * * * * root: there is no command"} {
		if got := r.Refused[i].String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestUser(t *testing.T) {
	r := Parse("f", "* * * * * x\n", Options{User: "alice", Now: now})
	if got := different(r.Jobs[0]); got != "cron=* * * * *; shell=x; user=alice" {
		t.Error(got)
	}
}

func TestRefused(t *testing.T) {
	for _, test := range []struct{ text, why string }{
		{"once upon a time there was", "neither a setting (NAME = value) nor an entry"},
		{`"A B"=x`, "is not the name of a variable"},
		{"5 4 * * cmd", `weekday "cmd"`},
		{"5 4 * *", "neither a setting"},
		{"5 4 * * *", "no command"},
		{"5 4 * * * %x", "no command"},
		{"@daily", "no command"},
		{"@Daily x", `"@Daily" is not one of`},
		{"@every 5m x", `every = "5m"`},
		{"60 * * * * x", `minute "60"`},
		{"* 24 * * * x", `hour "24"`},
		{"* * 0 * * x", `day "0"`},
		{"* * * 13 * x", `month "13"`},
		{"* * * * 8 x", `weekday "8"`},
		{"* * * * monday x", `weekday "monday"`},
		{"* * L * * x", `day "L"`},
		{"* * * * fri#2 x", `weekday "fri#2"`},
		{"5/15 * * * * x", "perhaps you mean 5-59/15"},
		{"*/0 * * * * x", "a step that cron does not know"},
		{"*/x * * * * x", "a step that cron does not know"},
		{"1,,2 * * * * x", `minute ""`},
		{"*-5 * * * * x", `minute "*-5"`},
		{"9~3 * * * * x", `minute "9~3"`},
		{"0 0 * * fri-mon x", `is backwards, so cron never runs it`},
		{"0 0 30 2 * x", "never comes"},
		{"0 0 31 4,6 * x", "never comes"},
		{"* * * * * * x", "every second, or every minute"},
		{"0 5 4 * * * x", `"5 4 * * *" with seconds first, or "0 5 4 * *" with a year last`},
		{"30 5 4 * * 1 x", "due at whole minutes"},
		{"*/10 * * * * ? x", `every = "10s"`},
		{"0 5 4 * * 1 2027 x", "has a year"},
		{"5 4 1 1 * 2027-2030 x", "has a year"},
		{"0 0 12 ? * 2-6 x", "1 is Sunday in Quartz"},
		{"5 4 * * * root x", "--system"},
		{"? 12 * * * x", "neither a setting"},
		{"5 ? * * * x", `hour "?"`},
		{"0 0 12 L * ? x", `the key cron of a job file does`},
		{"@0 x", "@0"},
		{"@99999999999 x", "3650 days"},
		{"@every_hour x", "is not one of"},
		{"5 4 * * * -x cmd", `"-x" is not an option`},
		{"5 4 * * * -nx cmd", `"-nx" is not an option`},
		{"5 4 * * * -n", "no command"},
		{"5 4 * * * @AppleNotOnBattery x", "pmset"},
		{"@daily @AppleNotOnBattery x", "pmset"},
		{"1 5 cron.daily run-parts /etc/cron.daily", "jobsd import anacrontab"},
		{"@monthly 15 cron.monthly run-parts /etc/cron.monthly", "jobsd import anacrontab"},
		{"- * * * * x", "neither a setting"},
		{"SHELL=bash\n* * * * * x", "cron cannot execute it"},
		{"SHELL=\n* * * * * x", "cron cannot execute it"},
		{"HOME=here\n* * * * * x", "not an absolute path"},
		{"CRON_TZ=CET-1CEST\n1 1 * * * x", "not a time zone"},
		{"MAILTO=a;b", "does not accept the mail address"},
		{"MAILTO=cron-$USER", "does not accept the mail address"},
		{"MAILTO=-t", "does not accept the mail address"},
		{"RANDOM_DELAY=1441", "0 to 1440"},
		{"RANDOM_DELAY=-1", "0 to 1440"},
		{"MLS_LEVEL=SystemHigh", "SELinux"},
		{"JOBSD_ROOT=/", "sets variables with this name itself"},
		{"=x", "name of the variable"},
		{"\"A\"B=x", "neither a setting"},
		{"A=\"x\" y", "neither a setting"},
		{"* * * * * \xff", "UTF-8"},
		{"A=\x00", "UTF-8"},
		{"* * * * * " + strings.Repeat("x", 128<<10), "128 KiB"},
		{"* * * * * x%" + strings.Repeat("x", 128<<10-15), "128 KiB"}, // with the text that makes it a here-document
		{"SHELL=/bin/tcsh\n* * * * * x%" + strings.Repeat("'", 60<<10) + strings.Repeat("y", 128<<10-60<<10), "128 KiB"},
		{"A=" + strings.Repeat("x", 128<<10), "128 KiB"},
	} {
		r := Parse("f", test.text+"\n", Options{Now: now})
		if len(r.Jobs) != 0 || len(r.Refused) != 1 || !strings.Contains(r.Refused[0].Reason, test.why) {
			t.Errorf("%.60q: %d jobs, refused: %.300v; want %s", test.text, len(r.Jobs), r.Refused, test.why)
		}
	}
}

func TestNotes(t *testing.T) {
	for _, test := range []struct{ text, note string }{
		{"* * * * * x\n", "cron mails all output"},
		{"-* * * * * x\n", "keeps it out of cron's log"},
		{"*/60 5 * * * x\n", "without a star"},
		{"0 */24 * * * x\n", "without a star"},
		{"1-5,9-2 5 * * * x\n", `"9-2" is backwards`},
		{"6~15 5 * * * x\n", "the import picked 6"},
		{"USER=x\n", "set the variable to the user"},
		{"MAILFROM=x\n", "[mail] from"},
		{"CONTENT_TYPE=x\n", "the content type of its mails"},
		{"CRON_TZ=UTC\n", "Debian's cron only passes it to commands"},
		{"RANDOM_DELAY=5\n", "Debian's cron only passes it to commands"},
		{"* * * * * x", "no newline"},
		{"* * * * * x\r\n", "CR LF"},
		{"* * * * * -q x\n", `"-q" keeps it out of cron's log`},
		{"@600 x\n", "previous run"},
		{"@every_second x\n", "begins when jobsd first loads the job"},
		{"0 0 12 * * ? x\n", `with seconds first, as "0 12 * * *"`},
		{"0 12 ? * 1 x\n", `"?" is read as "*"`},
		{"# " + strings.Repeat("long ", 300) + "\n* * * * * x\n", "comment above is cut"},
		{"* * * * * [ -x /bin/a ] && /bin/a -b\n", "[ ! -x /bin/a ] || /bin/a -b"},
		{"25 6 * * * test -x /usr/sbin/anacron || ( cd / && run-parts --report /etc/cron.daily )\n", "it does nothing if anacron is installed"},
		{"25 6 * * * test -x /usr/sbin/anacron || { cd / && run-parts /etc/cron.daily; }\n", "it does nothing if anacron is installed"},
		{"30 7 * * * [ -x /etc/init.d/anacron ] && /usr/sbin/invoke-rc.d anacron start >/dev/null\n", "it starts anacron"},
		{"@daily /usr/sbin/anacron -s\n", "it starts anacron"},
	} {
		r := Parse("f", test.text, Options{Now: now})
		if !slices.ContainsFunc(r.Notes, func(n foreign.Remark) bool { return strings.Contains(n.Reason, test.note) }) {
			t.Errorf("%q: no note %q: %v", test.text, test.note, r.Notes)
		}
	}
	for _, text := range []string{"* * * * * panacron\n", "* * * * * ls /var/spool/anacron/x\n", "*/60 * * * * x\n", "* */24 * * * x\n", "0 5 */40 */13 */9 x\n"} {
		if r := Parse("f", text, Options{Now: now}); len(r.Notes) != 1 {
			t.Errorf("%q is imported exactly, but has notes: %v", text, r.Notes)
		}
	}
}

// TestInput runs the shell to check that the command gets its input, whatever the input contains.
func TestInput(t *testing.T) {
	for _, test := range []struct{ entry, want string }{
		{`cat%a%%b $HOME 'q' "d" \ x`, "a\n\nb $HOME 'q' \"d\" \\ x\n"},
		{`cat%EOF%EOFF%`, "EOF\nEOFF\n"},
		{`read x; echo "<$x>"; cat; exit 0 # done%first%second`, "<first>\nsecond\n"},
		{`cat; false || echo 'it is' \%%x`, "x\nit is %\n"},
		{`cat%`, ""},
	} {
		for _, shell := range []string{"/bin/sh", "/bin/../bin/sh"} {
			r := Parse("f", "SHELL="+shell+"\n* * * * * "+test.entry+"\n", Options{Now: now})
			if len(r.Jobs) != 1 {
				t.Fatalf("%s: %v", test.entry, r.Refused)
			}
			keys := keysOf(r.Jobs[0])
			argv := []string{"/bin/sh", "-c", fmt.Sprint(keys["shell"])}
			if cmd, ok := keys["cmd"].([]string); ok {
				argv = cmd
			}
			got, err := exec.Command(argv[0], argv[1:]...).Output()
			if err != nil || string(got) != test.want {
				t.Errorf("%q: %q, %v; want %q", argv, got, err, test.want)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"# c\nA=b\n5 4 * * * x%y\n", "A;\x1ab=c\n5 4 * * * x\n", "@reboot x\n\"a\"='b'\n", "*/99 1~2 L 5-1 */9 x\r\n-@daily y", "* * * * * * z\n=\n'\n",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	me, err := user.Current()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string, system bool) {
		file := filepath.Join(t.TempDir(), "job.toml")
		r := Parse("f", text, Options{System: system, Now: time.Now(), HasUser: func(s string) bool { return s == me.Username }})
		said := map[int]int{}
		for _, j := range r.Jobs {
			said[j.Line]++
			whole, err := j.Format()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, whole, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, errs := jobfile.ReadFile(file, nil); errs != nil {
				t.Fatalf("%s\n%v", whole, errs)
			}
		}
		for _, x := range r.Refused {
			said[x.Line]++
		}
		n := 0
		for line := range strings.Lines(text) {
			n++
			line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
			line = strings.TrimLeft(line, " \t")
			least := 1
			if line == "" || line[0] == '#' {
				least = 0
			} else if _, _, ok := setting(line); ok {
				least = 0
			}
			if said[n] < least || said[n] > 1 {
				t.Fatalf("line %d of %q: %d jobs and refusals", n, text, said[n])
			}
		}
	})
}

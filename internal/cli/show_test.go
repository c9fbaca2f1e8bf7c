package cli

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// defined reads a job file with one job.
func defined(t *testing.T, text string) *jobfile.Definition {
	t.Helper()
	file := filepath.Join(t.TempDir(), "busy.toml")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	defs, errs := jobfile.ReadFileAs(file, nil, 0)
	if errs != nil {
		t.Fatal(errs)
	}
	return defs[0]
}

var root = user.User{Username: "root", HomeDir: "/root"}

func TestShow(t *testing.T) {
	s, now := state(t)
	j := s.Jobs["busy"]
	j.File, j.State, j.Runs, j.Failures = "/etc/jobs.d/busy.toml", "running", 42, 1
	j.Schedule, j.Description = "every day at 04:35", "all photos"
	j.Running[0].PID, j.Running[0].Reason = ref(1234), statefile.ReasonSchedule
	j.Running[1].Reason, j.Running[1].Attempt = statefile.ReasonCatchUp, 2
	j.LastRun.MaxRSS = 4_500_000
	v := &portrait{name: "busy", job: j, lives: true, now: now, owner: root,
		def: defined(t, `
			cmd = ["backup", "b2", "a b", "it's"]
			start_at = "4:35am"
			dir = "/srv"
			env = {PASSWORD = "secret", A = "secret"}
			env_file = "/etc/busy.env"
			pass_env = ["DISPLAY"]
			timeout = "90m"
			limits = {nofile = 1024, core = "unlimited"}
			nice = 10
			umask = "027"
			lock = "disk"
			retries = 3
			notify = {mail = "a@example.org", on_failure = ["page", "me"], failures = 2}`),
		then:     []statefile.Time{statefile.At(j.NextRun.Time().AddDate(0, 0, 1)), statefile.At(j.NextRun.Time().AddDate(0, 0, 2))},
		outcomes: []event{{run: exited(3, now.Add(-time.Hour), time.Second)}},
	}
	var b strings.Builder
	v.write(&b, false, 0)
	const want = `
job:          busy
description:  all photos
schedule:     every day at 04:35
command:      backup b2 'a b' 'it'\''s'
user:         root, like the daemon
directory:    /srv
environment:  A PASSWORD (values are not shown), from /etc/busy.env, from the daemon DISPLAY
limits:       timeout 1h30m, core unlimited, nofile 1024, nice 10, umask 027
rules:        lock disk, 3 retries with pauses of 10s up to 10m
notify:       mail to a@example.org, on_failure page me, after 2 failures in a row
file:         /etc/jobs.d/busy.toml
state:        running: a run has not ended
notes:        waits: overlap, skipped 3
overlap:      the previous run has not ended
next run:     tomorrow at 04:35 (2026-11-24T04:35:00-05:00), in 13h
then:         Wednesday at 04:35, Thursday at 04:35
running:      run 43 running, pid 1234, since today at 15:55 (2026-11-23T15:55:48-05:00), 4m12s ago, schedule
running:      run 44 pending: overlap, catch_up, attempt 2
last run:     run 42, today at 04:47 (2026-11-23T04:47:00-05:00), schedule: exited 0 after 59.1s
resources:    user 0.0s, system 0.0s, memory 4.5 MB
last success: -
so far:       42 runs, 1 failure (0 in a row), 3 skipped, 0 missed

run  start              reason    status  time
 42  today at 15:00:00  schedule       3  1.0s
`
	same(t, b.String(), want[1:])
	if strings.Contains(b.String(), "secret") {
		t.Error("a value of a variable is shown")
	}

	b.Reset()
	v.write(&b, false, 80)
	for line := range strings.SplitSeq(b.String(), "\n") {
		if len(line) > 80 {
			t.Errorf("on a terminal, %d characters: %q", len(line), line)
		}
	}
}

// TestShowScript checks that a script is shown unchanged, except for control characters.
func TestShowScript(t *testing.T) {
	_, now := state(t)
	v := &portrait{name: "x", job: &statefile.Job{State: "waiting"}, now: now, owner: root, noEvents: "permission denied",
		def: defined(t, "shell = \"\"\"\nif true; then\n  echo '\\u001b[2J'\nfi\n\"\"\"\nkeep_alive = true\nlog = {discard = true}")}
	var b strings.Builder
	v.write(&b, false, 80)
	const want = `
job:          x
script:       if true; then
                echo '\x1b[2J'
              fi
user:         root, like the daemon
directory:    home directory, /root
limits:       no timeout
rules:        restart always
notify:       nobody
log:          none: the output is discarded
file:         -
state:        waiting: no next run is planned
next run:     -
last success: -
so far:       0 runs, 0 failures (0 in a row), 0 skipped, 0 missed

its last runs cannot be shown: permission denied
`
	same(t, b.String(), want[1:])
}

// TestShowTroubles checks that show explains a problem in one line with all details, and does not refer to itself.
func TestShowTroubles(t *testing.T) {
	_, now := state(t)
	v := &portrait{name: "x", now: now, noDef: "the job was removed", job: &statefile.Job{State: "waiting",
		NotifyError: new("cannot send mail to root: cannot start: /usr/sbin/sendmail does not exist"), InternalError: true, Error: new("index out of range")}}
	var b strings.Builder
	v.write(&b, false, 0)
	const want = `
job:          x
definition:   the job was removed
file:         -
state:        waiting: no next run is planned
notes:        internal error, error, notify error
internal error: the daemon hit a bug and set the job aside: index out of range
notify error: a notification about it was not delivered: cannot send mail to root: cannot start: /usr/sbin/sendmail does not exist
next run:     -
last success: -
so far:       0 runs, 0 failures (0 in a row), 0 skipped, 0 missed
`
	same(t, b.String(), want[1:])
}

// TestRuleWords checks that the rules have singular and plural right, and include each value that is not the default.
func TestRuleWords(t *testing.T) {
	const start = "cmd = [\"true\"]\nstart_at = \"4am\"\n"
	for text, want := range map[string]string{
		start + "retries = 1":           "1 retry with pauses of 10s up to 10m",
		start + "catch_up = false":      "missed slots get no catch-up run",
		start + "catch_up = \"2h\"":     "missed slots get one catch-up run if the newest is at most 2h old",
		start + "stop = \"leader\"":     "only the first process gets the stop signal",
		start + "stop_timeout = \"1m\"": "stopped with TERM, after 1m with KILL",
	} {
		if got := strings.Join(ruleWords(defined(t, text)), ", "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestDirectoryWords checks that a user without a home directory, as in a container, works in the root directory.
func TestDirectoryWords(t *testing.T) {
	d := defined(t, "cmd = [\"true\"]\n")
	for home, want := range map[string]string{"/root": "home directory, /root", "": "/, because the user has no home directory"} {
		if got := directoryWords(d, &user.User{HomeDir: home}); got != want {
			t.Errorf("home %q: %q, want %q", home, got, want)
		}
	}
}

// TestDefinition checks that show has the definition if the file can be read, and the reason if not.
func TestDefinition(t *testing.T) {
	s := &site{Dirs: jobfile.Dirs{Jobs: t.TempDir(), State: t.TempDir()}}
	write := func(name, text string) string {
		file := filepath.Join(s.Jobs, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	good, bad := write("good.toml", "cmd = [\"true\"]\n"), write("bad.toml", "cmdd = 1\n")
	for _, test := range []struct{ job, file, want string }{
		{"good", good, ""},
		{"other", good, "its file no longer contains it"},
		{"gone", "", "the job was removed"},
		{"bad", bad, "cannot be shown: the file is refused, and the daemon uses the last good version"},
		{"none", filepath.Join(s.Jobs, "none.toml"), "cannot be shown: " + filepath.Join(s.Jobs, "none.toml") + ": no such file or directory"},
	} {
		d, why := s.definition(test.job, &statefile.Job{File: test.file, Stale: test.file == bad})
		if why != test.want || (d != nil) != (test.want == "") {
			t.Errorf("%s in %s: got %v, %q, want %q", test.job, test.file, d, why, test.want)
		}
	}
}

// notDefined are the fields of a definition that addDefined does not show.
var notDefined = map[string]string{
	"Name": "another line has it", "Description": "another line has it", "File": "another line has it",
	"Schedule": "When says it", "After": "When says it", "AtBoot": "When says it",
	"Program": "found by jobsd", "DirMayHang": "found by jobsd", "Line": "errors have it",
	"ScheduleHash": "for reloads", "ProcessHash": "for reloads", "Hash": "for reloads",
	"RetryDelay": "only with retries", "RetryMaxDelay": "only with retries",
}

// TestShowDefined changes one field of a definition after the other, and fails if show does not show the change.
func TestShowDefined(t *testing.T) {
	show := func(d *jobfile.Definition) string {
		var f facts
		f.addDefined(d, &root, nil)
		return fmt.Sprint(f)
	}
	var change func(v reflect.Value)
	change = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int, reflect.Int32, reflect.Int64:
			v.SetInt(v.Int() + 9)
		case reflect.Uint32, reflect.Uint64:
			v.SetUint(v.Uint() + 9)
		case reflect.String:
			v.SetString("other")
		case reflect.Slice:
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			change(v.Index(0))
		case reflect.Pointer:
			v.Set(reflect.New(v.Type().Elem()))
			change(v.Elem())
		case reflect.Struct:
			for _, f := range v.Fields() {
				change(f)
			}
		default:
			t.Fatalf("this test cannot change a %s", v.Type())
		}
	}
	before := defined(t, `cmd = ["x"]`)
	for field := range reflect.TypeFor[jobfile.Definition]().Fields() {
		if notDefined[field.Name] != "" {
			continue
		}
		after := *before
		change(reflect.ValueOf(&after).Elem().FieldByIndex(field.Index))
		if show(before) == show(&after) {
			t.Errorf("jobsd show does not show a change of %s: add it to defined.go, or to notDefined in this file with the reason", field.Name)
		}
	}
}

// TestNotifyFacts checks that show says which target gets which kinds, and that a target does not exist.
func TestNotifyFacts(t *testing.T) {
	targets := map[string]*jobfile.Target{
		"ops":   {Name: "ops", Mail: []string{"ops@example.org"}},
		"phone": {Name: "phone", URL: "https://example.org/secret", Preset: jobfile.PresetNtfy},
		"check": {Name: "check", URLFile: "/secret", Preset: jobfile.PresetHealthchecks},
		"page":  {Name: "page", Cmd: []string{"page"}},
	}
	for text, want := range map[string]string{
		`{}`:                      "notify: nobody\n",
		`{to = ["ops", "phone"]}`: "notify: failure, recovery, late, slow -> ops (mail), phone (ntfy)\n",
		`{to = ["page", "check", "ops"], on = "late", failures = 2}`: "notify: late -> page (command), ops (mail)\n" +
			"notify: failure, late, start, success -> check (healthchecks)\nnotify: after 2 failures in a row\n",
		`{mail = "root", on_start = ["a", "b"], on_failure = ["c"]}`: "notify: mail to root, on_start a b, on_failure c\n",
		`{to = ["ops", "phones"]}`: "notify: failure, recovery, late, slow -> ops (mail)\n" +
			"notify: nothing -> phones (unknown: jobsd.toml has no such target)\n",
	} {
		var f facts
		f.addNotify(defined(t, "cmd = [\"x\"]\nnotify = "+text+"\n").Notify, targets)
		var b strings.Builder
		f.write(&b, false, 7, 0)
		if b.String() != want {
			t.Errorf("%s\ngot  %swant %s", text, b.String(), want)
		}
	}
}

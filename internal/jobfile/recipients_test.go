package jobfile

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestTargetsRefused checks each mistake in a target and in the heartbeat, and that no error shows a URL.
func TestTargetsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"[notify]\nops = 3":                                                `2:7: notify.ops: must be a table, such as {mail = "ops@example.org"}, not a number`,
		"notify = 'xyzzy'":                                                 `1:10: notify: must be a table of targets, such as [notify.ops] with mail = "ops@example.org", not a string`,
		"[notify.ops]\n":                                                   `1:9: notify.ops: has no receiver: add mail, url, url_file or cmd`,
		"[notify.ops]\npreset = 'ntfy'":                                    `1:9: notify.ops: has no receiver: add mail, url, url_file or cmd`,
		"[notify.mail]\nmail = 'a'":                                        `1:9: notify: "mail" is reserved: give the target another name, or write mail addresses into notify.mail of a job`,
		"[notify.on_start]\nmail = 'a'":                                    `1:9: notify: "on_start" is reserved: give the target another name`,
		"[notify.daemon]\nmail = 'a'":                                      `1:9: notify: "daemon" is reserved: give the target another name`,
		"[notify.'a b']\nmail = 'a'":                                       `1:9: notify: "a b" may contain only letters, digits and . _ @ -`,
		"[notify.ops]\nmail = []":                                          `2:8: notify.ops.mail: must not be empty`,
		"[notify.ops]\nmali = 'a'":                                         `1:9: notify.ops: has no receiver: add mail, url, url_file or cmd` + "\njobsd.toml:" + `2:1: notify.ops.mali: unknown key; did you mean "mail"?`,
		"[notify.ops]\nmail = 'a'\ncmd = ['b']":                            `3:1: notify.ops.cmd: mail and cmd exclude each other; keep one of them`,
		"[notify.p]\nurl_file='/a'\nurl='http://xyzzy'":                    `3:1: notify.p.url: url_file and url exclude each other; keep one of them`,
		"[notify.ops]\nmail = 'a'\npreset = 'ntfy'":                        `3:1: notify.ops.preset: is only for targets with url or url_file: remove it`,
		"[notify.ops]\ncmd=['a']\nheaders_file='/x'":                       `3:1: notify.ops.headers_file: is only for targets with url or url_file: remove it`,
		"[notify.p]\nurl = 'http://x'\npreset = 'irc'":                     `3:10: notify.p.preset: must be one of "json", "ntfy", "slack", "healthchecks", not "irc"`,
		"[notify.p]\nurl = 'xyzzy.example.org/t'":                          `2:7: notify.p.url: the URL must begin with http:// or https://: write one such as "https://example.org/path"`,
		"[notify.p]\nurl = 'https:///xyzzy'":                               `2:7: notify.p.url: the URL has no host: write one such as "https://example.org/path"`,
		"[notify.p]\nurl = 'https://:80/xyzzy'":                            `2:7: notify.p.url: the URL has no host: write one such as "https://example.org/path"`,
		"[notify.p]\nurl = 'https://x/xyzzy%zz'":                           `2:7: notify.p.url: is not a valid URL: write one such as "https://example.org/path"`,
		"[notify.p]\nurl = 'https://x/xyzzy y'":                            `2:7: notify.p.url: is not a valid URL: write one such as "https://example.org/path"`,
		"[notify.p]\nurl = ['https://x/xyzzy']":                            `2:7: notify.p.url: must be a string, not an array`,
		"[notify.p]\nurl_file = 'phone.url'":                               `2:12: notify.p.url_file: must be the absolute path of a file, such as "/etc/jobsd/phone.url"`,
		"[notify.p]\nurl_file = 'https://x/xyzzy'":                         `2:12: notify.p.url_file: must be the absolute path of a file, such as "/etc/jobsd/phone.url"`,
		"[heartbeat]\nurl='http://x'\nheaders_file='Authorization: xyzzy'": `3:14: heartbeat.headers_file: must be the absolute path of a file, such as "/etc/jobsd/phone.url"`,
		"[defaults]\nnotify.to = 'https://x/xyzzy'":                        `2:13: defaults.notify.to: must be the name of a target, not a URL: add a target with this URL to jobsd.toml`,
		"[heartbeat]\nevery = '1m'":                                        `1:2: heartbeat: has no receiver: add url or url_file`,
		"[heartbeat]\nurl='http://x'\nevery='9s'":                          `3:7: heartbeat.every: must be at least 10s`,
		"[heartbeat]\nurl='http://xyzzy'\nurl_file='/y'":                   `3:1: heartbeat.url_file: url and url_file exclude each other; keep one of them`,
		"[defaults]\nnotify.to = 'phone, ops'":                             `2:13: defaults.notify.to: "phone, ops" is not one name: write a list, such as ["phone", "ops"]`,
		"[daemon]\nnotify = 'phone,ops'":                                   `2:10: daemon.notify: "phone,ops" is not one name: write a list, such as ["phone", "ops"]`,
		"daemon.notify = 'pohne'\n[notify.phone]\nmail = 'a'":              `1:17: daemon.notify: there is no target "pohne"; did you mean "phone"? (jobsd.toml has phone)`,
		"[defaults]\nnotify.to = 'a@b'\n[notify.ops]\nmail = 'a'":          `2:13: defaults.notify.to: there is no target "a@b"; if it is a mail address, write it into notify.mail (jobsd.toml has ops)`,
		"[defaults]\nnotify.to = ['ops', 'phone']\n[notify.pohne]\nmail = 'a'\n[notify.ops]\nmail = 'a'": `2:21: defaults.notify.to: there is no target "phone"; did you mean "pohne"? (jobsd.toml has ops, pohne)`,
	} {
		_, err := someHost(t, 0).parseConfig("/etc/jobsd.toml", text, false)
		if err == nil || err.Error() != "jobsd.toml:"+want {
			t.Errorf("%s\ngot  %v\nwant jobsd.toml:%s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "xyzzy") {
			t.Errorf("%s\nthe URL is in the error: %v", text, err)
		}
	}
}

// TestTargetSecrets checks that no syntax error near a URL shows it.
func TestTargetSecrets(t *testing.T) {
	for _, value := range []string{"https://xyzzy", "'https://xyzzy", "\"https://xyzzy\\q\"", "'https://xyzzy' xyzzy", "[xyzzy", "73310xyzzy", "'https://x\x01xyzzy'", "{xyzzy = 1}"} {
		for _, key := range []string{"[notify.p]\nurl", "[heartbeat]\nurl", "notify.p.url"} {
			_, err := someHost(t, 0).parseConfig("/etc/jobsd.toml", key+" = "+value+"\n", false)
			if err == nil || strings.Contains(err.Error(), "xyzzy") {
				t.Errorf("%s = %s: %v", key, value, err)
			}
		}
	}
}

// TestTargetSettings checks that a reload notices a change of a target, also of its URL, by the name of the table.
func TestTargetSettings(t *testing.T) {
	h := someHost(t, 0)
	parse := func(text string) *Config {
		c, err := h.parseConfig("/etc/jobsd.toml", text, false)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b := parse("notify.p.url = 'http://a'\nheartbeat.url = 'http://a'\n"), parse("notify.p.url = 'http://b'\nheartbeat.url = 'http://b'\n")
	if got := fmt.Sprint(configKeys.changed(a, b), configKeys.changed(a, a)); got != "[heartbeat notify] []" {
		t.Error(got)
	}
}

// TestTells checks which kinds a target gets.
func TestTells(t *testing.T) {
	n := only(t, "t.toml", "cmd = ['x']\nnotify.to = 'a'\n").Notify
	all := append(slices.Clone(Kinds), "crash_loop", "daemon")
	for preset, want := range map[Preset]string{
		"":                 "[failure recovery late slow crash_loop]",
		PresetHealthchecks: "[failure recovery late slow start success crash_loop]",
	} {
		var got []string
		for _, kind := range all {
			if n.Tells(&Target{Preset: preset}, kind) {
				got = append(got, kind)
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%q: %v, want %s", preset, got, want)
		}
	}
	n.On = []string{KindLate}
	if check := (&Target{Preset: PresetHealthchecks}); !n.Tells(check, KindFailure) || n.Tells(check, "crash_loop") || n.Tells(&Target{}, KindFailure) {
		t.Error("with on = 'late': a check must get failures, others must not")
	}
}

// TestRecipients checks who gets notifications: by the job, by the defaults, and by mail.to.
func TestRecipients(t *testing.T) {
	const settings = "mail.to = 'root'\n[notify.ops]\nmail = 'a'\n[notify.phone]\nurl = 'http://x'\n"
	for _, c := range []struct{ defaults, job, want string }{
		{"", "", "[root] [] [failure recovery late slow]"},
		{"", "notify.to = 'ops'", "[] [ops] [failure recovery late slow]"},
		{"", "notify.to = 'ops'\nnotify.mail = 'me'", "[me] [ops] [failure recovery late slow]"},
		{"", "notify.to = []", "[root] [] [failure recovery late slow]"},
		{"", "notify.to = []\nnotify.mail = []", "nobody"},
		{"to = ['ops', 'phone']\non = ['late']", "", "[] [ops phone] [late]"},
		{"to = ['ops', 'phone']\non = ['late']", "notify.on = 'start'", "[] [ops phone] [start]"},
		{"to = ['ops', 'phone']\non = ['late']", "notify.to = ['phone']", "[] [phone] [late]"},
		{"to = ['ops', 'phone']\non = ['late']", "notify.to = []", "[root] [] [late]"},
		{"on_start = ['x']", "notify.mail = []", "[] [] [failure recovery late slow]"},
	} {
		h := someHost(t, 0)
		config, err := h.parseConfig("/etc/jobsd.toml", settings+"[defaults.notify]\n"+c.defaults, false)
		if err != nil {
			t.Fatal(err)
		}
		defs, errs := h.parseStrictly(newSource("t.toml", "/", "cmd = ['x']\n"+c.job), "t.toml", h.defaults(config))
		if errs != nil {
			t.Fatal(errs)
		}
		got := "nobody"
		if n := defs[0].Notify; n != nil {
			got = fmt.Sprint(n.Mail, n.To, n.On)
		}
		if got != c.want {
			t.Errorf("%q and %q: %s, want %s", c.defaults, c.job, got, c.want)
		}
	}
}

// TestRecipientsRefused checks mistakes about targets in a job.
func TestRecipientsRefused(t *testing.T) {
	h := someHost(t, 0)
	for _, c := range []struct{ settings, job, want string }{
		{"notify.ops.mail = 'a'\nnotify.phone.mail = 'b'", "notify.to = ['ops', 'phnoe']", `t.toml:2:21: notify.to: there is no target "phnoe"; did you mean "phone"? (jobsd.toml has ops, phone)`},
		{"notify.ops.mail = 'a'", "notify.to = 'x'", `t.toml:2:13: notify.to: there is no target "x" (jobsd.toml has ops)`},
		{"", "notify.to = 'x'", `t.toml:2:13: notify.to: there is no target "x": jobsd.toml has no table [notify.NAME]`},
		{"notify.ops.mail = 'a'", "notify.to = ['ops', 'ops']", `t.toml:2:21: notify.to: "ops" is there twice: remove one`},
		{"", "notify.on = 'late'", `t.toml:2:8: notify.on: is for the targets in notify.to, and the job has none: add to = ["..."] or remove this key`},
		{"notify.ops.mail = 'a'", "nice = 99\nnotify.to = 'opss'", "t.toml:2:8: nice: must be from -20 to 19, not 99\n" +
			`t.toml:3:13: notify.to: there is no target "opss"; did you mean "ops"? (jobsd.toml has ops)`},
	} {
		config, err := h.parseConfig("/etc/jobsd.toml", c.settings, false)
		if err != nil {
			t.Fatal(err)
		}
		_, errs := h.parseStrictly(newSource("t.toml", "/", "cmd = ['x']\n"+c.job), "t.toml", h.defaults(config))
		if lines(errs) != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.job, lines(errs), c.want)
		}
	}
}

// TestRemovedTarget checks that a job goes on when its target is removed from jobsd.toml, also over a restart of the
// daemon, while a new or changed file with an unknown target is refused.
func TestRemovedTarget(t *testing.T) {
	dir := safeDir(t)
	jobs := filepath.Join(dir, "jobs.d")
	if err := os.Mkdir(jobs, 0o755); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "jobsd.toml")
	start := func() *Loader {
		return NewLoader(Options{Jobs: jobs, Config: config, Accepted: filepath.Join(dir, "accepted")})
	}
	l := start()
	check := func(what, job, wantErrors string, refused int) {
		t.Helper()
		set := l.Load()
		var said []string
		for _, e := range set.Errors {
			said = append(said, e.File+": "+e.Text)
		}
		var got []string
		for _, j := range set.Jobs {
			got = append(got, fmt.Sprint(j.Def.Name, " ", j.Def.Argv, " ", j.Stale != ""))
		}
		if strings.Join(got, "; ") != job || strings.Join(said, "; ") != wantErrors || set.Refused != refused {
			t.Errorf("%s: jobs %q, errors %q, %d refused\nwant %q, %q, %d", what, got, said, set.Refused, job, wantErrors, refused)
		}
	}
	const gone = `: there is no target "phone" (jobsd.toml has ops)`
	const kept = gone + "; the job stays in force, but the target gets nothing"
	put(t, dir, "jobsd.toml", "notify.ops.mail = 'a'\nnotify.phone.mail = 'b'\n")
	put(t, jobs, "a.toml", "cmd = ['1']\nnotify.to = ['ops', 'phone']\n")
	check("first load", "a [1] false", "", 0)

	put(t, dir, "jobsd.toml", "notify.ops.mail = 'a'\n")
	check("target removed", "a [1] false", "a.toml"+kept, 0)
	check("again", "a [1] false", "a.toml"+kept, 0)
	l = start()
	check("restart", "a [1] false", "a.toml"+kept, 0)

	put(t, jobs, "b.toml", "cmd = ['1']\nnotify.to = 'phone'\n")
	check("new file", "a [1] false", "a.toml"+kept+"; b.toml"+gone, 1)
	if err := os.Remove(filepath.Join(jobs, "b.toml")); err != nil {
		t.Fatal(err)
	}
	put(t, jobs, "a.toml", "cmd = ['2']\nnotify.to = ['ops', 'phone']\n")
	check("changed file", "a [1] true", "a.toml"+gone, 1)
	l = start()
	check("restart with a refused file", "a [1] true", "a.toml"+gone, 1)

	put(t, dir, "jobsd.toml", "notify.ops.mail = 'a'\nnotify.phone.mail = 'b'\n")
	check("target is back", "a [2] false", "", 0)
}

// TestTryUnknownTarget checks that jobsd add and edit refuse an unknown target.
func TestTryUnknownTarget(t *testing.T) {
	l := NewLoader(Options{Jobs: safeDir(t)})
	l.Load()
	if _, errs := l.Try(map[string]string{"a.toml": "cmd = ['x']\nnotify.to = 'ops'\n"}); !strings.Contains(lines(errs), `there is no target "ops"`) {
		t.Error(errs)
	}
}

// TestExpectations checks which jobs cannot have expectations, and that a default is left out for these.
func TestExpectations(t *testing.T) {
	for _, c := range []struct{ defaults, job, want string }{
		{"", "expect.success_within = '1d'", "t.toml:2:8: expect.success_within: nothing starts the job again and again: add a schedule, such as start_at, or remove this key"},
		{"", "expect.done_within = '1d'", "0s 24h0m0s"},
		{"", "expect.success_within = '1d'\nevery = '1h'\nenabled = false", "24h0m0s 0s"},
		{"", "expect.success_within = '1d'\nat_boot = true", "t.toml:2:8: expect.success_within: nothing starts the job again and again: add a schedule, such as start_at, or remove this key"},
		{"", "expect.success_within = '1d'\nat = '2036-12-24 18:00'", "t.toml:2:8: expect.success_within: nothing starts the job again and again: add a schedule, such as start_at, or remove this key"},
		{"", "expect.success_within = '1d'\nat_boot = true\nevery = '1h'", "24h0m0s 0s"},
		{"success_within = '1d'\ndone_within = '1h'", "at_boot = true", "0s 1h0m0s"},
		{"success_within = '1d'", "at = '2036-12-24 18:00'", "none"},
		{"", "expect.success_within = '1d'\nkeep_alive = true", "t.toml:2:1: expect: cannot be used with keep_alive"},
		{"", "expect = {}\nkeep_alive = true", "t.toml:2:1: expect: cannot be used with keep_alive"},
		{"success_within = '1d'", "", "none"},
		{"success_within = '1d'\ndone_within = '1h'", "", "0s 1h0m0s"},
		{"success_within = '1d'\ndone_within = '1h'", "every = '1h'\nexpect.done_within = '2h'", "24h0m0s 2h0m0s"},
		{"success_within = '1d'\ndone_within = '1h'", "keep_alive = true", "none"},
	} {
		h := someHost(t, 0)
		config, err := h.parseConfig("/etc/jobsd.toml", "[defaults.expect]\n"+c.defaults, false)
		if err != nil {
			t.Fatal(err)
		}
		defs, errs := h.parseStrictly(newSource("t.toml", "/", "cmd = ['x']\n"+c.job), "t.toml", h.defaults(config))
		got := lines(errs)
		if errs == nil {
			if got = "none"; defs[0].Expect != nil {
				got = fmt.Sprint(defs[0].Expect.SuccessWithin, defs[0].Expect.DoneWithin)
			}
		}
		if got != c.want {
			t.Errorf("%q and %q\ngot  %s\nwant %s", c.defaults, c.job, got, c.want)
		}
	}
}

// TestTooTight checks the warning that success_within is too short for the gaps of a schedule and the duration of a run.
func TestTooTight(t *testing.T) {
	h := someHost(t, 0)
	for job, want := range map[string]string{ // the gap and the advice
		"expect.success_within = '26h'\nstart_at = '4am'":                              "",
		"expect.success_within = '26h'\nstart_at = '4am'\nexpect.done_within = '2h'":   "",
		"expect.success_within = '20h'\nstart_at = '4am'":                              "1d 1d2h",
		"expect.success_within = '24h'\nstart_at = '4am'":                              "1d 1d2h",
		"expect.success_within = '24h'\nstart_at = '4am'\nexpect.done_within = '90m'":  "1d 1d2h",
		"expect.success_within = '24h'\nstart_at = '4am'\nexpect.done_within = '150m'": "1d 1d3h",
		"expect.success_within = '24h1m'\nstart_at = '4am'":                            "1d 1d2h",
		"expect.success_within = '24h1m'\nstart_at = '4am'\nexpect.done_within = '1m'": "",
		"expect.success_within = '26h'\nstart_at = '4am'\ndays = 'weekdays'":           "3d 3d2h",
		"expect.success_within = '26h'\nstart_at = '4am'\ndays = ['mon', 'tue']":       "6d 6d2h",
		"expect.success_within = '73h'\nstart_at = '4am'\ndays = 'weekdays'":           "",
		"expect.success_within = '20h'\nevery = '1d'":                                  "1d 1d2h",
		"expect.success_within = '25h'\nevery = '1d'":                                  "",
		"expect.success_within = '10m'\nevery = '10m'":                                 "10m 11m",
		"expect.success_within = '10s'\nevery = '10s'":                                 "10s 11s",
		"expect.success_within = '1h'\nevery = '1d'\nat_boot = true":                   "1d 1d2h",
		"expect.success_within = '1h'\nafter = ['x']":                                  "",
		"expect.done_within = '1h'\nstart_at = '4am'":                                  "",
		"expect.success_within = '31d'\ncron = '0 0 1 * *'\ntimezone = 'UTC'":          "31d 31d2h",
	} {
		list := h.tooTight(only(t, "t.toml", "cmd = ['x']\n"+job))
		text := ""
		if len(list) == 1 {
			text = list[0].Text
		}
		gap, advice, _ := strings.Cut(want, " ")
		if (want == "") != (text == "") || want != "" && (!strings.Contains(text, "a gap of "+gap+" ") || !strings.HasSuffix(text, strconv.Quote(advice))) {
			t.Errorf("%s\ngot  %q, want %s", job, text, want)
		}
	}
}

// TestTargetsOfBrokenSettings checks that a mistake in jobsd.toml causes no mistakes in job files that name targets.
func TestTargetsOfBrokenSettings(t *testing.T) {
	dir := safeDir(t)
	jobs := filepath.Join(dir, "jobs.d")
	if err := os.Mkdir(jobs, 0o755); err != nil {
		t.Fatal(err)
	}
	config := put(t, dir, "jobsd.toml", "max_runing = 3\nnotify.ops.mail = 'a'\n")
	file := put(t, jobs, "a.toml", "cmd = ['x']\nnotify.to = 'opps'\n")
	l := NewLoader(Options{Jobs: jobs, Config: config})
	if set := l.Load(); len(set.Errors) != 1 || set.Errors[0].Key != "max_runing" || len(set.Jobs) != 1 {
		t.Errorf("got the errors %v and %d jobs", set.Errors, len(set.Jobs))
	}
	broken, err := ReadConfig(config)
	if err == nil {
		t.Error("no error")
	}
	if _, errs := ReadFile(file, broken); errs != nil {
		t.Error(errs)
	}
	put(t, dir, "jobsd.toml", "notify.ops.mail = 'a'\n")
	if set := l.Load(); len(set.Errors) != 1 || set.Errors[0].Key != "notify.to" {
		t.Errorf("got %v, want an unknown target", set.Errors)
	}
}

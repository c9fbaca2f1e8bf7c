package jobfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// configCases has each key of jobsd.toml, as keyCases has each key of jobs.
var configCases = []struct {
	key, good string
	want      any
	bad       string
	at        int
	says      string
	byDefault any
	of        func(*Config) any
}{
	{"max_running", "4", 4, "-1", 0, "must be from 0 to 2147483647, not -1", 0, func(c *Config) any { return c.MaxRunning }},
	{"catch_up_delay", `"5m"`, 5 * time.Minute, "300", 0, "must be a duration", time.Duration(0), func(c *Config) any { return c.CatchUpDelay }},
	{"machine", `"laptop"`, "laptop", `"a b"`, 0, `"a b" is not a host name`, "", func(c *Config) any { return c.Machine }},
	{"group", `"staff"`, "staff", `"none-here"`, 0, `there is no group "none-here"`, "", func(c *Config) any { return c.Group }},
	{"jobs_dir", `"/j"`, "/j", `""`, 0, "must not be empty", "", func(c *Config) any { return c.Dirs.Jobs }},
	{"state_dir", `"s"`, "/etc/s", "7", 0, "must be a path (a string), not a number", "", func(c *Config) any { return c.Dirs.State }},
	{"log_dir", `"../l"`, "/l", `"~/l"`, 0, `"~/l": ~ is not expanded`, "", func(c *Config) any { return c.Dirs.Log }},
	{"run_dir", `"/r"`, "/r", `[]`, 0, "must be a path (a string), not an array", "", func(c *Config) any { return c.Dirs.Run }},
	{"mail.sendmail", `["msmtp", "-t"]`, []string{"msmtp", "-t"}, "[]", 0, "must not be empty", []string{"/usr/sbin/sendmail"}, func(c *Config) any { return c.Mail.Sendmail }},
	{"mail.from", `"jobs@x"`, "jobs@x", `"a b"`, 0, `"a b" is not a mail address`, "", func(c *Config) any { return c.Mail.From }},
	{"mail.to", `"root"`, []string{"root"}, `["a", "-b"]`, 6, `"-b" is not a mail address`, []string(nil), func(c *Config) any { return c.Mail.To }},
	{"watch", "true", true, `"yes"`, 0, "must be true or false (without quotes), not a string", false, func(c *Config) any { return c.Watch }},
	{"shared_state", "true", true, `"yes"`, 0, "must be true or false (without quotes), not a string", false, func(c *Config) any { return c.SharedState }},
	{"journal.max_size", `"1MiB"`, int64(1 << 20), `"1kB"`, 0, "must be at least 65536 bytes", int64(16_000_000), func(c *Config) any { return c.Journal.MaxSize }},
	{"journal.keep", "3", 3, "0", 0, "must be from 1 to 1000, not 0", 8, func(c *Config) any { return c.Journal.Keep }},
	{"notify.ops.mail", `"ops@x"`, &Target{Name: "ops", Mail: []string{"ops@x"}}, "[]", 0, "must not be empty", (*Target)(nil), targetOps},
	{"notify.ops.url", `"https://x.example/t"`, &Target{Name: "ops", URL: "https://x.example/t", Preset: PresetJSON}, `"ftp://x.example"`, 0,
		`the URL must begin with http:// or https://: write one such as "https://example.org/path"`, (*Target)(nil), targetOps},
	{"notify.ops.url_file", `"/etc/jobsd/u"`, &Target{Name: "ops", URLFile: "/etc/jobsd/u", Preset: PresetJSON}, `"u"`, 0,
		"must be the absolute path of a file", (*Target)(nil), targetOps},
	{"notify.ops.cmd", `["page", "-x"]`, &Target{Name: "ops", Cmd: []string{"page", "-x"}}, `"page"`, 0,
		"must be an array of strings", (*Target)(nil), targetOps},
	{"daemon.notify", `[]`, []string{}, `["ops"]`, 1, `there is no target "ops"`, []string(nil), func(c *Config) any { return c.Daemon.Notify }},
	{"heartbeat.url", `"http://x.example"`, &Heartbeat{URL: "http://x.example", Every: 5 * time.Minute}, `"x.example"`, 0,
		"the URL must begin with http:// or https://", (*Heartbeat)(nil), heartbeatOf},
	{"heartbeat.url_file", `"/u"`, &Heartbeat{URLFile: "/u", Every: 5 * time.Minute}, `"u"`, 0,
		"must be the absolute path of a file", (*Heartbeat)(nil), heartbeatOf},
	{"log.output", `"both"`, "both", `"none"`, 0, `must be one of "files", "stdout", "both", not "none"`, "files", func(c *Config) any { return c.Log.Output }},
	{"log.format", `"json"`, "json", "1", 0, `must be one of "text", "json", not a number`, "text", func(c *Config) any { return c.Log.Format }},
	{"defaults.dir", `"/srv"`, "/srv", `"~x"`, 0, `"~x": ~ is not expanded`, nil, func(c *Config) any {
		if c.defaults == nil {
			return nil
		}
		return c.defaults.get("dir").text
	}},
}

func targetOps(c *Config) any { return c.Targets["ops"] }

func heartbeatOf(c *Config) any { return c.Heartbeat }

func TestConfigKeys(t *testing.T) {
	h := someHost(t, 0)
	for _, c := range configCases {
		got, err := h.parseConfig("/etc/jobsd.toml", "# settings\n"+c.key+" = "+c.good, false)
		if err != nil || !reflect.DeepEqual(c.of(got), c.want) {
			t.Errorf("%s = %s: %#v %v", c.key, c.good, c.of(got), err)
		}
		got, err = h.parseConfig("/etc/jobsd.toml", "# settings\n"+c.key+" = "+c.bad, false)
		want := fmt.Sprintf("jobsd.toml:2:%d: %s: %s", len(c.key)+4+c.at, c.key, c.says)
		if err == nil || !strings.HasPrefix(err.Error(), want) || !reflect.DeepEqual(c.of(got), c.byDefault) {
			t.Errorf("%s = %s\ngot  %v %v\nwant %s", c.key, c.bad, err, c.of(got), want)
		}
	}
	missing := configKeys.names()
	for prefix, names := range map[string][]string{"mail": mailKeys.names(), "journal": journalKeys.names(), "log": outputKeys.names(), "daemon": daemonKeys.names()} {
		for _, name := range names {
			missing = append(missing, join(prefix, name))
		}
	}
	for _, c := range configCases {
		top, _, _ := strings.Cut(c.key, ".")
		missing = slices.DeleteFunc(missing, func(s string) bool { return s == c.key || s == top })
	}
	if len(missing) > 0 {
		t.Errorf("no case for %v", missing)
	}
}

func TestConfigRefused(t *testing.T) {
	for text, want := range map[string]string{
		"machines = \"x\"":              `jobsd.toml:1:1: machines: unknown key; did you mean "machine"?`,
		"[defaults]\nretires = 3":       `jobsd.toml:2:1: defaults.retires: unknown key; did you mean "retries"?`,
		"[defaults]\ncmd = [\"x\"]":     `jobsd.toml:2:1: defaults.cmd: this key cannot have a default: set it in each job`,
		"[defaults]\nstart_at = \"4\"":  `jobsd.toml:2:1: defaults.start_at: this key cannot have a default: set it in each job`,
		"[defaults]\nuser = \"nemo\"":   `jobsd.toml:2:8: defaults.user: there is no user "nemo"`,
		"[defaults]\ntimezone = \"no\"": `jobsd.toml:2:12: defaults.timezone: "no" is not a time zone; use an IANA name such as "Europe/Berlin", or "local"`,
		"defaults = 3":                  `jobsd.toml:1:12: defaults: must be a table of job keys, not a number`,
		"[notify.ops]":                  `jobsd.toml:1:9: notify.ops: has no receiver: add mail, url, url_file or cmd`,
		"[defaults":                     `jobsd.toml:1:9: not valid TOML: expected '.' or ']' to end table name, but the file ends`,
		"machine = 1\ngroup = \"nemo\"": "jobsd.toml:1:11: machine: must be a string, not a number\njobsd.toml:2:9: group: there is no group \"nemo\"",
	} {
		_, err := someHost(t, 0).parseConfig("/etc/jobsd.toml", text, false)
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(want, ": ") && err.Error() != want {
			t.Errorf("%s\ngot  %v\nwant %s", text, err, want)
		}
	}
}

func TestReadConfig(t *testing.T) {
	dir := safeDir(t)
	c, err := ReadConfig(filepath.Join(dir, "jobsd.toml"))
	if !errors.Is(err, fs.ErrNotExist) || c.Journal.Keep != 8 {
		t.Error(c, err)
	}
	path := put(t, dir, "jobsd.toml", "machine = \"m\"\n")
	if c, err = ReadConfig(path); err != nil || c.Machine != "m" || c.File != path {
		t.Error(c, err)
	}
	chmod(t, path, 0o646)
	if c, err = ReadConfig(path); err == nil || err.Error() != path+": can be written by others (mode 0646): chmod o-w "+path || c.Machine != "" {
		t.Error(c, err)
	}
	chmod(t, path, 0o644)
	chmod(t, dir, 0o757)
	if _, err = ReadConfig(path); err == nil || !strings.Contains(err.Error(), "the directory can be written by others") {
		t.Error(err)
	}
	if _, err = ReadConfig(filepath.Join(dir, "none.toml")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	chmod(t, dir, 0o755)
	link := filepath.Join(dir, "link.toml")
	if err := os.Symlink("jobsd.toml", link); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "jobsd.toml", "secret = \"m\"\n")
	if _, err = ReadConfig(link); err == nil || err.Error() != "link.toml:1:1: unknown key" {
		t.Error(err)
	}
}

func TestDefaults(t *testing.T) {
	h := someHost(t, 0)
	c, err := h.parseConfig("/etc/jobsd.toml", `
[mail]
to = ["root"]
[defaults]
timeout = "1h"
retries = 2
jitter = "5m"
dir = "srv"
user = "alice"
timezone = "Asia/Tokyo"
env = {A = "1", B = "1"}
notify = {failures = 3}
log = {keep = 2, discard = true}
machines = ["a*"]
`, false)
	if err != nil {
		t.Fatal(err)
	}
	h.use(c)
	parse := func(text string) *Definition {
		t.Helper()
		defs, errs := h.parseStrictly(newSource("t.toml", "/etc/jobs.d", text), "t.toml", c.defaults)
		if errs != nil {
			t.Fatal(errs)
		}
		return defs[0]
	}
	d := parse("cmd = [\"x\"]\n")
	got := fmt.Sprintln(d.Timeout, d.Retries, d.Jitter, d.Dir, d.User.Name, d.Schedule.Location(), d.Env, *d.Notify, d.Log, d.Machines)
	if want := "1h0m0s 2 5m0s /etc/srv alice Asia/Tokyo [A=1 B=1] {[root] [] [failure recovery late slow] [] [] [] [] 3} {10000000 2 true false} [a*]\n"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d = parse("cmd = [\"x\"]\ntimeout = \"0s\"\nenv.B = \"2\"\nlog.keep = 9\nnotify.mail = []\nuser = \"bob\"\ntimezone = \"local\"\nretries = 0\n")
	got = fmt.Sprintln(d.Timeout, d.Retries, d.User.Name, d.Schedule.Location(), d.Env, d.Notify, d.Log)
	if want := "0s 0 bob UTC [A=1 B=2] <nil> {10000000 9 true false}\n"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	d = parse("cmd = [\"x\"]\nkeep_alive = true\n") // some defaults are not permitted for a service
	if d.Retries != 0 || d.Jitter != 0 || d.Timeout != time.Hour {
		t.Errorf("%+v", d)
	}
	_, errs := h.parseStrictly(newSource("t.toml", "/etc/jobs.d", "cmd = [\"x\"]\nenabled = 1\nnotify = 3"), "t.toml", c.defaults)
	if lines(errs) != "t.toml:2:11: enabled: must be true or false (without quotes), not a number\nt.toml:3:10: notify: must be a table such as {to = [\"phone\"]}, not a number" {
		t.Error(errs)
	}
}

package cli

import (
	"os"
	"path/filepath"
	"testing"

	"jobsd/internal/jobfile"
)

func TestUnderHome(t *testing.T) {
	env := map[string]string{}
	getenv := func(name string) string { return env[name] }
	dirs, config := underHome("/home/jo", getenv)
	want := jobfile.Dirs{Jobs: "/home/jo/.config/jobsd/jobs.d", State: "/home/jo/.local/state/jobsd",
		Log: "/home/jo/.local/state/jobsd/log", Run: "/home/jo/.local/state/jobsd/run"}
	if dirs != want || config != "/home/jo/.config/jobsd/jobsd.toml" {
		t.Errorf("got %+v, %s", dirs, config)
	}
	env["XDG_CONFIG_HOME"], env["XDG_STATE_HOME"] = "/c", "relative"
	if dirs, config = underHome("/home/jo", getenv); dirs.Jobs != "/c/jobsd/jobs.d" || dirs.State != want.State ||
		config != "/c/jobsd/jobsd.toml" {
		t.Errorf("with XDG: got %+v, %s", dirs, config)
	}
}

func TestRuntimeDir(t *testing.T) {
	dir := t.TempDir()
	mode := func(m os.FileMode) {
		if err := os.Chmod(dir, m); err != nil {
			t.Fatal(err)
		}
	}
	run := func(value string) string {
		dirs, _ := underHome("/home/jo", func(name string) string { return map[string]string{"XDG_RUNTIME_DIR": value}[name] })
		return dirs.Run
	}
	const usual = "/home/jo/.local/state/jobsd/run"
	mode(0o700)
	if got := run(dir); got != filepath.Join(dir, "jobsd") {
		t.Errorf("got %s, want it in %s", got, dir)
	}
	for _, bad := range []string{"", "relative", filepath.Join(dir, "missing"), "/dev/null"} {
		if got := run(bad); got != usual {
			t.Errorf("%q: got %s, want %s", bad, got, usual)
		}
	}
	mode(0o755)
	if got := run(dir); got != usual {
		t.Errorf("a directory that others can read: got %s, want %s", got, usual)
	}
	mode(0o700)
	if os.Geteuid() == 0 {
		if err := os.Chown(dir, 12345, 12345); err != nil {
			t.Fatal(err)
		}
		if got := run(dir); got != usual {
			t.Errorf("a directory of another user: got %s, want %s", got, usual)
		}
	}
}

func TestFirst(t *testing.T) {
	got := first(jobfile.Dirs{State: "/flag"}, jobfile.Dirs{State: "/config", Log: "/config"},
		jobfile.Dirs{Run: "/systemd", Log: "/systemd"}, jobfile.Dirs{Jobs: "/j", State: "/s", Log: "/l", Run: "/r"})
	if want := (jobfile.Dirs{Jobs: "/j", State: "/flag", Log: "/config", Run: "/systemd"}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMistakeOf(t *testing.T) {
	for text, want := range map[string]mistake{
		`a.toml:4:9: start_at: "25:00" is no time of day: write "16:05"`: {"a.toml", 4, 9, "start_at",
			`"25:00" is no time of day: write "16:05"`},
		"a.toml:1:1: log.max_size: is too small":   {"a.toml", 1, 1, "log.max_size", "is too small"},
		"b.json:1:17: \"cmd\" stands twice":        {"b.json", 1, 17, "", `"cmd" stands twice`},
		"a.toml: is writable by others: chmod o-w": {"a.toml", 0, 0, "", "is writable by others: chmod o-w"},
		"something else":                           {"", 0, 0, "", "something else"},
	} {
		e := &jobfile.Error{File: want.File, Line: want.Line, Column: want.Column, Key: want.Key, Text: want.Message}
		if got := mistakeOf(e); got != want || e.Error() != text {
			t.Errorf("%s:\n got %+v, %s\nwant %+v", text, got, e, want)
		}
	}
}

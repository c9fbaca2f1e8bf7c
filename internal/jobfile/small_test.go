package jobfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"
)

func TestActiveOn(t *testing.T) {
	for _, c := range []struct {
		globs, host string
		want        bool
	}{
		{"", "any", true},
		{"laptop", "laptop", true},
		{"laptop", "LAPTOP.example.org", true},
		{"Laptop.Example.org", "laptop.example.org", true},
		{"laptop.example.org", "laptop", false},
		{"web-? db*", "web-1.example.org", true},
		{"web-? db*", "db", true},
		{"web-? db*", "web-10", false},
		{"*.example.org", "x.example.org", true},
		{"*.example.org", "x", false},
		{"[a-c]1", "b1", true},
	} {
		d := Definition{Rules: &Rules{Machines: strings.Fields(c.globs)}}
		if d.ActiveOn(c.host) != c.want {
			t.Errorf("%+v", c)
		}
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "1": 1, "10B": 10, "10kB": 10_000, "10KB": 10_000, "10MB": 10_000_000, "10MiB": 10 << 20, "2 GiB": 2 << 30,
		"1TB": 1e12, "1TiB": 1 << 40, "9223372036854775807": 1<<63 - 1, "8388607TiB": 8388607 << 40,
	} {
		if got, why := parseSize(in); got != want || why != "" {
			t.Errorf("%s: %d %s", in, got, why)
		}
	}
	for _, in := range []string{"", "MB", "-1", "1.5GB", "1e3", "10 XB", "10MBs", "9223372036854775808", "8388608TiB", "１MB", "0x10"} {
		if got, why := parseSize(in); why == "" {
			t.Errorf("%s: %d", in, got)
		}
	}
}

func TestSuggest(t *testing.T) {
	names := jobKeys.names()
	for in, want := range map[string]string{
		"cmdd": "cmd", "Cmd": "cmd", "Command": "cmd", "start-at": "start_at", "startat": "start_at", "strat_at": "start_at",
		"environment": "env", "tz": "timezone", "TimeZone": "timezone", "retry": "retries", "xyz": "", "": "", "q": "",
		"max_delay": "", "timeuot": "timeout", "script": "shell", strings.Repeat("x", 1000): "",
	} {
		if got := suggest(in, names); got != want {
			t.Errorf("%.20s: %q, want %q", in, got, want)
		}
	}
}

func TestAccounts(t *testing.T) {
	for _, c := range []struct {
		daemon     int
		text, want string
	}{
		{0, `user = "alice"`, "alice 1000 1000 [50 100 1000] /home/alice"},
		{0, `user = "1000"`, "alice 1000 1000 [50 100 1000] /home/alice"},
		{0, "user = 4242\ngroup = \"users\"", "4242 4242 100 [100] /"},
		{0, "user = \"bob\"\ngroup = 7", "bob 1001 7 [7 50] /home/bob"},
		{0, "group = \"staff\"", "root 0 50 [50] /root"},
		{0, `user = "root"`, "root 0 0 [0] /root"},
		{0, `user = "broken"`, `t.toml:2:8: user: there is no user "broken"`},
		{0, "user = \"alice\"\ngroup = \"no\"", `t.toml:3:9: group: there is no group "no"`},
		{0, "user = -1", "t.toml:2:8: user: -1 is not a valid user or group number"},
		{0, "user = 4294967295", "t.toml:2:8: user: 4294967295 is not a valid user or group number"},
		{1000, `user = "alice"`, ""},
		{1000, "user = \"alice\"\ngroup = \"alice\"", ""},
		{1000, `user = "bob"`, "t.toml:2:8: user: only a daemon that runs as root can run jobs of other users: this one runs as alice"},
		{1000, `group = "staff"`, "t.toml:2:9: group: only a daemon that runs as root can run jobs of other groups"},
		{4242, "user = 4242\ngroup = 50", "t.toml:3:9: group: only a daemon that runs as root can run jobs of other groups"},
	} {
		defs, errs := parseAs(t, someHost(t, c.daemon), "t.toml", "cmd = [\"x\"]\n"+c.text)
		got := lines(errs)
		if errs == nil && defs[0].User != nil {
			u := defs[0].User
			got = fmt.Sprint(u.Name, " ", u.UID, " ", u.GID, " ", u.Groups, " ", u.Home)
		}
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.text, got, c.want)
		}
	}
}

func TestReadFile(t *testing.T) {
	dir := safeDir(t)
	path := put(t, dir, "x.toml", "cmd = [\"true\"]\nextra_path = [\"bin\"]\nstart_at = \"4am\"")
	chmod(t, path, 0o666) // the file is only checked, never executed
	defs, errs := ReadFile(path, nil)
	if errs != nil || len(defs) != 1 || defs[0].Name != "x" || defs[0].ExtraPath[0] != filepath.Join(dir, "bin") {
		t.Error(defs, errs)
	}
	if _, errs = ReadFile(put(t, dir, "y.json", "{}"), nil); lines(errs) != dir+`/y.json:1:1: contains no job: add "cmd" or "shell"` {
		t.Error(errs)
	}
	if _, errs = ReadFile(filepath.Join(dir, "z.json"), nil); len(errs) != 1 || !errors.Is(errs[0], fs.ErrNotExist) {
		t.Error(errs)
	}
	if _, errs = ReadFile(dir, nil); lines(errs) != dir+": is not a regular file" {
		t.Error(errs)
	}
}

// TestFootprint limits the size of a definition, because there may be ten thousand.
func TestFootprint(t *testing.T) {
	if n := unsafe.Sizeof(Definition{}); n > 192 {
		t.Errorf("a definition takes %d bytes", n)
	}
	if n := unsafe.Sizeof(jobFile{}) + unsafe.Sizeof(version{}); n > 144 {
		t.Errorf("the loader's data about a file takes %d bytes", n)
	}
}

func TestPosition(t *testing.T) {
	s := newSource("x", "", "aü\nb\n\n")
	for at, want := range map[int]string{-1: "1:1", 0: "1:1", 1: "1:2", 3: "1:3", 4: "2:1", 5: "2:2", 6: "2:2", 99: "2:2"} {
		line, column := s.position(at)
		if got := fmt.Sprintf("%d:%d", line, column); got != want {
			t.Errorf("%d: %s, want %s", at, got, want)
		}
	}
}

func TestNearest(t *testing.T) {
	jobs := []string{"backup", "mail", "web", "Web-2"}
	for _, test := range []struct{ word, want string }{
		{"bakcup", "backup"},
		{"backups", "backup"},
		{"BACKUP", "backup"},
		{"wbe", "web"},
		{"x", ""},
		{"web_2", "Web-2"},
		{"", ""},
		{"restic", ""},
	} {
		if got := Nearest(test.word, jobs); got != test.want {
			t.Errorf("%q: got %q, want %q", test.word, got, test.want)
		}
	}
}

// TestReadFileAs checks that a file means the same to its reader as to the daemon.
func TestReadFileAs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.toml")
	if err := os.WriteFile(file, []byte("cmd = [\"true\"]\nuser = \"root\"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if defs, errs := ReadFileAs(file, nil, 0); errs != nil || defs[0].User == nil || defs[0].User.Name != "root" {
		t.Errorf("as root: %v, %v", defs, errs)
	}
	if _, errs := ReadFileAs(file, nil, 12345); len(errs) != 1 || !strings.Contains(errs[0].Error(), "only a daemon that runs as root") {
		t.Errorf("as another: %v", errs)
	}
}

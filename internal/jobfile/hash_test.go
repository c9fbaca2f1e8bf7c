package jobfile

import (
	"fmt"
	"testing"
)

// TestHashSame has pairs of files that define the same job.
func TestHashSame(t *testing.T) {
	plain := "name = \"a\"\ncmd = [\"x\"]\n"
	for _, c := range [][4]string{
		{"a.toml", plain, "b.toml", "# other file\ncmd = [ 'x', ]\nname = 'a'\n"},
		{"a.toml", plain, "a.json", `{"jobs": [{"cmd": ["x"], "name": "a"}]}`},
		{"a.toml", plain, "a.toml", plain + "enabled = true\nretries = 0\nstop_signal = \"SIGTERM\"\nlog.keep = 5\nenv = {}\nkeep_alive = false\n"},
		{"a.toml", plain + "start_at = \"4:35am\"", "a.json", `{"cmd": ["x"], "start_at": ["04:35"]}`},
		{"a.toml", plain + "start_at = \"4am\"", "a.toml", plain + "cron = \"0 4 * * *\""},
		{"a.toml", plain + "every = \"90m\"", "a.toml", plain + "every = \"1h30m\""},
		{"a.toml", plain + "timeout = \"60s\"", "a.toml", plain + "timeout = \"1m\""},
		{"a.toml", plain + "log.max_size = \"10kB\"\nlog.keep = 1", "a.toml", plain + "log = {keep = 1, max_size = 10000}"},
		{"a.toml", plain + "env = {A = \"1\", B = \"2\"}", "a.toml", plain + "[env]\nB = \"2\"\nA = \"1\""},
		{"a.toml", plain + "success_codes = [1, 0]", "a.toml", plain + "success_codes = [0, 1, 1]"},
		{"a.toml", plain + "user = \"alice\"", "a.toml", plain + "user = 1000"},
		{"a.toml", plain + "keep_alive = true", "a.toml", plain + "keep_alive.delay = \"1s\""},
	} {
		a, b := only(t, c[0], c[1]), only(t, c[2], c[3])
		if a.Hash != b.Hash || a.ScheduleHash != b.ScheduleHash || a.ProcessHash != b.ProcessHash {
			t.Errorf("differ:\n%s\n%s", c[1], c[3])
		}
	}
}

// TestHashDiffers checks that each key changes the hashes that depend on it, and no others.
func TestHashDiffers(t *testing.T) {
	for _, c := range keyCases {
		if c.bare || c.key == "timezone" && c.with == "" {
			continue
		}
		text, _ := c.toml(c.good)
		a, b := only(t, "t.toml", c.base("toml")), only(t, "t.toml", text)
		when, process := false, false
		switch c.key {
		case "start_at", "days", "every", "from", "cron", "at", "timezone":
			when = true
		case "user", "group", "dir", "env", "env_file", "pass_env", "extra_path", "umask", "nice", "limits", "log.discard":
			process = true
		}
		if a.Hash == b.Hash {
			t.Errorf("%s does not change Hash", c.key)
		}
		if got := a.ScheduleHash != b.ScheduleHash; got != when {
			t.Errorf("%s changes ScheduleHash: %t; by the list in this test: %t", c.key, got, when)
		}
		if got := a.ProcessHash != b.ProcessHash; got != process {
			t.Errorf("%s changes ProcessHash, as keys with the mark process do: %t; by the list in this test: %t", c.key, got, process)
		}
	}
	a, b := only(t, "t.toml", `cmd = ["x", "y"]`), only(t, "t.toml", `cmd = ["x y"]`)
	if a.ProcessHash == b.ProcessHash || a.Hash == b.Hash || a.ScheduleHash != b.ScheduleHash {
		t.Error("argv")
	}
}

// TestHashStays fails if a hash differs from that of earlier versions. An upgrade would then restart all services and
// forget all slots.
func TestHashStays(t *testing.T) {
	for text, want := range map[string]string{
		"cmd = [\"x\"]": "a6c3565994c347f9 2873c6995cf14bb6 b8d2c366dbea9646",
		"cmd = [\"x\", \"y\"]\nstart_at = \"4:35am\"\ntimezone = \"Europe/Berlin\"\ndir = \"/srv\"\nenv.A = \"b\"\nretries = 2\nlog.keep = 3\n" +
			"notify.mail = \"root\"\nlimits.nofile = 5\ncatch_up = false\nmachines = [\"a*\"]\nuser = \"alice\"\n": "e368134134f3aad5 b9fd90662826703c dc4321430bd46a90",
		"shell = \"x\"\nkeep_alive.delay = \"2s\"\nlog.discard = true\nnice = 3\numask = \"027\"": "a6c3565994c347f9 c7f1950e91b1cc29 640deeffa99bfd05",
	} {
		d := only(t, "t.toml", text)
		if got := fmt.Sprintf("%016x %016x %016x", d.ScheduleHash, d.ProcessHash, d.Hash); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

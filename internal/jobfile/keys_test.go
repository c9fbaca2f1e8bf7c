package jobfile

import (
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// keyCase is one key: a good value and its result, a bad value and its error, and the default. A value is written so
// that TOML and JSON read it alike, unless json and badJSON differ.
type keyCase struct {
	key       string
	good      string
	json      string
	want      any
	bad       string
	badJSON   string
	at        int // offset of the mistake in bad
	says      string
	byDefault any
	of        func(*Definition) any
	bare      bool // the job has no other key
	with      string
}

func printed(d *Definition) any { return d.Schedule.String() }

var alice = User{Name: "alice", UID: 1000, GID: 1000, Groups: []uint32{50, 100, 1000}, Home: "/home/alice", Shell: "/bin/zsh"}

var keyCases = []keyCase{
	{key: "name", good: `"a.b_c@d-1"`, want: "a.b_c@d-1", bad: `"a/b"`,
		says: `"a/b" may contain only letters, digits and . _ @ -`, byDefault: "t",
		of: func(d *Definition) any { return d.Name }},
	{key: "description", good: `"saves all"`, want: "saves all", bad: `3`, says: "must be a string, not a number",
		byDefault: "", of: func(d *Definition) any { return d.Description }},
	{key: "cmd", good: `["b", "", "x y"]`, want: []string{"b", "", "x y"}, bad: `["b", "c", "\u0000"]`, at: 11,
		says: "contains a NUL character, which no argument, path or variable can contain", bare: true,
		of: func(d *Definition) any { return d.Argv }},
	{key: "shell", good: `"echo $HOME"`, want: []string{"/bin/sh", "-c", "echo $HOME"}, bad: `" "`,
		says: "must not be empty", bare: true, of: func(d *Definition) any { return d.Argv }},

	{key: "start_at", good: `["4:35am", "noon"]`, want: `cron "35 4 * * *" "0 12 * * *"`, bad: `["4am", "25:00"]`, at: 8,
		says: `"25:00" is not a time of day; hours go from 0 to 23`, byDefault: "only when asked", of: printed},
	{key: "days", good: `["mon", 15, "-1"]`, want: `cron "0 4 15,L * mon"`, bad: `["mon", "5"]`, at: 8,
		says: `write 5 without quotes for the day of the month, or "fri" for the weekday`, with: `start_at = "4am"`, byDefault: `cron "0 4 * * *"`, of: printed},
	{key: "every", good: `"90m"`, want: "every 1h30m", bad: `"0s"`, says: `"0s" is less than 1s; use "1s"`,
		byDefault: "only when asked", of: printed},
	{key: "from", good: `"2026-01-06 09:00"`, want: "every 14d from 2026-01-06 09:00", bad: `"tuesday"`,
		says: `"tuesday" is not a date; write it like "2026-01-06" or "2026-01-06 09:00"`, with: `every = "2w"`,
		byDefault: "every 14d", of: printed},
	{key: "cron", good: `"35 4 * * *"`, want: `cron "35 4 * * *"`, bad: `["@daily", "0 0 30 2 *"]`, at: 11,
		says: `"0 0 30 2 *" never comes`, byDefault: "only when asked", of: printed},
	{key: "at", good: `"2026-12-24 18:00"`, want: "at 2026-12-24T18:00:00Z", bad: `"2026-02-30 18:00"`,
		says: `"2026-02-30 18:00"`, byDefault: "only when asked", of: printed},
	{key: "timezone", good: `"America/New_York"`, want: "America/New_York", bad: `"Mars/Base"`,
		says: `"Mars/Base" is not a time zone`, byDefault: "UTC",
		of: func(d *Definition) any { return d.Schedule.Location().String() }},
	{key: "at_boot", good: `true`, want: true, bad: `"yes"`, says: "must be true or false (without quotes), not a string",
		byDefault: false, of: func(d *Definition) any { return d.AtBoot }},
	{key: "after", good: `["a", "b"]`, want: []string{"a", "b"}, bad: `["a", ""]`, at: 6,
		says: `"" must not be empty`, byDefault: []string(nil), of: func(d *Definition) any { return d.After }},
	{key: "keep_alive", good: `true`, want: &KeepAlive{Always, time.Second, 5 * time.Minute, time.Minute}, bad: `"always"`,
		says:      `must be true, false or a table such as {restart = "on-failure"}, not a string`,
		byDefault: (*KeepAlive)(nil), of: func(d *Definition) any { return d.KeepAlive }},
	{key: "keep_alive.restart", good: `"never"`, want: Never, bad: `"unless-stopped"`,
		says: `must be one of "always", "on-failure", "on-success", "never", not "unless-stopped"`, byDefault: Always, with: "keep_alive.stable = \"1m\"",
		of: func(d *Definition) any { return d.KeepAlive.Restart }},
	{key: "keep_alive.delay", good: `"10m"`, want: 10 * time.Minute, bad: `-1`,
		says:      `must be a duration such as "90s", "10m" or "1d" (in quotes), not a number`,
		byDefault: time.Second, with: "keep_alive.stable = \"1m\"",
		of: func(d *Definition) any { return d.KeepAlive.Delay }},
	{key: "keep_alive.max_delay", good: `"1h"`, want: time.Hour, bad: `"9e99h"`, says: `"9e99h"`,
		byDefault: 5 * time.Minute, with: "keep_alive.stable = \"1m\"",
		of: func(d *Definition) any { return d.KeepAlive.MaxDelay }},
	{key: "keep_alive.stable", good: `"2m"`, want: 2 * time.Minute, bad: `[]`,
		says:      `must be a duration such as "90s", "10m" or "1d" (in quotes), not an array`,
		byDefault: time.Minute, with: "keep_alive.delay = \"1s\"",
		of: func(d *Definition) any { return d.KeepAlive.Stable }},
	{key: "jitter", good: `"1h"`, want: time.Hour, bad: `"-5s"`, says: `"-5s"`, byDefault: time.Duration(0),
		of: func(d *Definition) any { return d.Jitter }},
	{key: "catch_up", good: `"2d"`, want: CatchUp{48 * time.Hour}, bad: `7`,
		says: `must be true, false or a duration such as "1d", not a number`, byDefault: CatchUp{-1},
		of: func(d *Definition) any { return d.CatchUp }},
	{key: "machines", good: `["web-*", "db1"]`, want: []string{"web-*", "db1"}, bad: `["ok", "[a"]`, at: 7,
		says:      `"[a" is not a pattern of host names, such as "web-*"`,
		byDefault: []string(nil), of: func(d *Definition) any { return d.Machines }},
	{key: "enabled", good: `false`, want: false, bad: `0`, says: "must be true or false (without quotes), not a number",
		byDefault: true, of: func(d *Definition) any { return d.Enabled }},

	{key: "overlap", good: `"queue"`, want: Queue, bad: `"wait"`,
		says: `must be one of "skip", "queue", "replace", "allow", not "wait"`, byDefault: Skip,
		of: func(d *Definition) any { return d.Overlap }},
	{key: "lock", good: `"disk"`, want: "disk", bad: `"../x"`, says: `"../x" must not begin with . or -`, byDefault: "",
		of: func(d *Definition) any { return d.Lock }},
	{key: "timeout", good: `"1w"`, want: 7 * 24 * time.Hour, bad: `"4000d"`, says: `"4000d" is more than 3650d`,
		byDefault: time.Duration(0), of: func(d *Definition) any { return d.Timeout }},
	{key: "stop", good: `"leader"`, want: true, bad: `"all"`, says: `must be one of "group", "leader", not "all"`,
		byDefault: false, of: func(d *Definition) any { return d.StopLeader }},
	{key: "stop_signal", good: `"SIGINT"`, want: "INT", bad: `"STOP"`,
		says:      `"STOP" pauses a process and does not end it`,
		byDefault: "TERM", of: func(d *Definition) any { return d.StopSignal }},
	{key: "stop_timeout", good: `"1m"`, want: time.Minute, bad: `""`, says: "", byDefault: 10 * time.Second,
		of: func(d *Definition) any { return d.StopTimeout }},
	{key: "leftovers", good: `"keep"`, want: true, bad: `true`,
		says: `must be one of "kill", "keep", not true or false`, byDefault: false,
		of: func(d *Definition) any { return d.KeepLeftovers }},
	{key: "retries", good: `3`, want: int32(3), bad: `-1`, says: "must be from 0 to 2147483647, not -1", byDefault: int32(0),
		of: func(d *Definition) any { return d.Retries }},
	{key: "retry_delay", good: `"1h"`, want: time.Hour, bad: `"soon"`, says: `"soon"`,
		byDefault: 10 * time.Second, of: func(d *Definition) any { return d.RetryDelay }},
	{key: "retry_max_delay", good: `"1h"`, want: time.Hour, bad: `1.5`,
		says:      `must be a duration such as "90s", "10m" or "1d" (in quotes), not a number with a fraction`,
		byDefault: 10 * time.Minute, of: func(d *Definition) any { return d.RetryMaxDelay }},
	{key: "success_codes", good: `[3, 0, 3]`, want: []int{0, 3}, bad: `[0, 256]`, at: 4, says: "must be from 0 to 255, not 256",
		byDefault: []int{0}, of: func(d *Definition) any { return d.SuccessCodes }},

	{key: "user", good: `"alice"`, want: &alice, bad: `"nobody-here"`, says: `there is no user "nobody-here"`,
		byDefault: (*User)(nil), of: func(d *Definition) any { return d.User }},
	{key: "group", good: `50`, want: uint32(50), bad: `"none-here"`, says: `there is no group "none-here"`, with: `user = "alice"`,
		byDefault: uint32(1000), of: func(d *Definition) any { return d.User.GID }},
	{key: "dir", good: `"../data"`, want: "/etc/data", bad: `"~/data"`,
		says: `"~/data": ~ is not expanded: write the path of the home directory`, byDefault: "",
		of: func(d *Definition) any { return d.Dir }},
	{key: "env", good: `{B = "2", A = "1"}`, json: `{"B": "2", "A": "1"}`, want: []string{"A=1", "B=2"},
		bad: `{A = "1", B = 2}`, badJSON: `{"A":"1","B": 2}`, at: 14, says: "must be a string, not a number",
		byDefault: []string(nil), of: func(d *Definition) any { return d.Env }},
	{key: "env_file", good: `"/etc/default/x"`, want: "/etc/default/x", bad: `""`, says: "must not be empty", byDefault: "",
		of: func(d *Definition) any { return d.EnvFile }},
	{key: "pass_env", good: `["DISPLAY", "LC_*"]`, want: []string{"DISPLAY", "LC_*"}, bad: `["LC_*", "A=b"]`, at: 9,
		says: `"A=..." is not the name of a variable`, byDefault: []string(nil), of: func(d *Definition) any { return d.PassEnv }},
	{key: "extra_path", good: `["/opt/homebrew/bin", "bin"]`, want: []string{"/opt/homebrew/bin", "/etc/jobs.d/bin"},
		bad: `["/a:/b"]`, at: 1, says: `"/a:/b" contains a colon, which separates the directories of PATH`,
		byDefault: []string(nil), of: func(d *Definition) any { return d.ExtraPath }},
	{key: "umask", good: `"027"`, want: 0o27, bad: `22`, says: `must be an octal number in quotes, such as "022", not a number`,
		byDefault: 0o22, of: func(d *Definition) any { return d.Umask }},
	{key: "nice", good: `-5`, want: -5, bad: `20`, says: "must be from -20 to 19, not 20", byDefault: 0,
		of: func(d *Definition) any { return d.Nice }},
	{key: "limits", good: `{core = "unlimited", as = "1GiB", nofile = 64}`,
		json: `{"core": "unlimited", "as": "1GiB", "nofile": 64}`,
		want: []Limit{{"as", 1 << 30}, {"core", math.MaxUint64}, {"nofile", 64}},
		bad:  `{ as = "1XB" }`, badJSON: `{ "as":"1XB"}`, at: 7, says: "", byDefault: []Limit(nil),
		of: func(d *Definition) any { return d.Limits }},

	{key: "log", good: `{keep = 2}`, json: `{"keep": 2}`, want: Log{MaxSize: 10_000_000, Keep: 2}, bad: `5`,
		says: `must be a table such as {max_size = "10MB"}, not a number`, byDefault: Log{MaxSize: 10_000_000, Keep: 5}, of: func(d *Definition) any { return d.Log }},
	{key: "log.max_size", good: `"1MiB"`, want: int64(1 << 20), bad: `"1 XB"`,
		says:      `"1 XB" is not a size: write a whole number and a unit, as in "10MB" or "10MiB"`,
		byDefault: int64(10e6), of: func(d *Definition) any { return d.Log.MaxSize }},
	{key: "log.keep", good: `0`, want: 0, bad: `1001`, says: "must be from 0 to 1000, not 1001", byDefault: 5,
		of: func(d *Definition) any { return d.Log.Keep }},
	{key: "log.discard", good: `true`, want: true, bad: `1`, says: "must be true or false (without quotes), not a number",
		byDefault: false, of: func(d *Definition) any { return d.Log.Discard }},
	{key: "log.timestamps", good: `true`, want: true, bad: `"yes"`, says: "must be true or false (without quotes), not a string",
		byDefault: false, of: func(d *Definition) any { return d.Log.Timestamps }},

	{key: "notify", good: `{mail = "root"}`, json: `{"mail": "root"}`, want: &Notify{Mail: []string{"root"}, On: []string{"failure", "recovery", "late", "slow"}, Failures: 1},
		bad: `"root"`, says: `must be a table such as {to = ["phone"]}, not a string`, byDefault: (*Notify)(nil),
		of: func(d *Definition) any { return d.Notify }},
	{key: "notify.mail", good: `["a@b", "root"]`, want: []string{"a@b", "root"}, bad: `["a@b", "c d"]`, at: 8,
		says: `"c d" is not a mail address`, byDefault: []string(nil), with: `notify.on_success = ["x"]`,
		of: func(d *Definition) any { return d.Notify.Mail }},
	{key: "notify.to", good: `["ops", "phone"]`, want: []string{"ops", "phone"}, bad: `["ops", "daemon"]`, at: 8,
		says: `"daemon" is reserved`, byDefault: []string(nil), with: `notify.mail = "root"`,
		of: func(d *Definition) any { return d.Notify.To }},
	{key: "notify.on", good: `["failure", "start"]`, want: []string{"failure", "start"}, bad: `["failure", "end"]`, at: 12,
		says:      `must be one of "failure", "recovery", "late", "slow", "start", "success", not "end"`,
		byDefault: []string{"failure", "recovery", "late", "slow"}, with: `notify.to = "ops"`,
		of: func(d *Definition) any { return d.Notify.On }},
	{key: "notify.on_start", good: `["beep"]`, want: []string{"beep"}, bad: `[]`, says: "must not be empty",
		byDefault: []string(nil), with: `notify.mail = "root"`, of: func(d *Definition) any { return d.Notify.OnStart }},
	{key: "notify.on_failure", good: `["beep", "x"]`, want: []string{"beep", "x"}, bad: `"beep"`,
		says:      `must be an array of strings such as ["notify", "--urgent"], not a string`,
		byDefault: []string(nil), with: `notify.mail = "root"`, of: func(d *Definition) any { return d.Notify.OnFailure }},
	{key: "notify.on_success", good: `["beep"]`, want: []string{"beep"}, bad: `[]`, says: "must not be empty",
		byDefault: []string(nil), with: `notify.mail = "root"`, of: func(d *Definition) any { return d.Notify.OnSuccess }},
	{key: "notify.on_recovery", good: `["beep"]`, want: []string{"beep"}, bad: `[""]`, at: 1, says: "the name of the program is empty",
		byDefault: []string(nil), with: `notify.mail = "root"`, of: func(d *Definition) any { return d.Notify.OnRecovery }},
	{key: "notify.failures", good: `3`, want: 3, bad: `0`, says: "must be from 1 to 2147483647, not 0",
		byDefault: 1, with: `notify.mail = "root"`, of: func(d *Definition) any { return d.Notify.Failures }},

	{key: "expect", good: `{done_within = "2h"}`, json: `{"done_within": "2h"}`, want: &Expect{DoneWithin: 2 * time.Hour},
		bad: `"2h"`, says: `must be a table such as {success_within = "26h"}, not a string`, byDefault: (*Expect)(nil),
		of: func(d *Definition) any { return d.Expect }},
	{key: "expect.success_within", good: `"26h"`, want: &Expect{SuccessWithin: 26 * time.Hour}, bad: `"0s"`,
		says: "must be at least 1s", byDefault: (*Expect)(nil), with: `start_at = "4am"`,
		of: func(d *Definition) any { return d.Expect }},
	{key: "expect.done_within", good: `"90m"`, want: &Expect{DoneWithin: 90 * time.Minute}, bad: `7`,
		says: "must be a duration", byDefault: (*Expect)(nil), of: func(d *Definition) any { return d.Expect }},
}

// toml and inJSON write a job with the key and the value, which begins on line 3 at the returned column.
func (c keyCase) toml(value string) (string, int) {
	return c.base("toml") + fmt.Sprintf("%s = %s\n", c.key, value), len(c.key) + 4
}

func (c keyCase) inJSON(value string) (string, int) {
	table, key, nested := strings.Cut(c.key, ".")
	if nested {
		head := ""
		if strings.HasPrefix(c.with, table+".") {
			k, v, _ := strings.Cut(strings.TrimPrefix(c.with, table+"."), " = ")
			head = fmt.Sprintf("%q: %s, ", k, v)
		}
		line := fmt.Sprintf(`"%s": {%s"%s": `, table, head, key)
		return c.base("json") + line + value + "}}", len(line) + 1
	}
	line := fmt.Sprintf(`"%s": `, c.key)
	return c.base("json") + line + value + "}", len(line) + 1
}

// base returns the first two lines of the job, without the key.
func (c keyCase) base(format string) string {
	switch k, v, ok := strings.Cut(c.with, " = "); {
	case format == "toml" && c.bare:
		return "\n\n"
	case format == "toml":
		return "cmd = [\"x\"]\n" + c.with + "\n"
	case c.bare:
		return "{\n\n"
	case !ok || strings.Contains(k, "."):
		return "{\"cmd\": [\"x\"],\n\n"
	default:
		return fmt.Sprintf("{\"cmd\": [\"x\"],\n%q: %s,\n", k, v)
	}
}

func (c keyCase) in(format, value, inJSON string) (string, int) {
	if format == "toml" {
		return c.toml(value)
	}
	if inJSON == "" {
		inJSON = value
	}
	return c.inJSON(inJSON)
}

func TestKeys(t *testing.T) {
	for _, c := range keyCases {
		for _, format := range []string{"toml", "json"} {
			t.Run(c.key+"/"+format, func(t *testing.T) {
				h, file := someHost(t, 0), "t."+format
				text, _ := c.in(format, c.good, c.json)
				defs, errs := parseAs(t, h, file, text)
				if errs != nil {
					t.Fatalf("%s\n%s", text, lines(errs))
				}
				if got := c.of(defs[0]); !reflect.DeepEqual(got, c.want) {
					t.Errorf("%s\ngot  %#v\nwant %#v", text, got, c.want)
				}

				text, column := c.in(format, c.bad, c.badJSON)
				_, errs = parseAs(t, h, file, text)
				want := fmt.Sprintf("%s:3:%d: %s", file, column+c.at, c.key)
				at := slices.IndexFunc(errs, func(e error) bool { return strings.HasPrefix(e.Error(), want) })
				if at < 0 || !strings.Contains(errs[at].Error(), c.says) {
					t.Errorf("%s\ngot  %s\nwant %s: %s", text, lines(errs), want, c.says)
				}
			})
		}
		if !c.bare {
			d := only(t, "t.toml", c.base("toml"))
			if got := c.of(d); !reflect.DeepEqual(got, c.byDefault) {
				t.Errorf("%s by default: got %#v, want %#v", c.key, got, c.byDefault)
			}
		}
	}
}

// TestKeysComplete fails if a key has no row above.
func TestKeysComplete(t *testing.T) {
	want := jobKeys.names()
	for prefix, names := range map[string][]string{
		"log": logKeys.names(), "notify": notifyKeys.names(), "keep_alive": serviceKeys.names(), "expect": expectKeys.names(),
	} {
		for _, name := range names {
			want = append(want, join(prefix, name))
		}
	}
	for _, c := range keyCases {
		want = slices.DeleteFunc(want, func(s string) bool { return s == c.key })
	}
	if len(want) > 0 {
		t.Errorf("no row in keyCases for %v", want)
	}
}

// TestKeysDescribed fails if man/jobs.d.5 or the table in README.md does not have a key.
func TestKeysDescribed(t *testing.T) {
	page := readAll(t, "../../man/jobs.d.5")
	_, readme, _ := strings.Cut(readAll(t, "../../README.md"), "\n## Job files\n")
	for _, c := range keyCases {
		name := c.key[strings.LastIndexByte(c.key, '.')+1:]
		if !regexp.MustCompile(`(?m)^\.It Cm ` + name + ` No = `).MatchString(page) {
			t.Errorf("man/jobs.d.5 does not have %s: no line begins with .It Cm %s No =", c.key, name)
		}
		if !regexp.MustCompile("(?m)^\\| (`\\w+`, )*`"+name+"`[ ,]").MatchString(readme) && name == c.key {
			t.Errorf("the table of keys in README.md does not have %s", name)
		}
	}
}

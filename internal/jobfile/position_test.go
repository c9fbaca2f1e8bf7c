package jobfile

import (
	"fmt"
	"strings"
	"testing"
)

// TestPositions puts a mistake into the first, the middle and the last of three jobs.
func TestPositions(t *testing.T) {
	tomlJobs := []string{
		"[[jobs]]\nname = \"a\"\ncmd = [\"x\"]\n# a comment [[jobs]]\nsuccess_codes = [\n  0, # zero\n  1,\n]\nenabled = true\n",
		"  [[ jobs ]] # second\n  name = \"b\"\n  shell = \"\"\"\n[[jobs]]\nenabled = 7\n\\\"\"\"\n\"\"\"\"\n  'enabled' = true\n",
		"[[jobs]]\n\"n\\u0061me\" = \"c\"\ncmd = ['''\nx''', \"]\", '\"']\nenabled = true\n[jobs.log]\ndiscard = true\n[jobs.env]\nA = \"[[jobs]]\"\n",
	}
	jsonJobs := []string{
		"{\"name\": \"a\", \"cmd\": [\"x\", \"{\\\"enabled\\\"\"],\n  \"enabled\": true}",
		"{\n\"enabled\" : true, \"name\": \"b\",\n\"shell\": \"]}\\n,\"}",
		"  {\"cmd\": [\"x\"], \"name\": \"\\u0063\",\"env\": {\"A\": \"[\"}, \"log\": {\"discard\": false},\n\n\t\"enabled\":true}",
	}
	for bad := range 3 {
		join := func(jobs []string, sep string) (text string, line, column int) {
			for i, job := range jobs {
				if i == bad {
					at := strings.LastIndex(job, "enabled")
					at += strings.Index(job[at:], "true")
					before := text + job[:at]
					line = strings.Count(before, "\n") + 1
					column = len(before) - strings.LastIndex(before, "\n")
					job = job[:at] + "1234" + job[at+4:]
				}
				text += job
				if i < 2 {
					text += sep
				}
			}
			return text, line, column
		}
		for _, crlf := range []bool{false, true} {
			for _, bom := range []string{"", byteOrderMark} {
				check := func(file, text string, line, column int) {
					if crlf {
						text = strings.ReplaceAll(text, "\n", "\r\n")
					}
					_, errs := parseAs(t, someHost(t, 0), file, bom+text)
					want := fmt.Sprintf("%s:%d:%d: enabled: must be true or false (without quotes), not a number", file, line, column)
					if lines(errs) != want {
						t.Errorf("%s\ngot  %s\nwant %s", text, lines(errs), want)
					}
				}
				text, line, column := join(tomlJobs, "\n")
				check("t.toml", text, line, column)
				text, line, column = join(jsonJobs, ",\n")
				check("t.json", `{"jobs": [`+"\n"+text+"]}", line+1, column)
			}
		}
	}
}

func TestLines(t *testing.T) {
	defs, errs := parseAs(t, someHost(t, 0), "t.toml", "# jobs\n\n[[jobs]]\nname = \"a\"\ncmd = [\"x\"]\n[[jobs]]\nname=\"b\"\ncmd=[\"x\"]")
	if errs != nil || defs[0].Line != 3 || defs[1].Line != 6 {
		t.Error(errs, defs)
	}
	if d := only(t, "one.toml", "# a job\n\ncmd = [\"x\"]\n"); d.Line != 3 || d.Name != "one" || d.File != "one.toml" {
		t.Error(d)
	}
	if d := only(t, "one.json", "{\"jobs\": [\n{\"name\": \"z\", \"cmd\": [\"x\"]}]}"); d.Line != 2 {
		t.Error(d.Line)
	}
}

// TestMessages checks the errors of the most frequent mistakes.
func TestMessages(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"a.toml", ``, `a.toml:1:1: contains no job: add "cmd" or "shell"`},
		{"a.toml", "# later\n", `a.toml:1:8: contains no job: add "cmd" or "shell"`},
		{"a.toml", `start_at = "noon"`, `a.toml:1:1: cmd: is missing: add a command, as in cmd = ["backup", "--all"], or a script as "shell"`},
		{"a.toml", `cdm = ["x"]`, "a.toml:1:1: cdm: unknown key; did you mean \"cmd\"?\n" +
			`a.toml:1:1: cmd: is missing: add a command, as in cmd = ["backup", "--all"], or a script as "shell"`},
		{"a.toml", "cmd = \"backup --all\"", `a.toml:1:7: cmd: must be an array of strings such as ["backup", "--all"]; use "shell" for a script`},
		{"a.toml", "cmd = []", `a.toml:1:7: cmd: must not be empty`},
		{"a.toml", "cmd = [\"x\"]\nshell = \"y\"", `a.toml:2:1: shell: cmd and shell exclude each other; keep one of them`},
		{"a.toml", "cmd = [\"x\"]\nstart-at = \"4am\"", `a.toml:2:1: start-at: unknown key; did you mean "start_at"?`},
		{"a.toml", "cmd = [\"x\"]\ncwd = \"/\"", `a.toml:2:1: cwd: unknown key; did you mean "dir"?`},
		{"a.toml", "cmd = [\"x\"]\nfrobnicate = 1", `a.toml:2:1: frobnicate: unknown key`},
		{"a.toml", "cmd = [\"x\"]\nat = 2026-12-24 18:00", `a.toml:2:6: at: put text in quotes: at = "2026-12-24 18:00"`},
		{"a.toml", "cmd = [\"x\"]\nstart_at = 04:35:00", `a.toml:2:12: start_at: put text in quotes: start_at = "04:35"`},
		{"a.toml", "cmd = [\"x\"]\nlog = {discrad = true}", `a.toml:2:8: log.discrad: unknown key; did you mean "discard"?`},
		{"a.toml", "cmd = [\"x\"]\nstart_at = \"4am\"\nevery = \"1h\"", `a.toml:3:1: every: start_at and every exclude each other; keep one of them, or make two jobs`},
		{"a.toml", "cmd = [\"x\"]\nkeep_alive = true\nevery = \"1h\"", `a.toml:3:1: every: keep_alive and every exclude each other; keep one of them, or make two jobs`},
		{"a.toml", "cmd = [\"x\"]\nkeep_alive = true\nretries = 1", `a.toml:3:1: retries: cannot be used with keep_alive`},
		{"a.toml", "cmd = [\"x\"]\nkeep_alive = {delay = \"1h\", max_delay = \"1m\"}", `a.toml:2:29: keep_alive.max_delay: must not be less than delay`},
		{"a.toml", "cmd = [\"x\"]\nretry_delay = \"1h\"\nretry_max_delay = \"1m\"", `a.toml:3:1: retry_max_delay: must not be less than retry_delay`},
		{"a.toml", "cmd = [\"x\"]\ndays = \"mon\"", `a.toml:2:1: days: days needs start_at; add start_at, or remove days`},
		{"a.toml", "cmd = [\"x\"]\ncron = [\"\", \"@daily\"]", `a.toml:2:9: cron: `},
		{"a.toml", "cmd = [\"x\"]\ntimezone = \"\"", `a.toml:2:12: timezone: an empty timezone; write a zone such as "Europe/Berlin", or remove the key to use the zone of the machine`},
		{"a.toml", "cmd = [\"x\"]\nmachines = \"laptop\"", `a.toml:2:12: machines: must be an array of strings, not a string`},
		{"a.toml", "cmd = [\"x\"]\nenabled = \"true\"", `a.toml:2:11: enabled: must be true or false (without quotes), not a string`},
		{"a.toml", "cmd = [\"x\"]\nenv.JOBSD_RUN = \"1\"", `a.toml:2:5: env: "JOBSD_RUN" is set by jobsd and cannot be changed`},
		{"a.toml", "cmd = [\"x\"]\nlimits.nofiles = 3", `a.toml:2:8: limits.nofiles: unknown key; did you mean "nofile"?`},
		{"a.toml", "cmd = [\"x\"]\nuser = 4242", `a.toml:2:8: user: there is no user with number 4242: set the group too`},
		{"a.toml", "cmd = [x]", `a.toml:1:8: put text in quotes: "..."`},
		{"a.toml", "cmd = [\"x\"]\ncmd = [\"y\"]", `a.toml:2:1: not valid TOML: Key 'cmd' has already been defined.`},
		{"a.toml", "cmd = [\"x\"\n", `a.toml:1:11: the array does not end: add a ]`},
		{"a.toml", "cmd = [\"x\"\nevery = \"5m\"\n", `a.toml:2:1: the array does not end: add a ]`},
		{"a.toml", "cmd = [\"x\" \"y\"]", `a.toml:1:12: add a comma before this`},
		{"a.toml", "cmd = [\"x\", y]", `a.toml:1:13: put text in quotes: "..."`},
		{"a.toml", "cmd =\n", `a.toml:1:6: a value is missing here`},
		{"a.toml", "cmd = [\"x\"] every = \"5m\"", `a.toml:1:12: there is text after the value: put each key on its own line`},
		{"a.toml", "cmd = [\"x\"]\nstart_at = 4am", `a.toml:2:12: start_at: put text in quotes: start_at = "4am"`},
		{"a.toml", "cmd = [\"x\"]\nstart_at = 4:30 # early", `a.toml:2:12: start_at: put text in quotes: start_at = "4:30"`},
		{"a.toml", "cmd = [\"x\"]\nstart_at = 04:30", `a.toml:2:12: start_at: put text in quotes: start_at = "04:30"`},
		{"a.toml", "cmd = [\"x\"]\ntimeout = 1h", `a.toml:2:11: timeout: put text in quotes: timeout = "1h"`},
		{"a.toml", "cmd = [\"x\"]\nuser = root", `a.toml:2:8: user: put text in quotes: user = "..."`},
		{"a.toml", "cmd = [\"x\"]\nenabled = yes", `a.toml:2:11: enabled: use enabled = true`},
		{"a.toml", "cmd = [\"x\"]\nstart_at = \u201c4am\u201d", `a.toml:2:12: start_at: use straight quotes: "..."`},
		{"a.toml", "cmd: [\"x\"]", `a.toml:1:4: use = between a key and its value, not ":"`},
		{"a.toml", "cmd = [\"x\"]\nevery = 5", `a.toml:2:9: every: must be a duration such as "5m" (in quotes), not a number`},
		{"a.toml", "cmd = [\"x\"]\nstart_at = 4", `a.toml:2:12: start_at: must be a time of day such as "4:35am" or "16:05" (in quotes), not a number`},
		{"a.toml", "cmd = [\"x\"]\nstart_at = \"4am\"\ndays = \"monday to friday\"", `a.toml:3:8: days: "monday to friday" is not a day; use "mon-fri"`},
		{"a.json", "{\"cmd\": [\"x\"]\n \"every\": \"5m\"}", `a.json:1:14: not valid JSON: add a comma here`},
		{"a.json", `{"cmd": ["x", ]}`, `a.json:1:13: not valid JSON: remove this comma: it is after the last item`},
		{"a.json", `{"cmd": ["x" "y"]}`, `a.json:1:13: not valid JSON: add a comma here`},
		{"a.json", `{"cmd": ["x"],, "every": "5m"}`, `a.json:1:15: not valid JSON: remove this comma: it is the second one`},
		{"a.json", `{'cmd': ["x"]}`, `a.json:1:2: not valid JSON: put strings in double quotes: "..."`},
		{"a.json", `{cmd: ["x"]}`, `a.json:1:2: not valid JSON: put keys in double quotes: "..."`},
		{"a.json", `{"cmd" = ["x"]}`, `a.json:1:8: not valid JSON: use : between a key and its value`},
		{"a.json", `{"cmd": ["x"], "enabled": True}`, `a.json:1:27: not valid JSON: write true or false`},
		{"a.json", `{"cmd": ["x"], "every": 5m}`, `a.json:1:26: not valid JSON: put text in double quotes`},
		{"a.json", `{"cmd": ["x"], "every": }`, `a.json:1:25: not valid JSON: a value is missing here`},
		{"a.json", "{\"cmd\": [\"x\"], // every\n}", `a.json:1:16: not valid JSON: JSON has no comments: remove this, or use TOML`},
		{"a.json", "{\"shell\": \"a\nb\"}", `a.json:1:13: not valid JSON: the string does not end on its line: add a "`},
		{"a.json", `{"shell": "\d"}`, `a.json:1:13: not valid JSON: write a backslash in a string as \\`},
		{"a.toml", "cmd = [\"\xff\"]", `a.toml:1:9: is not UTF-8`},
		{"a.toml", "[[jobs]]\ncmd = [\"x\"]", `a.toml:1:1: name: is missing: each job of a list needs one`},
		{"a.toml", "enabled = false\n[[jobs]]\ncmd = [\"x\"]\nname = \"b\"", `a.toml:1:1: enabled: cannot be next to "jobs": a file is one job or a list of jobs; move the key into a job`},
		{"a.toml", "[[job]]\ncmd = [\"x\"]\nname = \"b\"", `a.toml:1:3: job: unknown key; did you mean "jobs"?`},
		{"a.toml", "[[jobs]]\nname=\"b\"\ncmd=[\"x\"]\n[[jobs]]\nname=\"B\"\ncmd=[\"x\"]", `a.toml:5:1: name: "B" is defined twice in this file, first on line 1`},
		{"my job.toml", "cmd = [\"x\"]", `my job.toml:1:1: name: "my job", the name of the file, may contain only letters, digits and . _ @ -: add the key "name"`},
		{"jobsd.json", `{"cmd": ["x"]}`, `jobsd.json:1:1: name: "jobsd", the name of the file, is reserved for the daemon: add the key "name"`},
		{"a.json", `{"cmd": ["x"], "Enabled": false}`, `a.json:1:16: Enabled: unknown key; did you mean "enabled"?`},
		{"a.json", "{\"cmd\": [\"x\"],\n \"cmd\": [\"y\"]}", `a.json:2:2: the key "cmd" is defined twice`},
		{"a.json", `{"cmd": ["x"]} {}`, `a.json:1:16: not valid JSON: there is text after the end; write several jobs as {"jobs": [...]}`},
		{"a.json", `{"cmd": ["x"],}`, `a.json:1:14: not valid JSON: remove this comma: it is after the last item`},
		{"a.json", "{\"cmd\": [\"x\"]\n", `a.json:1:14: not valid JSON: the file ends before all its brackets and quotes are closed`},
		{"a.json", `{"cmd": ["x"], "dir": null}`, `a.json:1:23: dir: must be a path (a string), not null: remove the key to get its default`},
		{"a.json", `[{"cmd": ["x"]}]`, `a.json:1:1: must be an object: one job, or {"jobs": [...]}`},
		{"a.json", `{"jobs": {"cmd": ["x"]}}`, `a.json:1:10: jobs: must be an array of jobs ("[[jobs]]" in TOML), not a table`},
		{"a.json", `{"jobs": [3]}`, `a.json:1:11: jobs: must be a job (a table of keys), not a number`},
		{"a.json", `{"cmd": ["x"], "retries": 1e3}`, `a.json:1:27: retries: must be a whole number, not a number with a fraction`},
	} {
		_, errs := parseAs(t, someHost(t, 0), c.file, c.text)
		if got := lines(errs); !strings.HasPrefix(got, c.want) || !strings.HasSuffix(c.want, ": ") && got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.text, got, c.want)
		}
	}
}

// TestSeed is an example that must work unchanged.
func TestSeed(t *testing.T) {
	d := only(t, "seed.json", `{"jobs": [{"name": "backup", "cmd": ["backup", "b2", "save"], "start_at": "4:35am",
           "machines": ["laptop"], "extra_path": ["/opt/homebrew/bin"]}]}`)
	if d.Name != "backup" || d.Schedule.String() != `cron "35 4 * * *"` || !d.ActiveOn("Laptop.example.org") || d.ActiveOn("desk") {
		t.Errorf("%+v", d)
	}
}

func TestAllErrorsAtOnce(t *testing.T) {
	_, errs := parseAs(t, someHost(t, 0), "t.toml", "name = \".x\"\nstart_at = [\"4\", \"noon\", \"25:00\"]\nuser = \"no\"\nnice = \"high\"\nenabled = 1\n")
	if len(errs) != 7 { // cmd is missing too
		t.Errorf("%d errors:\n%s", len(errs), lines(errs))
	}
}

func TestManyMistakes(t *testing.T) {
	var text strings.Builder
	for i := range 900 {
		fmt.Fprintf(&text, "key%d = 1\n", i)
	}
	_, errs := parseAs(t, someHost(t, 0), "t.toml", text.String())
	if len(errs) != 101 || errs[99].Error() != "t.toml:100:1: key99: unknown key" || errs[100].Error() != "t.toml: and 801 more mistakes" {
		t.Error(len(errs), errs[len(errs)-2:])
	}
}

func TestTooMuch(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"t.toml", "cmd = " + strings.Repeat("[", 500_000), "nested too deep"},
		{"t.toml", strings.Repeat("a.", 500_000) + "b = 1", "nested too deep"},
		{"t.toml", "a = " + strings.Repeat("{a = ", 200_000), "nested too deep"},
		{"t.toml", "[" + strings.Repeat("a.", 500_000) + "b]", "nested too deep"},
		{"t.toml", "a = [" + strings.Repeat("1,", 500_000) + "]", "too many values in one file: split the file"},
		{"t.toml", manyKeys("a%d = 1\n"), "too many keys in one table"},
		{"t.toml", manyKeys("[a%d]\n"), "too many keys in one table"},
		{"t.json", "{" + manyKeys(`"a%d":1,`) + `"b":2}`, "too many keys in one table"},
		{"t.json", strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000), "nested too deep"},
		{"t.json", strings.Repeat(`[`, 500_000), "exceeded max depth"},
		{"t.json", `{"a": [` + strings.Repeat("1,", 500_000) + "1]}", "too many values in one file: split the file"},
	} {
		_, errs := parseAs(t, someHost(t, 0), c.file, c.text)
		if !strings.Contains(lines(errs), c.want) {
			t.Errorf("%.30s: %s", c.text, lines(errs))
		}
	}
}

func manyKeys(format string) string {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// TestCut has files that were cut off while they were written. No cut may cause a panic, and all mistakes must have a
// position in the text.
func TestCut(t *testing.T) {
	h := someHost(t, 0)
	for file, text := range map[string]string{
		"t.toml": "[[jobs]]\nname = \"a\"\ncmd = [\"x\", '''y\n''']\nenv = { A = \"ü\", \"B\" = 'c' }\nstart_at = \"4am\"\nlog.discard = true\n[[jobs]]\nname = \"b\"\nshell = \"\"\"\nx\"\"\"\n",
		"t.json": "{\"jobs\": [{\"name\": \"a\", \"cmd\": [\"x\", \"ü\"], \"env\": {\"A\": \"b\"}},\n{\"name\": \"b\", \"shell\": \"x\", \"enabled\": false}]}",
	} {
		for i := range len(text) {
			defs, errs := parseAs(t, h, file, text[:i])
			if (defs == nil) == (errs == nil) {
				t.Errorf("%s cut at %d: %v %v", file, i, defs, errs)
			}
			inside(t, text[:i], errs)
			if file == "t.json" && defs != nil {
				t.Errorf("cut at %d: %v", i, defs)
			}
		}
	}
}

// inside checks that each error has a position in the text.
func inside(t *testing.T, text string, errs []error) {
	t.Helper()
	all := strings.Split(strings.TrimPrefix(text, byteOrderMark), "\n")
	for _, err := range errs {
		e, ok := err.(*Error)
		if !ok || e.Line < 1 || e.Line > len(all) || e.Column < 1 || e.Column > len(all[e.Line-1])+1 || strings.ContainsAny(e.Error(), "\n\r") {
			t.Errorf("%q: no place inside: %q", text, err)
		}
	}
}

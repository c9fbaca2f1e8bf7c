package jobfile

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"jobsd/internal/schedule"
)

var schemaSeed = flag.Uint64("schema.seed", 1, "of the random job files that the schema is held against")

// compileSchema returns the schema as its readers compile it.
func compileSchema(tb testing.TB, schema map[string]any) *jsonschema.Schema {
	tb.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		tb.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		tb.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// asJSON reads a TOML or JSON document into the JSON values that an editor checks against a schema.
func asJSON(tb testing.TB, file, text string) any {
	tb.Helper()
	text = strings.TrimPrefix(text, byteOrderMark)
	if filepath.Ext(file) == ".toml" {
		var values map[string]any
		if _, err := toml.Decode(text, &values); err != nil {
			tb.Fatalf("%s: %v\n%s", file, err, text)
		}
		b, err := json.Marshal(values)
		if err != nil {
			tb.Fatalf("%s: %v", file, err)
		}
		text = string(b)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		tb.Fatalf("%s: %v\n%s", file, err, text)
	}
	return v
}

// TestSchemaExamples checks each example against the schema.
func TestSchemaExamples(t *testing.T) {
	s := compileSchema(t, JobSchema())
	var files []string
	for _, pattern := range []string{"../../examples/jobs.d/*", "../../examples/demo/jobs.d/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v, %v", pattern, found, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if err := s.Validate(asJSON(t, file, readAll(t, file))); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	const config = "../../examples/jobsd.toml"
	if err := compileSchema(t, ConfigSchema()).Validate(asJSON(t, config, readAll(t, config))); err != nil {
		t.Error(err)
	}
}

func readAll(tb testing.TB, file string) string {
	tb.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

// beyondSchema are the keys whose mistakes in keyCases no schema can find.
var beyondSchema = map[string]string{
	"at":                    "there is no such day",
	"cmd":                   "a NUL",
	"cron":                  "it never comes",
	"every":                 "too short",
	"expect.success_within": "too short",
	"group":                 "there is no such group",
	"machines":              "half a pattern",
	"notify.on_recovery":    "a program without a name",
	"shell":                 "a blank",
	"timeout":               "too long",
	"timezone":              "there is no such zone",
	"user":                  "there is no such user",
}

// TestSchemaKeys checks the good and the bad value of each key against the schema.
func TestSchemaKeys(t *testing.T) {
	s := compileSchema(t, JobSchema())
	for _, c := range keyCases {
		for _, format := range []string{"toml", "json"} {
			text, _ := c.in(format, c.good, c.json)
			if err := s.Validate(asJSON(t, "t."+format, text)); err != nil {
				t.Errorf("%s\n%v", text, err)
			}
			text, _ = c.in(format, c.bad, c.badJSON)
			if err := s.Validate(asJSON(t, "t."+format, text)); (err == nil) != (beyondSchema[c.key] != "") {
				t.Errorf("%s = %s: %v", c.key, c.bad, err)
			}
		}
	}
	config := compileSchema(t, ConfigSchema())
	for _, c := range configCases {
		if err := config.Validate(asJSON(t, "jobsd.toml", c.key+" = "+c.good)); err != nil {
			t.Errorf("%s = %s: %v", c.key, c.good, err)
		}
	}
}

// schemaValues are tried as values of every key, besides the good value of its keyCase.
var schemaValues = []any{
	true, false, 0, 1, -1, 5, 19, 20, 31, 32, 64, 255, 256, 4096, 70000, 1 << 40, 4294967294, 4294967295, -20, 1.5,
	"leader", "", "0", "4am", "4 pm", "04:35 am", "4:35am", "12am", "13pm", "0am", "0:05", "00:05", "16:05", "24:00", "noon", "midnight",
	"mon", "tuesday", "wed", "thursday", "fri", "saturday", "sun", "mon-fri", "sat-monday", "weekdays", "weekends", "15", "-1",
	"0s", "1s", "90s", "1h30m", "1.5d", "2w", ".5h", "1.h", "1us", "1µs", "1μs", "10ms1ns", "3650d", "3651d", "1h 30m", "5",
	"* * * * *", "35 4 * * mon-fri", "*/10 0-6/2 1,L jan sun#L", "0 0 L * fri#2", "@daily", "@hourly", "@annually", "@reboot",
	"* * * *", "2026-12-24 18:00", "2026-12-24T18:00:00+01:00", "2026-12-24T18:00:00Z", "2026-12-24", "local", "UTC",
	"Europe/Berlin", "10MB", "10 kib", "4KB", "1tib", "7b", "9 ", "64MiB", "unlimited", "skip", "queue", "replace", "allow",
	"kill", "keep", "always", "on-failure", "LC_*", "*", "A*", "JOBSD_*", "A B", "$HOME", "7", "2026-12-24T18:00:00.123+01:00", "NOTASIGNAL", "TERM", "SIGUSR1", "STOP", "SIGTTOU", "KILL", "022", "00777", "1000", "8",
	"root", "alice", "/etc/x", "./x", "~/x", "/a:/b", "web-*", "[a-c]1", "a/b", "a@example.org", "-x@y", "LANG", "JOBSD_X",
	"A=b", "jobsd", "JobsD", "a.b_c@d-1", ".x", "-x", strings.Repeat("n", 64), strings.Repeat("n", 65), "\u0000", "x\ny",
	"\ufeff", "\u3000",
	[]any{}, []any{"x"}, []any{""}, []any{"x", 1}, []any{"mon", 15, "-1"}, []any{"4am", "noon"}, []any{0, 255}, []any{256},
	[]any{"@daily", "5 4 * * *"}, []any{"/a", "b"}, []any{"A", "B"}, []any{true},
	map[string]any{}, map[string]any{"A": "1", "b c": ""}, map[string]any{"A": 1}, map[string]any{"JOBSD_X": "1"},
	map[string]any{"keep": 2}, map[string]any{"mail": []any{}}, map[string]any{"restart": "always"},
	map[string]any{"nofile": 64, "as": "1GiB", "core": "unlimited", "cpu": "unlimited"}, map[string]any{"nofile": "1GiB"},
	map[string]any{"sendmail": "x", "to": "root"}, map[string]any{"timezone": "UTC", "env": map[string]any{"A": "1"}},
	map[string]any{"name": "x"}, map[string]any{"max_size": "1MB"}, map[string]any{"url": "https://x.example"},
	map[string]any{"ops": map[string]any{"mail": "root"}, "phone": map[string]any{"url_file": "/x", "preset": "ntfy"}},
	map[string]any{"mail": map[string]any{"mail": "root"}}, map[string]any{"x": map[string]any{"mail": "root", "preset": "json"}}, nil,
}

// valuesFor returns the values that are tried for a key.
func valuesFor(t *testing.T, key string) []any {
	t.Helper()
	i := slices.IndexFunc(keyCases, func(c keyCase) bool { return c.key == key })
	if i < 0 {
		return schemaValues
	}
	var good struct{ V any }
	if _, err := toml.Decode("v = "+keyCases[i].good, &good); err != nil {
		t.Fatalf("the good value of %s in keyCases: %v", key, err)
	}
	return append(slices.Clip(schemaValues), good.V)
}

// variants are other ways to write a value.
func variants(value any) []any {
	s, ok := value.(string)
	if !ok {
		return []any{value}
	}
	all := []any{s}
	for _, more := range []string{
		strings.ToUpper(s), strings.ToLower(s), " " + s, s + " ", strings.ReplaceAll(s, " ", "\u00a0"), strings.ReplaceAll(s, " ", "  "),
		strings.ReplaceAll(s, "i", "\u0130"), strings.ReplaceAll(s, "k", "\u212a"), "0" + s,
	} {
		if !slices.Contains(all, any(more)) {
			all = append(all, more)
		}
	}
	return all
}

func toJSON(tb testing.TB, v any) string {
	tb.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// allKeys returns the names of keys, dotted for keys in a table.
func allKeys(top []string, tables map[string][]string) []string {
	all := slices.Clone(top)
	for prefix, names := range tables {
		for _, name := range names {
			all = append(all, join(prefix, name))
		}
	}
	slices.Sort(all)
	return all
}

// set sets the value of a key, which may be in a table.
func set(object map[string]any, key string, value any) {
	table, name, nested := strings.Cut(key, ".")
	if !nested {
		object[key] = value
		return
	}
	in, _ := object[table].(map[string]any)
	if in = maps.Clone(in); in == nil {
		in = map[string]any{}
	}
	in[name] = value
	object[table] = in
}

// goodValues returns the values of each job key that the checks accept. The schema must accept all of them.
func goodValues(t *testing.T, h *host, s *jsonschema.Schema) map[string][]any {
	good := map[string][]any{}
	refused, seen := 0, 0
	for _, key := range allKeys(jobKeys.names(), jobTables) {
		for _, value := range valuesFor(t, key) {
			for _, v := range variants(value) {
				job := map[string]any{"name": "x", "cmd": []any{"x"}}
				switch key {
				case "shell":
					delete(job, "cmd")
				case "days":
					job["start_at"] = "4am"
				case "from":
					job["every"] = "2w"
				case "expect.success_within":
					job["start_at"] = "4am"
				case "notify.on":
					set(job, "notify.to", "ops")
				}
				set(job, key, v)
				text := toJSON(t, job)
				_, errs := parseAs(t, h, "t.json", text)
				err := s.Validate(asJSON(t, "t.json", text))
				switch {
				case errs == nil && err != nil:
					t.Errorf("valid, but refused by the schema: %s\n%v", text, err)
				case errs == nil:
					good[key] = append(good[key], v)
				default:
					refused++
					if err != nil {
						seen++
					}
				}
			}
		}
		if len(good[key]) == 0 {
			t.Errorf("no value of %s was good: give it a row in keyCases (keys_test.go)", key)
		}
	}
	t.Logf("of %d mistakes the schema sees %d", refused, seen)
	return good
}

var jobTables = map[string][]string{
	"log": logKeys.names(), "notify": notifyKeys.names(), "keep_alive": serviceKeys.names(), "expect": expectKeys.names(),
}

// between matches the errors about keys that cannot be combined. The schema has to find these mistakes.
var between = regexp.MustCompile(`exclude each other|cannot be used with|needs start_at|needs every|each job of a list needs one|cannot be next to "jobs"`)

// TestSchemaAgrees compares the schema with the checks: with many values for each key, and with random jobs of valid
// values.
func TestSchemaAgrees(t *testing.T) {
	h, s := someHost(t, 0), compileSchema(t, JobSchema())
	good := goodValues(t, h, s)
	var keys []string
	for key := range good {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	random := rand.New(rand.NewPCG(*schemaSeed, 0))
	job := func() map[string]any {
		j := map[string]any{"cmd": []any{"x"}}
		for range random.IntN(5) {
			key := keys[random.IntN(len(keys))]
			set(j, key, good[key][random.IntN(len(good[key]))])
		}
		return j
	}
	accepted, apart := 0, 0
	for range 5000 {
		file := job()
		if random.IntN(3) == 0 {
			file = map[string]any{"jobs": []any{job(), job()}}
			if random.IntN(10) == 0 {
				file["enabled"] = true
			}
		}
		if random.IntN(10) == 0 {
			file[schemaKey] = "x"
		}
		text := toJSON(t, file)
		_, errs := parseAs(t, h, "t.json", text)
		err := s.Validate(asJSON(t, "t.json", text))
		switch {
		case errs == nil && err != nil:
			t.Fatalf("-schema.seed %d: valid, but refused by the schema: %s\n%v", *schemaSeed, text, err)
		case errs == nil:
			accepted++
		case between.MatchString(lines(errs)):
			apart++
			if err == nil {
				t.Fatalf("-schema.seed %d: invalid, but accepted by the schema: %s\n%s", *schemaSeed, text, lines(errs))
			}
		}
	}
	if accepted == 0 || apart == 0 {
		t.Errorf("%d accepted, %d with keys that cannot be combined", accepted, apart)
	}
}

// TestSchemaConfigAgrees does the same for jobsd.toml, key by key.
func TestSchemaConfigAgrees(t *testing.T) {
	h, s := someHost(t, 0), compileSchema(t, ConfigSchema())
	tables := map[string][]string{"mail": mailKeys.names(), "journal": journalKeys.names(), "defaults": jobKeys.names()}
	for _, key := range allKeys(configKeys.names(), tables) {
		good := 0
		for _, v := range valuesFor(t, strings.TrimPrefix(key, "defaults.")) {
			if v == nil {
				continue // TOML has no such value
			}
			object := map[string]any{}
			set(object, key, v)
			var text bytes.Buffer
			if err := toml.NewEncoder(&text).Encode(object); err != nil {
				continue // TOML may refuse a list of mixed types
			}
			if _, err := h.parseConfig("/etc/jobsd.toml", text.String(), false); err != nil {
				continue
			}
			good++
			if err := s.Validate(asJSON(t, "jobsd.toml", text.String())); err != nil {
				t.Errorf("valid, but refused by the schema: %s\n%v", text.String(), err)
			}
		}
		name := strings.TrimPrefix(key, "defaults.")
		if k := jobKeys.byName[name]; good == 0 && !(name != key && k.marks&own != 0) {
			t.Errorf("no value of %s was good: add one to schemaValues, or to keyCases (keys_test.go) for a key of jobs", key)
		}
	}
}

// FuzzSchema looks for a job file that the checks accept and the schema refuses.
func FuzzSchema(f *testing.F) {
	for _, c := range keyCases {
		text, _ := c.in("json", c.good, c.json)
		f.Add(text)
	}
	f.Add(`{"$schema": "x", "jobs": [{"name": "a", "cmd": ["x"]}, {"name": "b", "shell": "y", "keep_alive": {}}]}`)
	h, s := someHost(f, 0), compileSchema(f, JobSchema())
	f.Fuzz(func(t *testing.T, text string) {
		if _, errs := parseAs(t, h, "t.json", text); errs != nil {
			return
		}
		if err := s.Validate(asJSON(t, "t.json", text)); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	})
}

// TestSchemaComplete fails if the schema lacks a key, and if a default is refused by the key or is not the default.
func TestSchemaComplete(t *testing.T) {
	h := someHost(t, 0)
	plain := only(t, "t.json", `{"cmd": ["x"]}`)
	var walk func(path string, s schema)
	walk = func(path string, s schema) {
		if s["type"] == nil && s["enum"] == nil && s["anyOf"] == nil {
			t.Errorf("%s: the schema has no type", path)
		}
		if items, ok := s["items"].(schema); ok {
			walk(path+"[]", items)
		}
		properties, _ := s["properties"].(schema)
		for name, p := range properties {
			walk(join(path, name), p.(schema))
			text, _ := p.(schema)["description"].(string)
			if !strings.HasSuffix(path, "limits") && (len(text) < 10 || len(text) > 120 || !strings.HasSuffix(text, ".")) {
				t.Errorf("%s: described as %q", join(path, name), text)
			}
		}
	}
	walk("", jobKeys.schema())
	walk("", configKeys.schema())
	for _, k := range jobKeys.rows {
		byDefault := k.schema()["default"]
		if byDefault == nil {
			continue
		}
		text := toJSON(t, map[string]any{"cmd": []any{"x"}, k.name: byDefault})
		defs, errs := parseAs(t, h, "t.json", text)
		if errs != nil || defs[0].Hash != plain.Hash {
			t.Errorf("%s is not the default: %s", text, lines(errs))
		}
	}
}

// defaultsInWords are the keys whose defaults are not values, so the manual describes them in words.
var defaultsInWords = []string{"name", "days", "machines", "user", "dir", "nice", "mail", "on"}

// TestSchemaDefaults compares the defaults in the schema with those in the manual.
func TestSchemaDefaults(t *testing.T) {
	page, _, _ := strings.Cut(readAll(t, "../../man/jobs.d.5"), "\n.Sh THE FILE")
	item := regexp.MustCompile(`(?m)^\.It Cm (\w+) No = .*\n(?:\.It Cm .*\n)*Default: ?((?:.*\n)*?.*\.\n)`)
	manual := map[string]string{}
	for _, m := range item.FindAllStringSubmatch(page, -1) {
		text := strings.NewReplacer(".Ql ", " ", `\(dq`, "", " .", " ", ",", " ", ".\n", " ").Replace(m[2])
		manual[m[1]] = text
	}
	for _, table := range []schema{jobKeys.schema(), logKeys.schema(), notifyKeys.schema(), serviceKeys.schema(), expectKeys.schema()} {
		for name, p := range table["properties"].(schema) {
			byDefault := p.(schema)["default"]
			words := strings.Fields(manual[name])
			same := slices.ContainsFunc(words, func(w string) bool { return sameDefault(byDefault, w) })
			if !slices.Contains(defaultsInWords, name) && same != (byDefault != nil || len(words) > 0) {
				t.Errorf("%s: the default is %v, but \"Default:\" in man/jobs.d.5 has the words %q", name, byDefault, words)
			}
		}
	}
}

// sameDefault compares a default with a word of the manual, which may write a duration differently.
func sameDefault(byDefault any, word string) bool {
	if d, err := schedule.ParseDuration(word); err == nil && byDefault == any(schedule.FormatDuration(d)) {
		return true
	}
	b, err := json.Marshal(byDefault)
	return err == nil && strings.Trim(string(b), `"`) == word
}

package jobfile

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestTry(t *testing.T) {
	b := newBox(t)
	b.config("[defaults]\ndescription = \"shared\"\n")
	b.put("a.toml", "cmd = [\"true\"]\n")
	b.put("b.toml", "cmd = [\"true\"]\nafter = [\"a\"]\n")
	b.put("broken.toml", "cdm = [\"true\"]\n")
	b.loader.Load()
	good := "cmd = [\"true\"]\n"
	for _, test := range []struct {
		name  string
		texts map[string]string
		jobs  string
		errs  []string // the beginnings of the errors
	}{
		{"new", map[string]string{"c.toml": good}, "c", nil},
		{"two that need each other", map[string]string{"c.toml": good, "d.json": `{"cmd": ["true"], "after": ["c", "a"]}`}, "c d", nil},
		{"replaced", map[string]string{"a.toml": good + "nice = 5\n"}, "a", nil},
		{"fixed", map[string]string{"broken.toml": good}, "broken", nil},
		{"as broken as before", map[string]string{"broken.toml": "cdm = [\"true\"]\n"}, "", []string{
			`broken.toml:1:1: cdm: unknown key; did you mean "cmd"?`, `broken.toml:1:1: cmd: is missing`}},
		{"a name that another has", map[string]string{"A.json": `{"cmd": ["true"]}`}, "A", []string{
			`A.json:1:1: name: "A" is also the name of a job in a.toml`}},
		{"a job removed", map[string]string{"a.toml": "name = \"x\"\n" + good}, "x", []string{
			`b.toml:2:10: after: there is no job "a"`}},
		{"a circle", map[string]string{"a.toml": good + "after = [\"b\"]\n"}, "a", []string{
			"a.toml:2:10: after: a waits for itself: a after b after a"}},
		{"not a job file", map[string]string{".c.toml": good, "c.txt": good, "c\n.toml": good, "c.toml": strings.Repeat("#", MaxFile+1)}, "", []string{
			".c.toml: would be ignored", `"c\n.toml": the name has`, "c.toml: is larger than 1 MiB", "c.txt: would be ignored"}},
	} {
		defs, errs := b.loader.Try(test.texts)
		var jobs []string
		for _, d := range defs {
			jobs = append(jobs, d.Name)
			if d.Description != "shared" {
				t.Errorf("%s: %s has no defaults", test.name, d.Name)
			}
		}
		if got := strings.Join(jobs, " "); got != test.jobs {
			t.Errorf("%s: jobs %q, want %q", test.name, got, test.jobs)
		}
		starts := func(err error, want string) bool { return strings.HasPrefix(err.Error(), want) }
		if !slices.EqualFunc(errs, test.errs, starts) {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, lines(errs), strings.Join(test.errs, "\n"))
		}
	}
	if files, err := b.loader.Files(); err != nil || len(files) != 3 || files["broken.toml"] != nil || files["b.toml"][0].Name != "b" {
		t.Errorf("after all this the files are %v, %v", files, err)
	}
	b.put("a.toml", good+"nice = 1\n")
	b.load("a=shared b=shared", "broken.toml:1:1: cdm", "broken.toml:1:1: cmd")
}

func TestTryDirectory(t *testing.T) {
	b := newBox(t)
	chmod(t, b.dir, 0o777)
	b.loader.Load()
	if _, errs := b.loader.Try(map[string]string{"a.toml": job("")}); len(errs) != 1 || !strings.Contains(errs[0].Error(), "can be written by") {
		t.Errorf("in a directory that is open to others: %v", errs)
	}
	if _, err := b.loader.Files(); err == nil {
		t.Error("the files of a directory that is open to others are returned")
	}
	if err := os.Remove(b.dir); err != nil {
		t.Fatal(err)
	}
	b.loader.Load()
	if defs, errs := b.loader.Try(map[string]string{"a.toml": job("")}); errs != nil || len(defs) != 1 {
		t.Errorf("without a directory, %s: %v", filepath.Base(b.dir), errs)
	}
}

func TestKeyTypes(t *testing.T) {
	types := map[string]string{}
	for _, k := range Keys() {
		types[k.Name] = k.Type
	}
	for name, want := range map[string]string{"start_at": "string or array", "days": "day or array", "at_boot": "bool",
		"log": "table", "log.keep": "number", "env": "table of strings", "keep_alive": "bool or table", "keep_alive.delay": "duration"} {
		if types[name] != want {
			t.Errorf("%s is of type %q, want %q", name, types[name], want)
		}
	}
}

// TestKeyForms: the options of "jobsd add" depend on the forms of keys.
func TestKeyForms(t *testing.T) {
	forms := map[string]Form{}
	for _, k := range Keys() {
		forms[k.Name] = k.Form
	}
	for name, want := range map[string]Form{"shell": {}, "start_at": {Many: OneOrMore}, "days": {Item: Day, Many: OneOrMore, Words: DayWords},
		"cron": {Many: OneOrMore, Commas: true}, "at_boot": {Item: Truth}, "catch_up": {Item: TruthOrText}, "keep_alive": {Item: Truth},
		"overlap": {Words: []string{"skip", "queue", "replace", "allow"}}, "success_codes": {Item: Number, Many: List}, "dir": {Item: Path},
		"extra_path": {Item: Path, Many: List}, "env": {Many: Table}, "limits": {Item: Number, Many: Table}, "log": {Item: Section},
		"log.keep": {Item: Number}, "notify.mail": {Many: OneOrMore}, "notify.on_failure": {Many: List, Commas: true}} {
		if got := forms[name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

package test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/statefile"
)

const documentedJobs = `
[[jobs]]
name = "prints"
cmd = ["echo", "hello"]
start_at = "4am"
jitter = "1h"
overlap = "queue"

[[jobs]]
name = "off"
cmd = ["true"]
enabled = false

[[jobs]]
name = "past"
cmd = ["true"]
at = "2020-02-20 20:00"

[[jobs]]
name = "stays"
cmd = ["sleep", "1000"]
keep_alive = true

[[jobs]]
name = "halts"
cmd = ["shutdown", "--help"]
start_at = "4am"
`

// documented has command lines for each verb with --json. Together they print every field of the manual. ROOT stands
// for the root of the server.
var documented = map[string][]string{
	"add":     {"add fresh --every 1h -- true"},
	"check":   {"check", "check --diff"},
	"disable": {"disable past"},
	"edit":    {"edit fresh"},
	"enable":  {"enable past"},
	"history": {"history past", "history prints"},
	"import":  {"import crontab ROOT/crontab"},
	"list":    {"list"},
	"logs":    {"logs prints"},
	"next":    {"next", "next --explain"},
	"notify":  {"notify test hook"},
	"reload":  {"reload"},
	"remove":  {"remove fresh", "remove --done"},
	"restart": {"restart prints"},
	"show":    {"show prints"},
	"signal":  {"signal stays WINCH"},
	"start":   {"start --wait prints", "start prints"}, // in this order, as only one run can be queued
	"status":  {"status"},
	"stop":    {"stop stays"},
	"upgrade": {"upgrade --wait", "upgrade"},
	"version": {"version"},
}

// TestJSONDocumented runs each verb that has --json, and compares the output and the help with the manual.
func TestJSONDocumented(t *testing.T) {
	t.Parallel()
	var s *server
	upgrades := 0
	if runtime.GOOS == "linux" {
		s, _ = newInstalledServer(t)
		upgrades = len(documented["upgrade"])
	} else {
		s = newServer(t)
	}
	s.writeJobs("jobs.toml", documentedJobs)
	writeFile(t, filepath.Join(s.root, "jobsd.toml"), "[notify.hook]\ncmd = [\"echo\", \"hello\"]\n")
	s.startReady()
	s.jobsd("start", "--wait", "prints")
	s.waitState("the service", func(state *statefile.State) bool { return len(pidsOf(state)) == 1 })
	s.writeJobs("wrong.toml", "cmdd = 1\n")
	writeFile(t, filepath.Join(s.root, "crontab"), "0 5 * * * echo hello\nneither a setting nor an entry\n")

	verbs := s.jsonVerbs()
	for verb := range documented {
		if !slices.Contains(verbs, verb) {
			t.Errorf("the table of this test has %s, which has no --json", verb)
		}
	}
	sections := manualOfVerbs(t)
	for _, verb := range verbs {
		section, ok := sections[verb]
		if !ok || documented[verb] == nil {
			t.Errorf("%s has --json: jobsd(8), OUTPUT IN JSON, has .Ss %[1]s: %t; the table documented in this file has a line for it: %t", verb, ok,
				documented[verb] != nil)
			continue
		}
		if verb == "upgrade" && upgrades == 0 {
			continue // upgrades need Linux
		}
		c := &jsonChecker{t: t, verb: verb, section: section, seen: map[string]bool{}, also: map[string]string{}}
		if section.reload {
			c.also = sections["reload"].fields
		}
		for _, line := range documented[verb] {
			v := s.json(strings.Fields(strings.ReplaceAll(line, "ROOT", s.root)))
			if verb == "list" {
				v = slices.Collect(maps.Values(v.(map[string]any))) // by names of jobs
			}
			c.value(v)
		}
		for name := range section.fields {
			if !c.seen[name] {
				t.Errorf("%s: %s is in the manual, but was not printed", verb, name)
			}
		}
		c.help(s.jobsd("help", verb))
	}
	s.waitState("the upgrade to end", func(state *statefile.State) bool {
		return state.Daemon.Upgrades == uint64(upgrades) && state.Daemon.Reload.Done > 0
	})
	s.terminate()
}

// jsonVerbs returns the verbs with --json, as completion lists them.
func (s *server) jsonVerbs() (verbs []string) {
	s.t.Helper()
	complete := func(args ...string) []string {
		out, err := exec.Command(s.program(), append([]string{"__complete"}, args...)...).Output()
		if err != nil {
			s.t.Fatal(err)
		}
		return strings.Split(string(out), "\n")
	}
	for _, line := range complete("") {
		verb, _, ok := strings.Cut(line, "\t")
		if ok && slices.Contains(complete(verb, "--jso"), "--json\tprint JSON") {
			verbs = append(verbs, verb)
		}
	}
	return verbs
}

// json returns the output of a command line with --json. Its exit code does not matter here.
func (s *server) json(args []string) (v any) {
	s.t.Helper()
	args = slices.Insert(args, 1, "--json")
	cmd := s.command(args...)
	cmd.Env = append(os.Environ(), "VISUAL=", `EDITOR=echo edits; sh -c 'echo "# edited" >>"$0"'`)
	out, err := cmd.Output()
	if broken := json.Unmarshal(out, &v); broken != nil {
		s.t.Fatalf("jobsd %v: %v, %v: %s", args, err, broken, out)
	}
	return v
}

// verbSection is what the manual says about the output of a verb.
type verbSection struct {
	fields map[string]string // names and types
	state  map[string]bool   // the fields from the state file
	reload bool              // the output includes that of reload
}

// manualOfVerbs reads the section of jobsd(8) on output in JSON.
func manualOfVerbs(t *testing.T) map[string]*verbSection {
	t.Helper()
	page := readPage(t, "man/jobsd.8")
	_, page, _ = strings.Cut(page, "\n.Sh OUTPUT IN JSON\n")
	page, _, _ = strings.Cut(page, "\n.Sh ")
	item := regexp.MustCompile(`(?m)^\.It Va (\w+) Pq (.+)$`)
	state := map[string]bool{}
	for _, m := range item.FindAllStringSubmatch(readPage(t, "man/jobsd-state.5"), -1) {
		state[m[1]] = true
	}
	all := map[string]*verbSection{}
	for _, text := range strings.Split(page, "\n.Ss ")[1:] {
		title, text, _ := strings.Cut(text, "\n")
		section := &verbSection{fields: map[string]string{}, reload: strings.Contains(text, "\n.Cm reload")}
		if strings.Contains(text, "\n.Xr jobsd-state 5") {
			section.state = state
		}
		for _, m := range item.FindAllStringSubmatch(text, -1) {
			section.fields[m[1]] = m[2]
		}
		for _, verb := range strings.Split(title, " , ") {
			all[verb] = section
		}
	}
	return all
}

func readPage(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// jsonChecker compares the output of a verb with the manual.
type jsonChecker struct {
	t       *testing.T
	verb    string
	section *verbSection
	also    map[string]string
	seen    map[string]bool
}

func (c *jsonChecker) value(v any) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			c.value(item)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			c.field(name, v[name])
		}
	}
}

func (c *jsonChecker) field(name string, v any) {
	doc, ok := c.section.fields[name]
	switch {
	case ok && isOf(doc, v):
		c.seen[name] = true
	case c.section.state[name], isOf(c.also[name], v):
	case ok:
		c.t.Errorf("%s: %s: got %v, want the type %q of the manual", c.verb, name, v, doc)
	default:
		c.t.Errorf("%s: %s is not in the manual", c.verb, name)
	}
	c.value(v)
}

// isOf reports whether a value has the type that the manual says.
func isOf(doc string, v any) bool {
	word, more, _ := strings.Cut(doc, " ")
	switch v := v.(type) {
	case nil:
		return more == "or null"
	case bool:
		return word == "boolean"
	case float64:
		return word == "number" || word == "seconds"
	case string:
		_, err := time.Parse(time.RFC3339, v)
		return word == "string" && err != nil || word == "time" && err == nil
	case []any:
		return word == "list"
	}
	return word == "object"
}

// help checks that the help of --json names each field, or the page that describes it.
func (c *jsonChecker) help(text string) {
	_, text, ok := strings.Cut(text, "\n  --json")
	if !ok {
		c.t.Errorf("the help of %s lacks --json", c.verb)
	}
	for name := range c.section.fields {
		if !strings.Contains(text, `"`+name+`"`) && !strings.Contains(text, "jobsd(8)") {
			c.t.Errorf("the help of %s names neither %q nor jobsd(8)", c.verb, name)
		}
	}
	if c.section.state != nil && !strings.Contains(text, "jobsd-state(5)") {
		c.t.Errorf("the help of %s does not point to jobsd-state(5)", c.verb)
	}
}

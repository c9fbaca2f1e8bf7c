package jobfile

import (
	"reflect"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

var tomlSeeds = []string{
	"", "cmd = [\"x\"]", "\ufeffcmd = [\"x\"]\r\nstart_at = \"4am\"\r\n",
	"[[jobs]]\nname = \"a\"\ncmd = [\"x\", '''y\n''', \"\"\"z\\\"\"\"\"\"]\n[jobs.env]\n\"A b\" = 'c'\n[jobs.log]\ndiscard = true\n[[jobs]]\nshell = 'x'\nname = 'b'",
	"env = { A = \"1\", B.c = [1, {d = 2}], # x\n}\n", "a.b.c = 1\na.'b'.\"d\\u0065\" = 2\n[a.e]\nf = 1979-05-27 07:32:00\n[[a.g]]\n[[a.g]]\nh = inf\n",
	"cmd = [\n# ]\n\"]\", ]\ndays = [1, \"mon\"]\nstart_at = 04:35\n", "x = \"\\", "[[[a]]]", "a = {b", "= 1", "a = [[], [1,[2,]]]", "cmd=['x']\ncron=['0 4 * * *','@x']",
}

func FuzzTOML(f *testing.F) {
	for _, s := range tomlSeeds {
		f.Add(s)
	}
	h := someHost(f, 0)
	f.Fuzz(func(t *testing.T, text string) {
		src := newSource("t.toml", "/etc", text)
		if root, err := tree(src, "t.toml"); err == nil {
			var want map[string]any
			if _, err := toml.Decode(src.text, &want); err != nil {
				t.Fatal(err)
			}
			compare(t, root, want)
		}
		defs, errs := parseAs(t, h, "t.toml", text)
		if defs != nil && errs != nil {
			t.Errorf("%q: %v %v", text, defs, errs)
		}
		inside(t, text, errs)
	})
}

// compare checks that the scanner found each value that the library reads, each at its own position.
func compare(t *testing.T, n *node, want any) {
	switch v := want.(type) {
	case map[string]any:
		if n.kind != table || len(n.kids) != len(v) {
			t.Fatalf("%q: %d entries at %d, want %d", n.src.text, len(n.kids), n.at, len(v))
		}
		seen := map[int]bool{}
		for key, value := range v {
			kid := n.get(key)
			if kid == nil || seen[kid.keyAt] || kid.keyAt >= len(n.src.text) {
				t.Fatalf("%q: key %q: %+v", n.src.text, key, kid)
			}
			seen[kid.keyAt] = true
			if first := n.src.text[kid.keyAt:]; first[0] != '"' && !strings.HasPrefix(first, key) && first[0] != '\'' {
				t.Fatalf("%q: key %q is not at %d", n.src.text, key, kid.keyAt)
			}
			compare(t, kid, value)
		}
	case []map[string]any, []any:
		list := reflect.ValueOf(v)
		if len(n.kids) != list.Len() {
			t.Fatalf("%q: %d items at %d, want %d", n.src.text, len(n.kids), n.at, list.Len())
		}
		for i, kid := range n.kids {
			compare(t, kid, list.Index(i).Interface())
		}
	case string:
		if n.kind != text || n.text != v || !strings.ContainsRune("\"'", rune(n.src.text[n.at])) {
			t.Fatalf("%q: %q at %d, want %q", n.src.text, n.text, n.at, v)
		}
	case int64:
		if n.kind != integer || n.num != v {
			t.Fatalf("%q: %d at %d, want %d", n.src.text, n.num, n.at, v)
		}
	}
}

func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		"", "{}", `{"cmd": ["x"]}`, `{"jobs": [{"name": "a", "cmd": ["x"], "env": {"A": "\u0000"}}, {"name": "b"}]}`, "[]", "null", `{"a":1,"a":2}`,
		"\ufeff{\"cmd\"\r\n:[\"\\ud800\",\t\"ü\"]}", `{"cmd":["x"],"retries":1e99,"nice":-0,"days":[1.0]}`, `{"a":{"b":[[[{}]]]}} `, `{"":""}`,
	} {
		f.Add(s)
	}
	h := someHost(f, 0)
	f.Fuzz(func(t *testing.T, text string) {
		defs, errs := parseAs(t, h, "t.json", text)
		if defs != nil && errs != nil {
			t.Errorf("%q: %v %v", text, defs, errs)
		}
		inside(t, text, errs)
	})
}

func FuzzConfig(f *testing.F) {
	for _, s := range append(tomlSeeds, "[defaults]\nenv = {A = \"b\"}\nretries = 1", "machine = \"x\"\n[journal]\nkeep = 1", "[mail]\nto = 3") {
		f.Add(s)
	}
	h := someHost(f, 0)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := h.parseConfig("/etc/jobsd.toml", text, false)
		switch e := err.(type) {
		case nil:
			if c.text != text {
				t.Error(c)
			}
		case Errors:
			inside(t, text, e)
		default:
			inside(t, text, []error{e})
		}
	})
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"", "10MB", "1 GiB", "-1", "99999999999999999999", "8388608TiB", "1\u00a0kB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, why := parseSize(s); n < 0 || why != "" && n != 0 {
			t.Errorf("%q: %d %s", s, n, why)
		}
	})
}

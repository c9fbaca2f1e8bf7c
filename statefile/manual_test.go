package statefile

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"jobsd/internal/joblog"
)

// sections lists the sections of the manual page by the type whose fields they describe. Sections of records have the
// name of their kind.
var sections = map[reflect.Type]string{
	reflect.TypeFor[State]():      "The document",
	reflect.TypeFor[Daemon]():     "The daemon",
	reflect.TypeFor[Reload]():     "The last reload",
	reflect.TypeFor[DisabledBy](): "Disabled by",
	reflect.TypeFor[Job]():        "A job",
	reflect.TypeFor[Run]():        "A run",
	reflect.TypeFor[StartError](): "Start error",
	reflect.TypeFor[Running]():    "A run that has not ended",
	reflect.TypeFor[Death]():      "A death",
	reflect.TypeFor[JobFacts]():   "A job in a checkpoint",
	reflect.TypeFor[Anchor]():     "The anchor",
	reflect.TypeFor[Retry]():      "A waiting retry", reflect.TypeFor[Notification](): "A notification",
	reflect.TypeFor[Live]():         "A live run",
	reflect.TypeFor[joblog.Place](): "Place of output", reflect.TypeFor[joblog.Position](): "Position",
	reflect.TypeFor[DelayedStart](): "A delayed start",
	reflect.TypeFor[Delayed]():      "delayed",
}

// manual returns the documented type of each field, by section and name.
func manual(t *testing.T) map[string]map[string]string {
	t.Helper()
	page, err := os.ReadFile("../man/jobsd-state.5")
	if err != nil {
		t.Fatal(err)
	}
	section, all := "", map[string]map[string]string{}
	item := regexp.MustCompile(`^\.It Va (\w+) Pq (.+)$`)
	for line := range strings.Lines(string(page)) {
		line = strings.TrimSuffix(line, "\n")
		if title, ok := strings.CutPrefix(line, ".Ss "); ok {
			section, all[title] = title, map[string]string{}
		} else if m := item.FindStringSubmatch(line); m != nil {
			if _, twice := all[section][m[1]]; twice {
				t.Errorf("%s: %s is documented twice", section, m[1])
			}
			all[section][m[1]] = m[2]
		}
	}
	return all
}

// fill sets everything that v refers to: every pointer, and one element of each list and map.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(1_500_000)
	case reflect.Uint64:
		v.SetUint(7)
	case reflect.String:
		v.SetString("text")
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.Map:
		x := reflect.New(v.Type().Elem()).Elem()
		fill(x)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("name"), x)
	case reflect.Struct:
		if v.Type() == timeType {
			v.Set(reflect.ValueOf(At(time.Date(2026, 11, 23, 4, 35, 0, 120e6, time.FixedZone("", -5*3600)))))
			return
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("json") != "-" {
				fill(v.Field(i))
			}
		}
	default:
		panic("cannot fill a " + v.Type().String())
	}
}

// words are the manual's words for Go types.
func typeWord(t reflect.Type) string {
	switch {
	case t == timeType:
		return "time"
	case t == secondsType:
		return "seconds"
	case t == hashType:
		return "string"
	case t.Kind() == reflect.Pointer:
		return typeWord(t.Elem())
	}
	switch t.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Slice:
		return "list"
	case reflect.Map, reflect.Struct:
		return "object"
	}
	return "number"
}

// checker compares JSON with the manual.
type checker struct {
	*testing.T
	manual map[string]map[string]string
	seen   map[string]bool // sections
}

// object checks a JSON object against the type of its value: its fields and everything in it, once with all fields
// set and once with none.
func (c checker) object(section string, typ reflect.Type, full, bare map[string]any) {
	c.Helper()
	c.seen[section] = true
	known := c.manual[section]
	if known == nil {
		c.Errorf("the manual has no section %q", section)
		return
	}
	for _, name := range slices.Sorted(maps.Keys(full)) {
		if known[name] == "" {
			c.Errorf("%s: %s is not documented", section, name)
		}
	}
	for name := range known {
		if _, ok := full[name]; !ok {
			c.Errorf("%s: %s is documented but does not exist", section, name)
		}
	}
	for _, f := range reflect.VisibleFields(typ) {
		if f.Anonymous || !f.IsExported() {
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "-" {
			continue
		}
		c.field(section+"."+name, f.Type, known[name], full[name])
		c.zero(section+"."+name, known[name], bare)
	}
}

// field checks a value that is set against the documented type.
func (c checker) field(name string, typ reflect.Type, doc string, full any) {
	word, _, _ := strings.Cut(doc, " ")
	if word != typeWord(typ) {
		c.Errorf("%s: documented as %q, is %q", name, word, typeWord(typ))
	}
	_, isTime := time.Parse(time.RFC3339, text(full))
	ok := false
	switch word {
	case "string":
		_, ok = full.(string)
	case "time":
		ok = isTime == nil
	case "number", "seconds":
		_, ok = full.(float64)
	case "boolean":
		_, ok = full.(bool)
	case "list":
		_, ok = full.([]any)
	case "object":
		_, ok = full.(map[string]any)
	}
	if !ok {
		c.Errorf("%s: documented as %q, is %v", name, doc, full)
	}
	c.inside(typ, full)
}

// inside checks the objects within a value.
func (c checker) inside(typ reflect.Type, full any) {
	switch typ.Kind() {
	case reflect.Pointer:
		c.inside(typ.Elem(), full)
	case reflect.Slice:
		c.inside(typ.Elem(), full.([]any)[0])
	case reflect.Map:
		c.inside(typ.Elem(), full.(map[string]any)["name"])
	case reflect.Struct:
		if typ == timeType {
			return
		}
		if sections[typ] == "" {
			c.Errorf("%s has no section in the manual", typ)
			return
		}
		if object, ok := full.(map[string]any); ok && !c.seen[sections[typ]] {
			c.object(sections[typ], typ, object, parse(c.T, encode(reflect.New(typ).Interface())))
		}
	}
}

// zero checks what the manual says about a value that is not set. Only a time may be null in some places and not in
// others.
func (c checker) zero(name, doc string, bare map[string]any) {
	value, there := bare[name[strings.LastIndexByte(name, '.')+1:]]
	isNull, isTime := there && value == nil, strings.HasPrefix(doc, "time")
	if strings.HasSuffix(doc, " or null") != isNull && !isTime {
		c.Errorf("%s: documented as %q, empty it is %v", name, doc, value)
	}
	if strings.HasSuffix(doc, " or absent") == there {
		c.Errorf("%s: documented as %q, empty it is there: %t", name, doc, there)
	}
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

func encode(p any) []byte {
	var e encoder
	e.object(p)
	return e.b
}

func parse(t *testing.T, text []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return m
}

// decodeStrictly reads text into p and fails on a field that p does not have.
func decodeStrictly(t *testing.T, text []byte, p any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(p); err != nil {
		t.Errorf("%v: %s", err, text)
	}
}

// TestManualState compares a written state file with the manual.
func TestManualState(t *testing.T) {
	dir := t.TempDir()
	w, _, err := OpenWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var want State
	fill(reflect.ValueOf(&want).Elem())
	want.Version = Version
	w.SetDaemon(want.Daemon)
	w.Update("name", want.Jobs["name"])
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join(dir, stateName))
	if err != nil {
		t.Fatal(err)
	}
	var got State
	decodeStrictly(t, document, &got)
	want.CRC = got.CRC
	if a, b := encode(&got), encode(&want); !bytes.Equal(a, b) {
		t.Errorf("written\n%s\nread\n%s", b, a)
	}
	c := checker{t, manual(t), map[string]bool{}}
	c.object("The document", reflect.TypeFor[State](), parse(t, document), parse(t, encode(&State{Jobs: map[string]*Job{}})))
}

// TestManualJournal compares a line of each kind with the manual.
func TestManualJournal(t *testing.T) {
	c := checker{t, manual(t), map[string]bool{}}
	for kind := range kinds {
		full, bare := newRecord(kind), newRecord(kind)
		if full.Kind() != kind {
			t.Errorf("a record of kind %q says that it is a %q", kind, full.Kind())
		}
		fill(reflect.ValueOf(full).Elem())
		if checkpoint, ok := full.(*Checkpoint); ok {
			checkpoint.Version = Version
		}
		var e encoder
		e.entry(Entry{At(time.Unix(1e9, 0)), full})
		entry, err := decodeEntry(e.b)
		if err != nil {
			t.Errorf("%v: %s", err, e.b)
			continue
		}
		if a, b := encode(entry.Record), encode(full); !bytes.Equal(a, b) {
			t.Errorf("written\n%s\nread\n%s", b, a)
		}
		line := parse(t, e.b)
		if line["kind"] != kind || line["at"] != At(time.Unix(1e9, 0)).String() {
			t.Errorf("kind and time are not what they should be: %s", e.b)
		}
		for _, every := range []string{"kind", "at", "orders", "crc"} {
			if line[every] == nil {
				t.Errorf("no %s in %s", every, e.b)
			}
			delete(line, every)
		}
		fields, _ := json.Marshal(line)
		decodeStrictly(t, fields, newRecord(kind))
		c.object(kind, reflect.TypeOf(full).Elem(), line, parse(t, encode(bare)))
	}
}

// TestManualComplete looks for sections about things that do not exist, and for kinds that are missing in the list of
// kinds.
func TestManualComplete(t *testing.T) {
	known := maps.Clone(kinds)
	for title := range manual(t) {
		delete(known, title)
		if kinds[title] == nil && !slices.Contains(slices.Collect(maps.Values(sections)), title) {
			t.Errorf("the section %q describes nothing that exists", title)
		}
	}
	for kind := range known {
		t.Errorf("the kind %q has no section", kind)
	}
	page, _ := os.ReadFile("../man/jobsd-state.5")
	for kind := range kinds {
		if !bytes.Contains(page, []byte("\n.It "+kind+" Ta ")) {
			t.Errorf("the kind %q is not in the list", kind)
		}
	}
}

// TestManualWords looks for words of words.go that the manual does not explain.
func TestManualWords(t *testing.T) {
	page, err := os.ReadFile("../man/jobsd-state.5")
	if err != nil {
		t.Fatal(err)
	}
	file, err := parser.ParseFile(token.NewFileSet(), "words.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if word, ok := n.(*ast.BasicLit); ok && word.Kind == token.STRING {
			text, _ := strconv.Unquote(word.Value)
			if !regexp.MustCompile(`(?m)^\.(It|Ql|It Ql) ` + text + `\b`).Match(page) {
				t.Errorf("words.go has %q, but man/jobsd-state.5 does not explain it: no line begins with .It %[1]s or .Ql %[1]s", text)
			}
		}
		return true
	})
}

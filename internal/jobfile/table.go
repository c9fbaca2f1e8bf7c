package jobfile

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"jobsd/internal/plain"
)

// key is one row of a table of keys: all facts about a key except its relations to others.
type key[D any] struct {
	name  string
	typ   string // for people
	form  Form
	about string // one line about its purpose
	sub   func() []Key
	marks mark
	read  func(*reader, *node, *D)
	reset func(*D) // sets the default
	// print appends the value in a form that depends only on the value; nil: the key is not hashed by itself
	print    func([]byte, *D) []byte
	byItself []byte // the default, printed
	schema   func() schema
}

// mark is a special property of a key.
type mark uint8

const (
	own     mark = 1 << iota // each job sets it for itself: not in [defaults]
	when                     // a schedule: a job has at most one key with this mark
	process                  // the process of the job sees it
	unfit                    // cannot be used with keep_alive
	derived                  // the hash contains the derived value, not the written one
)

// row makes a key of type T that fills the field of D.
func row[D, T any](name, about string, t typ[T], byDefault T, field func(*D) *T, marks ...mark) key[D] {
	k := key[D]{name: name, typ: t.name, form: t.form, about: about, sub: t.sub}
	k.schema = func() schema {
		more := schema{"description": about}
		if t.write != nil {
			if v := t.write(byDefault); v != nil {
				more["default"] = v
			}
		}
		return t.schema().with(more)
	}
	for _, m := range marks {
		k.marks |= m
	}
	k.read = func(r *reader, n *node, d *D) {
		if v, ok := t.read(r, n); ok {
			*field(d) = v
		}
	}
	k.reset = func(d *D) { *field(d) = byDefault }
	if t.print != nil && k.marks&derived == 0 {
		k.print = func(b []byte, d *D) []byte { return t.print(b, *field(d)) }
		k.byItself = t.print(nil, byDefault)
	}
	return k
}

// keys is a table of keys, with a value in which all keys have their defaults.
type keys[D any] struct {
	rows   []key[D]
	byName map[string]*key[D]
	zero   D
}

// newKeys makes a table sorted by name. The order of the hash must not depend on the order in the source.
func newKeys[D any](rows ...key[D]) *keys[D] {
	t := &keys[D]{rows: rows, byName: make(map[string]*key[D], len(rows))}
	slices.SortFunc(rows, func(a, b key[D]) int { return strings.Compare(a.name, b.name) })
	for i := range rows {
		t.byName[rows[i].name] = &rows[i]
		rows[i].reset(&t.zero)
	}
	return t
}

func (t *keys[D]) names() []string {
	names := make([]string, len(t.rows))
	for i, k := range t.rows {
		names[i] = k.name
	}
	return names
}

// Key is a key of job files, for code that writes them.
type Key struct {
	Name  string // dotted, as in "log.max_size"
	Type  string // for people, such as "string or array"
	About string // one line about its purpose
	Form
}

// Form says how the value of a key is written.
type Form struct {
	Item   Item
	Many   Many
	Words  []string // to choose from; nil: there are too many values for a list
	Commas bool     // an item may contain commas
}

// Item is the kind of a single value.
type Item int

// These are the kinds of items.
const (
	Text Item = iota
	Number
	Truth
	TruthOrText
	Day // a day of the month is a number, a weekday is text
	Path
	Section // a table that has its own keys
)

// Many says how many items a value has.
type Many int

// These are the forms of values.
const (
	One Many = iota
	List
	OneOrMore // an item or a list
	Table     // items with names
)

func (f Form) many(m Many) Form {
	f.Many = m
	return f
}

// Keys returns all keys of a job, sorted. The keys of a table follow the table.
func Keys() []Key { return jobKeys.list() }

func (t *keys[D]) list() []Key {
	var all []Key
	for _, k := range t.rows {
		all = append(all, Key{k.name, k.typ, k.about, k.form})
		if k.sub == nil {
			continue
		}
		for _, s := range k.sub() {
			all = append(all, Key{join(k.name, s.Name), s.Type, s.About, s.Form})
		}
	}
	return all
}

// read fills d from a table of the file and reports mistakes to the reader.
func (t *keys[D]) read(r *reader, n *node, d *D) {
	prefix := r.key
	defer func() { r.key = prefix }()
	for _, kid := range n.kids {
		k := t.byName[kid.key]
		if k == nil {
			r.unknown(kid, prefix, t.names())
			continue
		}
		r.key = join(prefix, k.name)
		k.read(r, kid, d)
	}
}

// print appends every key that does not have its default, so that a new key changes no existing hash.
func (t *keys[D]) print(b []byte, d *D, marks mark) []byte {
	for i := range t.rows {
		k := &t.rows[i]
		if k.print == nil || k.marks&marks != marks {
			continue
		}
		start := len(b)
		b = append(append(b, k.name...), '=')
		from := len(b)
		b = k.print(b, d)
		if bytes.Equal(b[from:], k.byItself) {
			b = b[:start]
			continue
		}
		b = append(b, '\n')
	}
	return b
}

// changed returns the sorted names of the keys whose values differ.
func (t *keys[D]) changed(a, b *D) (names []string) {
	for _, k := range t.rows {
		if k.print != nil && !bytes.Equal(k.print(nil, a), k.print(nil, b)) {
			names = append(names, k.name)
		}
	}
	return names
}

// schema is the schema of such a table.
func (t *keys[D]) schema() schema {
	properties := schema{}
	for _, k := range t.rows {
		properties[k.name] = k.schema()
	}
	return schema{"type": "object", "properties": properties, "additionalProperties": false}
}

// sub is the type of a table with its own keys.
func sub[D any](t *keys[D], example known) typ[D] {
	return typ[D]{
		name: "table",
		form: Form{Item: Section},
		read: of(table, "a table such as "+example, func(r *reader, n *node) (D, bool) {
			d := t.zero
			t.read(r, n, &d)
			return d, true
		}),
		print:  func(b []byte, d D) []byte { return t.print(b, &d, 0) },
		schema: t.schema,
		sub:    t.list,
	}
}

// reader reads the values of one file and collects the mistakes.
type reader struct {
	host *host
	key  string // dotted: the current key
	errs []error
	more int // number of mistakes beyond the first enough

	unknownTargets []error // names of targets that do not exist; at most enough
}

// enough is the number of mistakes of one file that are reported one by one. Finding the lines of a hundred thousand
// would delay a load.
const enough = 100

// note adds a mistake.
func (r *reader) note(n *node, at int, key, format string, args ...any) {
	if len(r.errs) == enough { // finding the line of one more takes time
		r.more++
		return
	}
	r.add(n.src.fail(at, key, format, args...))
}

func (r *reader) add(e *Error) {
	if len(r.errs) == enough {
		r.more++
		return
	}
	r.errs = append(r.errs, e)
}

func (r *reader) mistakes() int { return len(r.errs) + r.more }

// all returns the mistakes in the order of the file.
func (r *reader) all(file string) []error {
	slices.SortStableFunc(r.errs, byPosition)
	if r.more > 0 {
		r.errs = append(r.errs, &Error{File: file, Text: fmt.Sprintf("and %d more mistakes", r.more)})
	}
	return r.errs
}

// fail reports that the value at n is wrong. It returns false, as the two functions after it do, for readers to return.
func (r *reader) fail(n *node, format string, args ...any) bool {
	r.note(n, n.at, r.key, format, args...)
	return false
}

// failAs reports that the entry n of a table is wrong, whatever its value.
func (r *reader) failAs(key string, n *node, format string, args ...any) bool {
	r.note(n, n.keyAt, key, format, args...)
	return false
}

// wrong reports that the value at n has the wrong type.
func (r *reader) wrong(n *node, want known) bool {
	switch n.kind {
	case date:
		name := r.key[strings.LastIndexByte(r.key, '.')+1:]
		r.fail(n, "put text in quotes: %s = %s", known(plain.Word(cut(name))), quotedDate(name, n))
	case null:
		r.fail(n, "must be %s, not null: remove the key to get its default", want)
	default:
		r.fail(n, "must be %s, not %s", want, known(n.kind.String()))
	}
	return false
}

func (r *reader) unknown(n *node, prefix string, names []string) {
	if len(r.errs) == enough {
		r.more++
		return
	}
	hint := known("")
	switch s := suggest(n.key, names); {
	case n.kind == table && slices.Contains(sections, strings.ToLower(n.key)):
		hint = `; this is a systemd unit: "jobsd import" turns timers into job files`
	case s != "" && plainKey(s) != plainKey(n.key) && instead[s] != "" && elsewhere[plainKey(n.key)] == s:
		hint = known(fmt.Sprintf("; did you mean %q? (%s)", s, instead[s]))
	case s != "":
		hint = known(fmt.Sprintf("; did you mean %q?", s))
	}
	name := join(prefix, plain.Word(cut(n.key)))
	if n.src.secret {
		name = prefix
	}
	r.note(n, n.keyAt, name, "unknown key%s", hint)
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

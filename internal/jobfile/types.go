package jobfile

import (
	"slices"
	"strconv"
	"strings"
)

// typ is a type of values: how to read, check and print a value, and its schema.
type typ[T any] struct {
	name   string // for people
	form   Form
	read   func(*reader, *node) (T, bool)
	print  func([]byte, T) []byte
	sub    func() []Key // the keys of a table
	schema func() schema
	write  func(T) any // the value as in a file; the result is nil for a value that is not set; write is nil if the type cannot be written
}

// as returns the type with another form.
func (t typ[T]) as(f Form) typ[T] {
	t.form = f
	return t
}

func printText[T ~string](b []byte, v T) []byte { return strconv.AppendQuote(b, string(v)) }

func printInt[T ~int | ~int32 | ~int64](b []byte, v T) []byte {
	return strconv.AppendInt(b, int64(v), 10)
}

func writeText[T ~string](v T) any {
	if v == "" {
		return nil
	}
	return string(v)
}

func asIs[T any](v T) any { return v }

func writeList[T any](v []T) any {
	if v == nil {
		return nil
	}
	return v
}

func printList[T any](printOne func([]byte, T) []byte) func([]byte, []T) []byte {
	return func(b []byte, list []T) []byte {
		b = append(b, '[')
		for _, v := range list {
			b = append(printOne(b, v), ',')
		}
		return append(b, ']')
	}
}

// of makes a reader of values of one kind. want says what a value must be.
func of[T any](k kind, want known, read func(*reader, *node) (T, bool)) func(*reader, *node) (T, bool) {
	return func(r *reader, n *node) (value T, ok bool) {
		if n.kind != k {
			return value, r.wrong(n, want)
		}
		return read(r, n)
	}
}

var truth = typ[bool]{
	name:   "bool",
	form:   Form{Item: Truth},
	read:   of(boolean, "true or false (without quotes)", func(_ *reader, n *node) (bool, bool) { return n.num == 1, true }),
	print:  strconv.AppendBool,
	schema: func() schema { return schema{"type": "boolean"} },
	write:  asIs[bool],
}

// choice is one of several words.
func choice[T ~string](words ...T) typ[T] {
	all := make([]string, len(words))
	for i, w := range words {
		all[i] = string(w)
	}
	list := known(`"` + strings.Join(all, `", "`) + `"`)
	return typ[T]{
		name: "one of " + string(list),
		form: Form{Words: all},
		read: of(text, "one of "+list, func(r *reader, n *node) (T, bool) {
			if i := slices.Index(words, T(n.text)); i >= 0 {
				return words[i], true
			}
			return "", r.fail(n, "must be one of %s, not %q", list, n.text)
		}),
		print:  printText[T],
		schema: func() schema { return schema{"enum": words} },
		write:  writeText[T],
	}
}

// listOf is an array with at least least items.
func listOf[T any](item typ[T], least int) typ[[]T] {
	return typ[[]T]{
		name:   "array of " + item.name + "s",
		form:   item.form.many(List),
		print:  printList(item.print),
		schema: func() schema { return schema{"type": "array", "items": item.schema(), "minItems": least} },
		write:  writeList[T],
		read: of(list, known("an array of "+item.name+"s"), func(r *reader, n *node) ([]T, bool) {
			return readItems(r, n, item, least)
		}),
	}
}

func readItems[T any](r *reader, n *node, item typ[T], least int) ([]T, bool) {
	if len(n.kids) < least {
		return nil, r.fail(n, "must not be empty")
	}
	all := true
	values := make([]T, 0, len(n.kids))
	for _, kid := range n.kids {
		v, ok := item.read(r, kid)
		all = all && ok
		values = append(values, v)
	}
	return values, all
}

// oneOrMore is one item or an array of items.
func oneOrMore[T any](item typ[T], least int) typ[[]T] {
	return typ[[]T]{
		name:   item.name + " or array",
		form:   item.form.many(OneOrMore),
		print:  printList(item.print),
		schema: func() schema { return schema{"anyOf": []schema{item.schema(), listOf(item, least).schema()}} },
		write:  writeList[T],
		read: func(r *reader, n *node) ([]T, bool) {
			if n.kind == list {
				return readItems(r, n, item, least)
			}
			v, ok := item.read(r, n)
			return []T{v}, ok
		},
	}
}

// optional is a value that may be missing.
func optional[T any](t typ[T]) typ[*T] {
	return typ[*T]{
		name: t.name,
		form: t.form,
		read: func(r *reader, n *node) (*T, bool) {
			v, ok := t.read(r, n)
			return &v, ok
		},
		print: func(b []byte, v *T) []byte {
			if v == nil {
				return b
			}
			return t.print(b, *v)
		},
		schema: t.schema,
	}
}

package jobfile

import (
	"slices"
	"strconv"
	"strings"
)

// kind is the sort of value of a node. TOML and JSON share the kinds.
type kind uint8

const (
	text kind = iota
	integer
	decimal // a number that is not a whole number of 64 bits
	boolean
	date // a date or time of TOML
	list
	table
	null // of JSON
)

func (k kind) String() string {
	return [...]string{"a string", "a number", "a number with a fraction", "true or false", "a date",
		"an array", "a table", "null"}[k]
}

// node is one value of a file with its position.
type node struct {
	src   *source
	at    int    // byte offset of the value
	key   string // if it is an entry of a table
	keyAt int    // byte offset of the key
	kind  kind
	text  string
	num   int64   // integer; boolean: 1 is true
	kids  []*node // the items of a list or the entries of a table, in the order of the file
	index map[string]*node
}

// get returns the entry of a table, nil if there is none.
func (n *node) get(key string) *node {
	if n.index != nil {
		return n.index[key]
	}
	if i := slices.IndexFunc(n.kids, func(k *node) bool { return k.key == key }); i >= 0 {
		return n.kids[i]
	}
	return nil
}

// place returns the entry of a table, or a node with the position of the table if the value is from the defaults.
func (n *node) place(key string) *node {
	if kid := n.get(key); kid != nil {
		return kid
	}
	return &node{src: n.src, at: n.at, keyAt: n.at}
}

// add appends an item or an entry.
func (n *node) add(kid *node) *node {
	const few = 16 // with more entries, a linear search would make big tables quadratic
	n.kids = append(n.kids, kid)
	switch {
	case n.index != nil:
		n.index[kid.key] = kid
	case len(n.kids) == few && n.kids[0].key != "":
		n.index = make(map[string]*node, 2*few)
		for _, k := range n.kids {
			n.index[k.key] = k
		}
	}
	return kid
}

// printNode appends the value of a node without its position.
func printNode(b []byte, n *node) []byte {
	if n == nil {
		return b
	}
	b = strconv.AppendQuote(b, n.key)
	b = strconv.AppendQuote(append(b, ' ', '0'+byte(n.kind), ' '), n.value())
	b = append(b, '(')
	for _, kid := range n.kids {
		b = printNode(b, kid)
	}
	return append(b, ')')
}

// value returns a string or a whole number as text.
func (n *node) value() string {
	if n.kind == integer {
		return strconv.FormatInt(n.num, 10)
	}
	return n.text
}

// setText sets the string of the node. If the source contains the same text there, it uses that piece of the source, so
// that memory holds the text once.
func (n *node) setText(s string) {
	n.kind = text
	from := n.at + 1 // after the quote
	if end := from + len(s); end <= len(n.src.text) && n.src.text[from:end] == s {
		s = n.src.text[from:end]
	} else {
		s = strings.Clone(s)
	}
	n.text = s
}

// Files are parsed recursively. No valid file needs this depth.
const (
	maxDepth  = 16
	maxValues = 120_000
	maxKeys   = 1000 // in one table
)

const (
	tooDeep = "nested too deep"
	tooMany = "too many values in one file: split the file"
	tooWide = "too many keys in one table"
)

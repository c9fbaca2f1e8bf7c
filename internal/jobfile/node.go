package jobfile

import (
	"slices"
	"strconv"
	"strings"
)

// kind is what sort of value a node is. TOML and JSON come to the same kinds.
type kind uint8

const (
	text kind = iota
	integer
	decimal // a number that is no whole number of 64 bits
	boolean
	date // TOML's own dates and times
	list
	table
	null // JSON's
)

func (k kind) String() string {
	return [...]string{"a string", "a number", "a number with a fraction", "true or false", "a date",
		"an array", "a table", "null"}[k]
}

// node is one value of a file and where it stands.
type node struct {
	src   *source
	at    int    // byte offset of the value
	key   string // of an entry of a table
	keyAt int    // byte offset of the key
	kind  kind
	text  string
	num   int64   // integer; boolean: 1 is true
	kids  []*node // of a list its items, of a table its entries, in the order of the file
	index map[string]*node
}

// get returns the entry of a table, nil when there is none.
func (n *node) get(key string) *node {
	if n.index != nil {
		return n.index[key]
	}
	if i := slices.IndexFunc(n.kids, func(k *node) bool { return k.key == key }); i >= 0 {
		return n.kids[i]
	}
	return nil
}

// add appends an item or an entry.
func (n *node) add(kid *node) *node {
	const few = 16 // from here on a search of all would make big tables quadratic
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

// printNode appends what a node says, wherever it stands in its file.
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

// value is what the file says, as text, of a string or a whole number.
func (n *node) value() string {
	if n.kind == integer {
		return strconv.FormatInt(n.num, 10)
	}
	return n.text
}

// setText gives the node its string: a piece of the source where it stands there as it is, so that what is kept of a
// file is kept once.
func (n *node) setText(s string) {
	n.kind = text
	from := n.at + 1 // behind the quote
	if end := from + len(s); end <= len(n.src.text) && n.src.text[from:end] == s {
		s = n.src.text[from:end]
	} else {
		s = strings.Clone(s)
	}
	n.text = s
}

// Files are read by recursion and go no deeper than anything in them can mean.
const (
	maxDepth  = 16
	maxValues = 120_000
	maxKeys   = 1000 // of one table
)

const (
	tooDeep = "nested too deep"
	tooMany = "too many values for one file: split it"
	tooWide = "too many keys in one table"
)

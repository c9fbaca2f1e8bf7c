package jobfile

import (
	"strings"

	"github.com/BurntSushi/toml"
)

// scanner finds the positions of keys and values in a TOML document. In an invalid document it finds what it can; the
// library, which runs next, refuses the document.
type scanner struct {
	src    *source
	s      string
	i      int
	values int
	err    *Error // the document is too big
}

// part is one piece of a dotted key.
type part struct {
	name string
	at   int
}

func (sc *scanner) document() *node {
	root := &node{src: sc.src, kind: table}
	current := root
	sc.blank(true)
	root.at = sc.i
	for sc.i < len(sc.s) && sc.err == nil {
		start := sc.i
		switch {
		case strings.HasPrefix(sc.s[sc.i:], "[["):
			sc.i += 2
			current = sc.arrayHeader(root, start)
		case sc.s[sc.i] == '[':
			sc.i++
			current = sc.header(root)
		default:
			sc.keyValue(current, 1)
		}
		sc.blank(true)
		if sc.i == start {
			sc.i++
		}
	}
	return root
}

// header reads a [table] header and returns the table.
func (sc *scanner) header(root *node) *node {
	parts := sc.dotted()
	sc.skip("]")
	t := root
	for _, p := range parts {
		t = last(sc.child(t, p))
	}
	if len(parts) > 0 && len(t.kids) == 0 {
		t.at = parts[len(parts)-1].at
		t.keyAt = t.at
	}
	return t
}

// arrayHeader reads a [[table]] header and returns the new table at the end of the array.
func (sc *scanner) arrayHeader(root *node, start int) *node {
	parts := sc.dotted()
	sc.skip("]")
	sc.skip("]")
	t := root
	for i, p := range parts {
		array := sc.child(t, p)
		if i == len(parts)-1 {
			array.kind = list
			sc.count()
			return array.add(&node{src: sc.src, at: start, kind: table})
		}
		t = last(array)
	}
	return t
}

// last returns the table that a key refers to: the last one of an array of tables.
func last(n *node) *node {
	if n.kind == list && len(n.kids) > 0 {
		return n.kids[len(n.kids)-1]
	}
	return n
}

// child returns the entry of t and creates it if it does not exist.
func (sc *scanner) child(t *node, p part) *node {
	if kid := t.get(p.name); kid != nil {
		return kid
	}
	sc.count()
	if len(t.kids) == maxKeys {
		sc.stop(tooWide)
	}
	return t.add(&node{src: sc.src, key: p.name, keyAt: p.at, at: p.at, kind: table})
}

func (sc *scanner) keyValue(t *node, depth int) {
	parts := sc.dotted()
	for i, p := range parts {
		t = sc.child(t, p)
		if i < len(parts)-1 {
			t = last(t)
		}
	}
	sc.blank(false)
	sc.skip("=")
	sc.blank(false)
	if len(parts) > 0 {
		sc.value(t, depth+len(parts))
	}
}

// dotted reads a key.
func (sc *scanner) dotted() []part {
	var parts []part
	for sc.err == nil {
		sc.blank(false)
		p, ok := sc.part()
		if !ok {
			break
		}
		if parts = append(parts, p); len(parts) > maxDepth {
			sc.stop(tooDeep)
		}
		sc.blank(false)
		if !sc.skip(".") {
			break
		}
	}
	return parts
}

func (sc *scanner) part() (part, bool) {
	at := sc.i
	if at >= len(sc.s) {
		return part{}, false
	}
	if q := sc.s[at]; q == '"' || q == '\'' {
		sc.quoted()
		raw := sc.s[at:sc.i]
		if q == '"' && strings.Contains(raw, `\`) {
			return part{unescape(raw), at}, true
		}
		return part{strings.Trim(raw, raw[:1]), at}, true
	}
	for sc.i < len(sc.s) && !strings.ContainsRune(" \t\r\n.=[]{},#\"'", rune(sc.s[sc.i])) {
		sc.i++
	}
	return part{sc.s[at:sc.i], at}, sc.i > at
}

// unescape lets the library decode a quoted key with escapes.
func unescape(raw string) string {
	var v struct{ K string }
	if _, err := toml.Decode("k = "+raw, &v); err != nil {
		return raw
	}
	return v.K
}

// value reads the value after the equals sign.
func (sc *scanner) value(n *node, depth int) {
	n.at = sc.i
	if depth > maxDepth {
		sc.stop(tooDeep)
	}
	if sc.i >= len(sc.s) || sc.err != nil {
		return
	}
	switch sc.s[sc.i] {
	case '"', '\'':
		sc.quoted()
	case '[':
		sc.i++
		n.kind = list
		sc.array(n, depth)
	case '{':
		sc.i++
		sc.inline(n, depth)
	default:
		if end := strings.IndexAny(sc.s[sc.i:], ",]}#\r\n"); end >= 0 {
			sc.i += end
		} else {
			sc.i = len(sc.s)
		}
	}
}

func (sc *scanner) array(n *node, depth int) {
	sc.items("]", func() {
		sc.count()
		sc.value(n.add(&node{src: sc.src, at: sc.i, kind: table}), depth+1)
	})
}

func (sc *scanner) inline(n *node, depth int) {
	sc.items("}", func() { sc.keyValue(n, depth) })
}

// items reads items with commas between them, up to the end.
func (sc *scanner) items(end string, item func()) {
	for sc.err == nil {
		sc.blank(true)
		if sc.skip(end) || sc.i >= len(sc.s) {
			return
		}
		start := sc.i
		item()
		sc.blank(true)
		if !sc.skip(",") && sc.i == start {
			return
		}
	}
}

// quoted skips a string of any of the four kinds.
func (sc *scanner) quoted() {
	q := sc.s[sc.i : sc.i+1]
	if strings.HasPrefix(sc.s[sc.i:], q+q+q) {
		sc.i += 3
		sc.until(q+q+q, q == `"`)
		for range 2 { // the string itself may end with one or two quotes
			sc.skip(q)
		}
		return
	}
	sc.i++
	sc.until(q, q == `"`)
}

// until skips to after the next end. With escapes, an end after a backslash does not count.
func (sc *scanner) until(end string, escapes bool) {
	for ; sc.i < len(sc.s); sc.i++ {
		switch c := sc.s[sc.i]; {
		case c == '\\' && escapes:
			sc.i++
		case c == '\n' && len(end) == 1: // not valid
			return
		case strings.HasPrefix(sc.s[sc.i:], end):
			sc.i += len(end)
			return
		}
	}
	sc.i = len(sc.s)
}

// blank skips spaces and, with lines, newlines and comments too.
func (sc *scanner) blank(lines bool) {
	for sc.i < len(sc.s) {
		switch c := sc.s[sc.i]; {
		case c == ' ' || c == '\t':
			sc.i++
		case lines && (c == '\n' || c == '\r'):
			sc.i++
		case lines && c == '#':
			if end := strings.IndexByte(sc.s[sc.i:], '\n'); end >= 0 {
				sc.i += end
			} else {
				sc.i = len(sc.s)
			}
		default:
			return
		}
	}
}

func (sc *scanner) skip(s string) bool {
	if strings.HasPrefix(sc.s[sc.i:], s) {
		sc.i += len(s)
		return true
	}
	return false
}

func (sc *scanner) count() {
	if sc.values++; sc.values > maxValues {
		sc.stop(tooMany)
	}
}

func (sc *scanner) stop(why string) {
	if sc.err == nil {
		sc.err = sc.src.fail(sc.i, "", "%s", known(why))
	}
}

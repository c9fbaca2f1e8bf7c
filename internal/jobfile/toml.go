package jobfile

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// parseTOML reads a TOML document. The library returns values without positions. So a scanner first makes the nodes
// with positions, and the values of the library fill them.
func parseTOML(src *source) (*node, *Error) {
	sc := scanner{src: src, s: src.text}
	root := sc.document()
	if sc.err != nil {
		return nil, sc.err
	}
	var values any // a map[string]any; the library would copy one of that type
	if _, err := toml.Decode(src.text, &values); err != nil {
		return nil, tomlError(src, err)
	}
	fill(root, values)
	return root, nil
}

func tomlError(src *source, err error) *Error {
	var pe toml.ParseError
	if !errors.As(err, &pe) {
		return src.fail(0, "", "not valid TOML: %s", err.Error())
	}
	at := min(max(0, pe.Position.Start), len(src.text)) // the library sometimes returns -1
	if src.secret {
		return src.fail(at, "", "not valid TOML")
	}
	if where, key, text := unquotedTOML(src, at, pe.Message); text != "" {
		return src.fail(where, key, "%s", known(text))
	}
	message := strings.ReplaceAll(withoutValues(oneLine(pe.Message)), `but got '\x00' instead`, "but the file ends")
	return src.fail(at, "", "not valid TOML: %s", message)
}

// quotes matches quotations in messages of the library, and beyond the beginning of a message about a number.
var (
	quotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	beyond = regexp.MustCompile(`^\S+ is out of `)
)

// withoutValues removes quotations of the file from a message of the library, except keys and single characters.
// Invalid TOML may be a secret without its quotes, and everybody can read the errors in the state file.
func withoutValues(message string) string {
	if strings.HasPrefix(message, "Key ") || strings.HasSuffix(message, " is not a table") {
		return message
	}
	message = beyond.ReplaceAllString(message, "the number is out of ")
	return quotes.ReplaceAllStringFunc(message, func(s string) string {
		in := s[1 : len(s)-1]
		if len(in) <= 1 || s[0] == '\'' && in[0] == '\\' || strings.Trim(in, `"'`) == "" {
			return s
		}
		return "..."
	})
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// fill sets the values of the nodes below n to those that the library read.
func fill(n *node, value any) {
	switch v := value.(type) {
	case string:
		n.setText(v)
	case int64:
		n.kind, n.num = integer, v
	case float64:
		n.kind = decimal
	case bool:
		n.kind, n.num = boolean, 0
		if v {
			n.num = 1
		}
	case time.Time:
		n.kind = date
	case map[string]any:
		n.kind = table
		fillTable(n, v)
	case []map[string]any:
		fillList(n, v)
	case []any:
		fillList(n, v)
	}
}

func fillList[T any](n *node, values []T) {
	n.kind = list
	for i, item := range values {
		fill(n.item(i), item)
	}
}

// fillTable fills the entries of a table. An entry that the scanner did not find gets the position of its table, so
// that no value is lost. No document is known to cause this.
func fillTable(n *node, values map[string]any) {
	for key := range values {
		if n.get(key) == nil {
			n.add(&node{src: n.src, at: n.at, key: key, keyAt: n.at})
		}
	}
	kids := n.kids[:0]
	for _, k := range n.kids {
		if v, ok := values[k.key]; ok {
			fill(k, v)
			kids = append(kids, k)
		}
	}
	n.kids = kids
}

func (n *node) item(i int) *node {
	if i < len(n.kids) {
		return n.kids[i]
	}
	return n.add(&node{src: n.src, at: n.at})
}

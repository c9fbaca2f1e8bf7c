package jobfile

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// parseTOML reads a TOML document. The library tells values but not where they stand, so a scanner goes over the text
// first and makes the nodes; what the library read fills them.
func parseTOML(src *source) (*node, *Error) {
	sc := scanner{src: src, s: src.text}
	root := sc.document()
	if sc.err != nil {
		return nil, sc.err
	}
	var values any // a map[string]any; asked for as such, the library would copy it
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
	at := min(max(0, pe.Position.Start), len(src.text)) // the library has been seen to say -1
	if src.secret {
		return src.fail(at, "", "not valid TOML")
	}
	if where, key, text := unquotedTOML(src, at, pe.Message); text != "" {
		return src.fail(where, key, "%s", known(text))
	}
	message := strings.ReplaceAll(withoutValues(oneLine(pe.Message)), `but got '\x00' instead`, "but the file ends")
	return src.fail(at, "", "not valid TOML: %s", message)
}

// quotes is what the library quotes in its messages, and beyond is how it begins one about a number.
var (
	quotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	beyond = regexp.MustCompile(`^\S+ is out of `)
)

// withoutValues takes out of a message of the library what it quotes of the file, besides keys and single characters.
// What is no TOML may be a secret without its quotes, and all can read the errors in the state file.
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

// fill gives the nodes below n the values that the library read.
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
		n.kind = list
		for i, item := range v {
			fill(n.item(i), item)
		}
	case []any:
		n.kind = list
		for i, item := range v {
			fill(n.item(i), item)
		}
	}
}

// fillTable fills the entries of a table. One that the scanner did not find (there should be none) stands where its
// table stands: no value is ever lost.
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

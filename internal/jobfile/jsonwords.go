package jobfile

import (
	"encoding/json"
	"errors"
	"strings"
)

// jsonError says what is wrong with a document and where. It shows no text of the document.
func jsonError(src *source, err error) *Error {
	var se *json.SyntaxError
	if !errors.As(err, &se) || src.secret {
		return src.fail(0, "", "not valid JSON")
	}
	message := se.Error()
	at := int(se.Offset) - 1 // Offset counts the bytes read, including the offending one
	if strings.HasPrefix(message, "unexpected end") {
		at = len(src.text)
	}
	at = max(0, min(at, len(src.text)))
	if where, text := jsonWords(src.text, at, message); text != "" {
		return src.fail(where, "", "not valid JSON: %s", known(text))
	}
	return src.fail(at, "", "not valid JSON: %s", known(message))
}

// jsonWords explains the most frequent mistakes and says what to write instead.
func jsonWords(text string, at int, message string) (where int, words string) {
	if at >= len(text) {
		return at, "the file ends before all its brackets and quotes are closed"
	}
	c := text[at]
	before := strings.TrimRight(text[:at], " \t\r\n")
	comma := strings.HasSuffix(before, ",")
	last := len(before) - 1
	switch {
	case c == '/' || c == '#':
		return at, "JSON has no comments: remove this, or use TOML"
	case comma && (c == '}' || c == ']'):
		return last, "remove this comma: it is after the last item"
	case comma && c == ',':
		return at, "remove this comma: it is the second one"
	case c == '\'':
		return at, `put strings in double quotes: "..."`
	case strings.HasPrefix(message, "invalid character") && strings.HasSuffix(message, "in string literal"):
		return at, `the string does not end on its line: add a "`
	case strings.HasSuffix(message, "in string escape code"):
		return at, `write a backslash in a string as \\`
	case strings.Contains(message, "after top-level value"):
		return at, `there is text after the end; write several jobs as {"jobs": [...]}`
	case strings.HasSuffix(message, "after object key"):
		return at, "use : between a key and its value"
	case strings.HasSuffix(message, "beginning of object key string"):
		return at, `put keys in double quotes: "..."`
	case strings.HasSuffix(message, "after object key:value pair"), strings.HasSuffix(message, "after array element"):
		if last+1 < at || c == '"' || c == '{' || c == '[' {
			return last + 1, "add a comma here"
		}
		return at, "put text in double quotes"
	case strings.HasSuffix(message, "beginning of value"):
		return at, valueWords(text[at:])
	}
	return at, ""
}

// valueWords explains a value that begins with none of the permitted characters.
func valueWords(rest string) string {
	for _, word := range []string{"True", "False", "None", "TRUE", "FALSE", "yes", "no"} {
		if strings.HasPrefix(rest, word) {
			return "write true or false"
		}
	}
	if strings.IndexByte("}],", rest[0]) >= 0 {
		return "a value is missing here"
	}
	return "put text in double quotes"
}

package jobfile

import (
	"encoding/json"
	"errors"
	"strings"
)

// jsonError says what is wrong with a document and where. It shows nothing of the document.
func jsonError(src *source, err error) *Error {
	var se *json.SyntaxError
	if !errors.As(err, &se) || src.secret {
		return src.fail(0, "", "not valid JSON")
	}
	message := se.Error()
	at := int(se.Offset) - 1 // Offset counts the bytes read, the offending one included
	if strings.HasPrefix(message, "unexpected end") {
		at = len(src.text)
	}
	at = max(0, min(at, len(src.text)))
	if where, text := jsonWords(src.text, at, message); text != "" {
		return src.fail(where, "", "not valid JSON: %s", known(text))
	}
	return src.fail(at, "", "not valid JSON: %s", known(message))
}

// jsonWords says what to write instead where people err most often.
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
		return at, "JSON has no comments; TOML has"
	case comma && (c == '}' || c == ']'):
		return last, "remove this comma: nothing follows it"
	case comma && c == ',':
		return at, "remove this comma: there is one already"
	case c == '\'':
		return at, `strings stand in double quotes: "..."`
	case strings.HasPrefix(message, "invalid character") && strings.HasSuffix(message, "in string literal"):
		return at, `the string is not closed in its line: a " is missing`
	case strings.HasSuffix(message, "in string escape code"):
		return at, `write a backslash in a string as \\`
	case strings.Contains(message, "after top-level value"):
		return at, `something stands behind the end; several jobs are written {"jobs": [...]}`
	case strings.HasSuffix(message, "after object key"):
		return at, "use : between a key and its value"
	case strings.HasSuffix(message, "beginning of object key string"):
		return at, `keys stand in double quotes: "..."`
	case strings.HasSuffix(message, "after object key:value pair"), strings.HasSuffix(message, "after array element"):
		if last+1 < at || c == '"' || c == '{' || c == '[' {
			return last + 1, "a comma is missing here"
		}
		return at, "text needs double quotes"
	case strings.HasSuffix(message, "beginning of value"):
		return at, valueWords(text[at:])
	}
	return at, ""
}

// valueWords says what a value should be that begins as none does.
func valueWords(rest string) string {
	for _, word := range []string{"True", "False", "None", "TRUE", "FALSE", "yes", "no"} {
		if strings.HasPrefix(rest, word) {
			return "write true or false"
		}
	}
	if strings.IndexByte("}],", rest[0]) >= 0 {
		return "a value is missing here"
	}
	return "text needs double quotes"
}

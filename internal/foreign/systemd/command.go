package systemd

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// split splits a value into words as systemd does: at blanks, with quotes and the escapes of C. raw has the words as
// written.
func split(s string) (words, raw []string, err error) {
	var word strings.Builder
	in, quote, start := false, byte(0), 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\':
			text, n, err := escape(s[i+1:])
			if err != nil {
				return nil, nil, err
			}
			word.WriteString(text)
			in, i = true, i+n
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			in, quote = true, c
		case quote == 0 && (c == ' ' || c == '\t'):
			if in {
				words, raw = append(words, word.String()), append(raw, s[start:i])
			}
			word.Reset()
			in, start = false, i+1
		default:
			word.WriteByte(c)
			in = true
		}
	}
	if quote != 0 {
		return nil, nil, errors.New("a quote is not closed")
	}
	if in {
		words, raw = append(words, word.String()), append(raw, s[start:])
	}
	return words, raw, nil
}

// escape reads the text after a backslash and returns its length.
func escape(s string) (text string, n int, err error) {
	digits := map[byte]struct{ from, n, base int }{'x': {1, 2, 16}, 'u': {1, 4, 16}, 'U': {1, 8, 16}}
	if s == "" {
		return `\`, 0, nil
	}
	if s[0] >= '0' && s[0] <= '7' {
		digits[s[0]] = struct{ from, n, base int }{0, 3, 8}
	}
	if d, ok := digits[s[0]]; ok {
		if len(s) >= d.from+d.n {
			if v, err := strconv.ParseUint(s[d.from:d.from+d.n], d.base, 32); err == nil && v != 0 {
				if s[0] == 'u' || s[0] == 'U' {
					return string(rune(v)), d.from + d.n, nil
				}
				return string([]byte{byte(v)}), d.from + d.n, nil
			}
		}
		return "", 0, fmt.Errorf(`"\%s" is not an escape`, s)
	}
	if i := strings.IndexByte(`abfnrtv\"'s;`, s[0]); i >= 0 {
		return "\a\b\f\n\r\t\v\\\"' ;"[i : i+1], 1, nil
	}
	return "", 0, fmt.Errorf(`"\%c" is not an escape`, s[0])
}

// command is a line that executes something.
type command struct {
	words   []string
	expand  bool // the line contains variables
	lenient bool // "-": a failure does not count
	asRoot  bool // "+"
}

func parseCommand(value string, literal func(string) (string, error)) (c command, err error) {
	plain := false
prefixes:
	for value != "" {
		switch value[0] {
		case '-':
			c.lenient = true
		case '+':
			c.asRoot = true
		case ':':
			plain = true
		case '@', '!', '|':
			return c, fmt.Errorf("the prefix %q has no counterpart", value[:1])
		default:
			break prefixes
		}
		value = value[1:]
	}
	words, raw, err := split(value)
	if err != nil {
		return c, err
	}
	if slices.Contains(raw, ";") {
		return c, errors.New(`";" separates several commands; put them into a script`)
	}
	if len(words) == 0 || words[0] == "" {
		return c, errors.New("there is no command")
	}
	for i, w := range words {
		c.expand = c.expand || strings.Contains(w, "$") && !plain
		if words[i], err = literal(w); err != nil {
			return c, err
		}
	}
	c.words = words
	return c, nil
}

const wordLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"

// expanding writes a word for a shell so that the shell expands the same variables: $NAME as a separate word, which is
// split at blanks, and ${NAME} anywhere, which is not split. $$ is a dollar sign.
func expanding(w string) string {
	if name, ok := strings.CutPrefix(w, "$"); ok && isName(name) {
		return w
	}
	var out strings.Builder
	for i := 0; i < len(w); i++ {
		rest := w[i:]
		if end := strings.IndexByte(rest, '}'); strings.HasPrefix(rest, "${") && end > 0 && isName(rest[2:end]) {
			out.WriteString(rest[:end+1])
			i += end
			continue
		}
		if strings.HasPrefix(rest, "$$") {
			i++
		}
		if strings.IndexByte("$`\"\\", w[i]) >= 0 {
			out.WriteByte('\\')
		}
		out.WriteByte(w[i])
	}
	if strings.Trim(out.String(), wordLetters+"/.-:=@,+") == "" && out.Len() > 0 {
		return out.String()
	}
	return `"` + out.String() + `"`
}

func isName(s string) bool {
	return s != "" && strings.Trim(s, wordLetters) == "" && (s[0] < '0' || s[0] > '9')
}

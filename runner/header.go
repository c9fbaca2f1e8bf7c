package runner

import (
	"bytes"
	"mime"
	"strings"

	"jobsd/internal/plain"
)

// lineMost is how long a line of a mail's header is at most, if it has a blank to be folded at (RFC 5322, 2.1.1).
const lineMost = 78

// writeHeader writes a field of the header, folded over as many lines as it takes. Blanks in a row become one.
func writeHeader(b *bytes.Buffer, name, value string) {
	b.WriteString(name + ":")
	length := len(name) + 1
	for i, word := range strings.Fields(value) {
		if i > 0 && length+1+len(word) > lineMost {
			b.WriteByte('\n')
			length = 0
		}
		b.WriteString(" " + word)
		length += 1 + len(word)
	}
	b.WriteByte('\n')
}

// subject returns the value of the field for a line of text.
func subject(s string) string {
	// What would end the line, or do something to the terminal that shows it.
	s = strings.Map(func(r rune) rune {
		if plain.Hidden(r) {
			return ' '
		}
		return r
	}, s)
	return mime.QEncoding.Encode("utf-8", s)
}

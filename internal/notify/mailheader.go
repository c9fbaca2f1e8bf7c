package notify

import (
	"bytes"
	"mime"
	"strings"

	"jobsd/internal/plain"
)

// maxLine is the longest line of a mail header that can be folded at a blank (RFC 5322, 2.1.1).
const maxLine = 78

// writeHeader writes a header field, folded over as many lines as necessary. Several blanks become one.
func writeHeader(b *bytes.Buffer, name, value string) {
	b.WriteString(name + ":")
	length := len(name) + 1
	for i, word := range strings.Fields(value) {
		if i > 0 && length+1+len(word) > maxLine {
			b.WriteByte('\n')
			length = 0
		}
		b.WriteString(" " + word)
		length += 1 + len(word)
	}
	b.WriteByte('\n')
}

// subject encodes a line of text as the value of the field.
func subject(s string) string {
	return mime.QEncoding.Encode("utf-8", plain.Mask(s, ' ')) // without what would end the line
}

// messageID returns the value of the field Message-ID, which is the same at each attempt, so that a mailbox can
// recognize a mail that arrived twice.
func (m *Message) messageID() string { return "<" + dotAtom(m.ID) + "@" + dotAtom(m.host()) + ">" }

// dotAtom replaces what must not stand in either half of a Message-ID (RFC 5322, 3.6.4).
func dotAtom(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || strings.ContainsRune("-_.", r)) {
			return r
		}
		return '-'
	}, s)
	if s = strings.Trim(strings.ReplaceAll(s, "..", ".-"), "."); s == "" {
		return "unknown"
	}
	return s
}

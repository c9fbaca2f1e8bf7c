// Package plain makes foreign text safe to show, such as names of programs and files and the output of jobs. It escapes
// characters that a terminal obeys instead of showing them, in the syntax of Go.
package plain

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Word returns a name unchanged if it is safe on a line, else quoted.
func Word(s string) string {
	if q := strconv.Quote(s); q[1:len(q)-1] != s {
		return q
	}
	return s
}

// Line returns s as one safe line: it escapes all characters that must not be shown unchanged.
func Line(s string) string {
	if strings.IndexFunc(s, Hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && s[i] != "\uFFFD"[0]:
			b.WriteString(Byte(s[i]))
		case Hidden(r):
			b.WriteString(Rune(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Hidden reports whether a character must not be shown unchanged: a control character, or one that changes the
// direction of the following text.
func Hidden(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// Rune escapes a character. Escapes of characters outside of ASCII are also valid in JSON.
func Rune(r rune) string { return strings.Trim(strconv.QuoteRuneToASCII(r), "'") }

// Mask returns s with another character in the place of each that must not be shown unchanged.
func Mask(s string, with rune) string {
	return strings.Map(func(r rune) rune {
		if Hidden(r) {
			return with
		}
		return r
	}, s)
}

// Byte escapes a byte that is not part of a character.
func Byte(c byte) string { return `\x` + strconv.FormatUint(uint64(c)|0x100, 16)[1:] }

// Package plain makes text of others safe to show: what a terminal would obey instead of showing it is written out, as
// Go writes it. The names of programs and files, and what jobs print, are text of others.
package plain

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Word returns a name as it is if it can stand in a line, else quoted.
func Word(s string) string {
	if q := strconv.Quote(s); q[1:len(q)-1] != s {
		return q
	}
	return s
}

// Line returns s as one line.
func Line(s string) string { return written(s, "") }

// Text returns s with its lines and tabs.
func Text(s string) string { return written(s, "\n\t") }

// written writes out all that must not be shown raw, but for what is kept.
func written(s, keep string) string {
	if strings.IndexFunc(s, Hidden) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && s[i] != "\uFFFD"[0]:
			b.WriteString(Byte(s[i]))
		case Hidden(r) && !strings.ContainsRune(keep, r):
			b.WriteString(Rune(r))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Hidden reports whether a character is not to be shown raw: a control character, or one that changes the direction of
// the text that follows.
func Hidden(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// Rune writes a character out, in a form that JSON has too where the character is not one of ASCII.
func Rune(r rune) string { return strings.Trim(strconv.QuoteRuneToASCII(r), "'") }

// Byte writes out a byte that is part of no character.
func Byte(c byte) string { return `\x` + strconv.FormatUint(uint64(c)|0x100, 16)[1:] }

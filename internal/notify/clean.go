package notify

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"jobsd/internal/plain"
)

// longestLine is the longest line of a mail (RFC 5322, 2.1.1: 998 bytes), a little less.
const longestLine = 990

// printable turns any bytes into what a message may contain: UTF-8 without control characters. It breaks lines that have
// more than longest bytes; 0: none.
func printable(text []byte, longest int) []byte {
	var b []byte
	length := 0
	for _, r := range string(bytes.ToValidUTF8(text, []byte("?"))) {
		switch {
		case r == '\n':
			length = -1
		case r == '\r':
			continue
		case r != '\t' && plain.Hidden(r):
			r = '?'
		}
		if longest > 0 && length+utf8.RuneLen(r) > longest {
			b, length = append(b, '\n'), 0
		}
		b = utf8.AppendRune(b, r)
		length += max(1, utf8.RuneLen(r))
	}
	return b
}

// lastLines returns the last lines of a text that have at most size bytes together. If the last line alone has more, it
// returns the end of that line.
func lastLines(text string, size int) (end string, cut bool) {
	if len(text) <= size {
		return text, false
	}
	at := len(text) - max(0, size)
	for at < len(text) && !utf8.RuneStart(text[at]) {
		at++
	}
	for i := at; i < len(text)-1; i++ {
		if text[i] == '\n' {
			return text[i+1:], true
		}
	}
	return text[at:], true
}

// firstBytes returns the first whole characters of a text that have at most size bytes together.
func firstBytes(text string, size int) string {
	if len(text) <= size {
		return text
	}
	for size > 0 && !utf8.RuneStart(text[size]) {
		size--
	}
	return text[:size]
}

// andMore says how many events a text leaves out.
func andMore(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("and %d more\n", n)
}

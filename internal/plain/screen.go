package plain

import (
	"regexp"
	"unicode/utf8"
)

var (
	colour     = regexp.MustCompile(`^\x1b\[[0-9;:]*m`) // SGR of ECMA-48
	colourPart = regexp.MustCompile(`^\x1b(\[[0-9;:]{0,64})?$`)
)

// Screen returns the output of a program as a terminal may get it: with colours, and with all other control characters
// made visible. The rest is the beginning of a character or of a colour, which needs more input.
func Screen(text []byte) (out, rest []byte) {
	for len(text) > 0 {
		if n := easy(text); n > 0 {
			out, text = append(out, text[:n]...), text[n:]
			continue
		}
		if c := colour.Find(text); c != nil {
			out, text = append(out, c...), text[len(c):]
			continue
		}
		if colourPart.Match(text) || !utf8.FullRune(text) || len(text) == 1 && text[0] == '\r' {
			return out, append([]byte(nil), text...)
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && size == 1:
			out = append(out, Byte(text[0])...)
		case r == '\r' && text[1] == '\n', !Hidden(r):
			out = append(out, text[:size]...)
		default:
			out = append(out, Rune(r)...)
		}
		text = text[size:]
	}
	return out, nil
}

// easy returns the length of the beginning of a text that has only printable ASCII, tabs and newlines.
func easy(text []byte) int {
	for i, c := range text {
		if (c < ' ' || c > '~') && c != '\t' && c != '\n' {
			return i
		}
	}
	return len(text)
}

package cli

import (
	"io"
	"os"
	"regexp"
	"unicode/utf8"

	"jobsd/internal/plain"
)

// screen shows on a terminal what others wrote, such as the output of jobs, and writes out what the terminal would obey.
// Colours pass. What goes to a file or a program is left as it is.
type screen struct {
	*os.File
	held []byte // of a character, or of a colour, that is not complete yet
}

// onScreen returns how to write to a file that may be a terminal.
func onScreen(f *os.File) io.Writer {
	if !isTerminal(f) {
		return f
	}
	return &screen{File: f}
}

// fileOf returns the file that w writes to, if it is one.
func fileOf(w io.Writer) (*os.File, bool) {
	if s, ok := w.(*screen); ok {
		return s.File, true
	}
	f, ok := w.(*os.File)
	return f, ok
}

// Write never tells that it holds something back.
func (s *screen) Write(text []byte) (int, error) {
	var out []byte
	out, s.held = shown(append(s.held, text...))
	if _, err := s.File.Write(out); err != nil {
		return 0, err
	}
	return len(text), nil
}

// WriteString does without the method of the file, which would show all.
func (s *screen) WriteString(text string) (int, error) { return s.Write([]byte(text)) }

// ReadFrom does so too.
func (s *screen) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{s}, r) }

var (
	colour     = regexp.MustCompile(`^\x1b\[[0-9;:]*m`) // SGR of ECMA-48
	colourPart = regexp.MustCompile(`^\x1b(\[[0-9;:]{0,64})?$`)
)

// shown returns what is to be written of a text, and what waits for more of it.
func shown(text []byte) (out, rest []byte) {
	for len(text) > 0 {
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
			out = append(out, plain.Byte(text[0])...)
		case r == '\r' && text[1] == '\n', r == '\n', r == '\t', !plain.Hidden(r):
			out = append(out, text[:size]...)
		default:
			out = append(out, plain.Rune(r)...)
		}
		text = text[size:]
	}
	return out, nil
}

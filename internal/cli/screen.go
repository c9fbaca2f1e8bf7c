package cli

import (
	"io"
	"os"

	"jobsd/internal/plain"
)

// screen writes to a terminal. It makes control characters visible, so that the output of a job cannot control the
// terminal, but passes colours. Output to a file or a program is not changed.
type screen struct {
	*os.File
	held []byte // the beginning of a character or a colour sequence
}

// onScreen returns a writer to a file that may be a terminal.
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

// Write counts the bytes that it holds back as written.
func (s *screen) Write(text []byte) (int, error) {
	var out []byte
	out, s.held = plain.Screen(append(s.held, text...))
	if _, err := s.File.Write(out); err != nil {
		return 0, err
	}
	return len(text), nil
}

// WriteString hides the method of the file, which would write the text unchanged.
func (s *screen) WriteString(text string) (int, error) { return s.Write([]byte(text)) }

// ReadFrom hides the method of the file for the same reason.
func (s *screen) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{s}, r) }

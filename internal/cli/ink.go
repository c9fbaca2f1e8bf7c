package cli

import (
	"io"
	"os"
)

// ink is the colour of a text on a terminal: an SGR parameter of ECMA-48.
type ink string

const (
	faint  ink = "2"
	red    ink = "31"
	green  ink = "32"
	yellow ink = "33"
)

// palette says whether to use colours.
type palette bool

func (p palette) paint(i ink, text string) string {
	if !p || i == "" || text == "" {
		return text
	}
	return "\x1b[" + string(i) + "m" + text + "\x1b[0m"
}

// paletteFor uses colours on a terminal that can show them, unless NO_COLOR (no-color.org) is set.
func paletteFor(w io.Writer) palette {
	return palette(os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w))
}

// isTerminal treats every character device as a terminal. Colours on /dev/null do no harm.
func isTerminal(w io.Writer) bool {
	f, ok := fileOf(w)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

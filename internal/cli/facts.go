package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"jobsd/internal/plain"
)

// fact is one line about something: "user: nobody".
type fact struct {
	key, text string
	ink       ink
}

type facts []fact

func (f *facts) add(key string, i ink, format string, args ...any) {
	*f = append(*f, fact{key, fmt.Sprintf(format, args...), i})
}

// write prints the facts with their keys in a column, for a terminal of that width; 0: there is no terminal.
func (f facts) write(w io.Writer, p palette, column, width int) {
	for _, fact := range f {
		key := fact.key + ":"
		for _, line := range fitted(fact.text, width-column-1) {
			fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-*s %s", column, key, p.paint(fact.ink, line)), " "))
			key = ""
		}
	}
}

// fitted returns the lines of a text, and breaks lines that are longer than width if width is above 0. A line that fits
// keeps its blanks, because they may matter in a script. Control characters become visible.
func fitted(text string, width int) (lines []string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		line = visibly(line)
		if width > 0 && utf8.RuneCountInString(line) > width {
			lines = append(lines, plain.Wrap(line, width)...)
		} else {
			lines = append(lines, line)
		}
	}
	return lines
}

// visibly writes control characters like Go, and a tab as blanks.
func visibly(text string) string { return plain.Line(strings.ReplaceAll(text, "\t", "    ")) }

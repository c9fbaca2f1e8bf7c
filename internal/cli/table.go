package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
)

// column is one column of a table.
type column struct {
	head   string
	width  int  // minimum width, so that the table does not jump while its times change
	right  bool // flush right
	shrink bool // shorten its texts if a row is wider than the terminal
	below  bool // a text that does not fit into the row goes on lines below it; only for the last column
}

// cell is one field of a table.
type cell struct {
	text string
	ink  ink
}

// writeTable prints rows under their heads, with two spaces between the columns and none at the end of a line. If w is a
// terminal, it makes the rows fit.
func writeTable(w io.Writer, p palette, columns []column, rows [][]cell) {
	writeTableIn(w, p, terminalWidth(w), columns, rows)
}

// writeTableIn does the same for a terminal of that width; 0: there is no terminal.
func writeTableIn(w io.Writer, p palette, width int, columns []column, rows [][]cell) {
	heads := make([]cell, len(columns))
	for i, c := range columns {
		heads[i] = cell{c.head, faint}
	}
	rows = append([][]cell{heads}, rows...)
	columns, rows = withoutEmpty(columns, rows)
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = c.width
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	if width > 0 {
		shrink(width, columns, widths, rows)
	}
	last := len(columns) - 1
	for n, row := range rows {
		notes := cell{}
		if width > 0 && columns[last].below && sum(widths[:last])+utf8.RuneCountInString(row[last].text) > width {
			notes = row[last]
			row = append(row[:last:last], cell{})
		}
		if n == 0 { // a head gets no lines below it
			notes = cell{}
		}
		fmt.Fprintln(w, line(p, columns, widths, row))
		for _, text := range plain.Wrap(notes.text, width-len(belowIndent)) {
			fmt.Fprintln(w, belowIndent+p.paint(notes.ink, text))
		}
	}
}

// belowIndent indents texts that did not fit into a row.
const belowIndent = "    "

// withoutEmpty leaves out columns that have neither a head nor a text, except for the last column.
func withoutEmpty(columns []column, rows [][]cell) (kept []column, cells [][]cell) {
	cells = make([][]cell, len(rows))
	for i, c := range columns {
		used := i == len(columns)-1
		for _, row := range rows {
			used = used || row[i].text != ""
		}
		if !used {
			continue
		}
		kept = append(kept, c)
		for n, row := range rows {
			cells[n] = append(cells[n], row[i])
		}
	}
	return kept, cells
}

// leastShrunk is the shortest length of a shortened text.
const leastShrunk = 8

// shrink shortens texts so that rows fit, as far as possible.
func shrink(width int, columns []column, widths []int, rows [][]cell) {
	fixed := len(columns)
	if columns[fixed-1].below {
		fixed--
	}
	over := sum(widths[:fixed]) - 2 - width
	for i, c := range columns[:fixed] {
		if !c.shrink || over <= 0 {
			continue
		}
		short := max(min(widths[i], leastShrunk), widths[i]-over)
		over -= widths[i] - short
		widths[i] = short
		for _, row := range rows {
			row[i].text = shorten(row[i].text, short)
		}
	}
}

// shorten leaves out the middle of a text, because names differ at their ends.
func shorten(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width || width < 4 {
		return text
	}
	tail := (width - 2) / 2
	return string(runes[:width-2-tail]) + ".." + string(runes[len(runes)-tail:])
}

// sum is the width of columns with the spaces after each.
func sum(widths []int) int {
	total := 0
	for _, w := range widths {
		total += w + 2
	}
	return total
}

func line(p palette, columns []column, widths []int, row []cell) string {
	fields := make([]string, len(row))
	for i, c := range row {
		pad := strings.Repeat(" ", max(widths[i]-utf8.RuneCountInString(c.text), 0))
		if columns[i].right {
			fields[i] = pad + p.paint(c.ink, c.text)
		} else {
			fields[i] = p.paint(c.ink, c.text) + pad
		}
	}
	return strings.TrimRight(strings.Join(fields, "  "), " ")
}

// usualWidth is the assumed width of a terminal that does not report its own.
const usualWidth = 80

// terminalWidth returns how many characters fit into a line of w, 0 if w is no terminal.
func terminalWidth(w io.Writer) int {
	f, ok := fileOf(w)
	if !ok {
		return 0
	}
	size, err := unix.IoctlGetWinsize(int(f.Fd()), unix.TIOCGWINSZ)
	switch {
	case err != nil:
		return 0
	case size.Col == 0:
		return usualWidth
	}
	return int(size.Col)
}

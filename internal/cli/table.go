package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// column is one column of a table.
type column struct {
	head  string
	width int  // at least this wide, so that the table keeps still while its times change
	right bool // flush right
}

// cell is one field of a table.
type cell struct {
	text string
	ink  ink
}

// writeTable prints rows under their heads, two spaces between the columns and none at the end of a line.
func writeTable(w io.Writer, p palette, columns []column, rows [][]cell) {
	heads := make([]cell, len(columns))
	for i, c := range columns {
		heads[i] = cell{c.head, faint}
	}
	rows = append([][]cell{heads}, rows...)
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = c.width
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i].text))
		}
	}
	for _, row := range rows {
		fmt.Fprintln(w, line(p, columns, widths, row))
	}
}

func line(p palette, columns []column, widths []int, row []cell) string {
	fields := make([]string, len(row))
	for i, c := range row {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text))
		if columns[i].right {
			fields[i] = pad + p.paint(c.ink, c.text)
		} else {
			fields[i] = p.paint(c.ink, c.text) + pad
		}
	}
	return strings.TrimRight(strings.Join(fields, "  "), " ")
}

package man

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"jobsd/internal/plain"
)

// textWidth is the longest line of a page in plain text, in characters.
const textWidth = 78

// Text returns the page with that name in plain text, for systems without mandoc and man. It knows only the macros that
// our pages use; a test compares the result with mandoc.
func Text(name string) (string, bool) {
	source, ok := Page(name)
	if !ok {
		return "", false
	}
	f := &formatter{}
	for line := range strings.Lines(string(source)) {
		f.line(strings.TrimRight(line, "\n"))
	}
	f.flush()
	return strings.TrimLeft(f.out.String(), "\n"), true
}

// formatter turns mdoc into plain text.
type formatter struct {
	out      strings.Builder
	name     string // the program, for .Nm
	section  string // title of the last .Sh
	words    words  // the current paragraph
	hang     int    // extra indent of its lines after the first
	first    string // text in front of its first line, which replaces part of the indent
	indent   int
	lists    []list // the lists around the current paragraph, the innermost last
	literal  bool   // between .Bd -literal and .Ed
	verbatim int    // indent of literal text
	gap      bool   // the last line is empty, or a heading
}

// list is an open .Bl.
type list struct {
	kind    string // tag, bullet, enum or column
	compact bool
	indent  int   // of its items
	body    int   // extra indent of their texts
	columns []int // widths
	number  int   // of the last item
}

// line formats one line of the source.
func (f *formatter) line(line string) {
	switch {
	case f.literal && line != ".Ed":
		f.print(strings.Repeat(" ", f.verbatim) + expand(unescape(line)))
	case !strings.HasPrefix(line, "."):
		f.words.add(strings.Fields(unescape(line))...)
	default:
		name, rest, _ := strings.Cut(line[1:], " ")
		f.macro(name, arguments(rest))
	}
}

// expand replaces the tabs at the beginning of a line by blanks.
func expand(line string) string {
	text := strings.TrimLeft(line, "\t")
	return strings.Repeat("    ", len(line)-len(text)) + text
}

// macro formats a line that begins with a macro.
func (f *formatter) macro(name string, args []string) {
	switch name {
	case "Dd", "Os":
	case "Dt":
		title := args[0] + "(" + args[1] + ")"
		f.print(fmt.Sprintf("%s%*s", title, textWidth-len(title), title))
	case "Sh":
		f.heading(0, args)
		f.section = strings.Join(args, " ")
		f.indent = 5
	case "Ss":
		f.heading(3, args)
	case "Pp":
		f.flush()
		f.blank()
	case "Bl":
		f.begin(args)
	case "It":
		f.item(args)
	case "El":
		f.end()
	case "Bd":
		f.flush()
		f.blank()
		f.literal, f.verbatim = true, f.indent+6
	case "Ed":
		f.literal = false
	case "Dl":
		f.flush()
		f.indent += 6
		f.inline(args)
		f.flush()
		f.indent -= 6
	case "Nm":
		if f.section == "SYNOPSIS" {
			f.flush()
			f.hang = len(f.name) + 1
		}
		f.inline(append([]string{name}, args...))
	default:
		f.inline(append([]string{name}, args...))
	}
}

func (f *formatter) heading(indent int, args []string) {
	f.flush()
	f.lists = nil
	f.blank()
	f.print(strings.Repeat(" ", indent) + unescape(strings.Join(args, " ")))
	f.gap = true
}

// print writes a line without blanks at its end.
func (f *formatter) print(line string) {
	f.out.WriteString(strings.TrimRight(line, " ") + "\n")
	f.gap = false
}

// blank writes an empty line, except after another one or a heading.
func (f *formatter) blank() {
	if !f.gap {
		f.out.WriteByte('\n')
		f.gap = true
	}
}

func (f *formatter) begin(args []string) {
	f.flush()
	l := list{indent: f.indent, body: 8}
	for i := 0; i < len(args); i++ {
		switch arg := args[i]; {
		case arg == "-compact":
			l.compact = true
		case arg == "-offset":
			l.indent += 6
			i++
		case arg == "-width":
			i++
			if n := len(args[i]) + 2; args[i] != "Ds" && n <= 16 {
				l.body = n
			}
		case strings.HasPrefix(arg, "-"):
			l.kind = arg[1:]
		default:
			l.columns = append(l.columns, utf8.RuneCountInString(unescape(arg))+2)
		}
	}
	if l.kind == "bullet" || l.kind == "enum" {
		l.body = 4
	}
	if l.kind == "column" {
		f.blank()
		l.compact = true
	}
	f.lists = append(f.lists, l)
}

func (f *formatter) item(args []string) {
	f.flush()
	l := &f.lists[len(f.lists)-1]
	if !l.compact {
		f.blank()
	}
	l.number++
	f.indent = l.indent
	switch l.kind {
	case "column":
		f.cells(l, args)
	case "tag":
		f.inline(args)
		head := f.words.String()
		f.words = words{}
		f.indent += l.body
		if utf8.RuneCountInString(head) < l.body {
			f.first = strings.Repeat(" ", l.indent) + head
			return
		}
		f.first = ""
		for _, line := range plain.Wrap(head, textWidth-l.indent) {
			f.print(strings.Repeat(" ", l.indent) + line)
		}
	case "enum":
		f.first = fmt.Sprintf("%*s%d.", l.indent, "", l.number)
		f.indent += l.body
	default:
		f.first = fmt.Sprintf("%*so", l.indent, "")
		f.indent += l.body
	}
}

// cells begins a row of a table. The last cell may continue in the next source lines, so it becomes a paragraph.
func (f *formatter) cells(l *list, args []string) {
	first, column := "", 0
	for cell := range splitCells(args) {
		if f.words.String() != "" {
			text := f.words.String()
			f.words = words{}
			first += text
			column++
			to := l.indent
			for _, w := range l.columns[:min(column, len(l.columns))] {
				to += w
			}
			first += strings.Repeat(" ", max(to-l.indent-utf8.RuneCountInString(first), 2))
		}
		f.inline(cell)
	}
	f.first = strings.Repeat(" ", l.indent) + first
	f.indent = utf8.RuneCountInString(f.first)
}

// splitCells yields the arguments of each cell of a row; Ta separates cells.
func splitCells(args []string) func(yield func([]string) bool) {
	return func(yield func([]string) bool) {
		var cell []string
		for _, arg := range args {
			if arg == "Ta" {
				if !yield(cell) {
					return
				}
				cell = nil
			} else {
				cell = append(cell, arg)
			}
		}
		yield(cell)
	}
}

func (f *formatter) end() {
	f.flush()
	l := f.lists[len(f.lists)-1]
	f.lists = f.lists[:len(f.lists)-1]
	f.indent = l.indent
	if len(f.lists) > 0 {
		outer := f.lists[len(f.lists)-1]
		f.indent = outer.indent + outer.body
	} else {
		f.indent = 5
	}
}

// flush writes the current paragraph.
func (f *formatter) flush() {
	text := f.words.String()
	f.words = words{}
	first, hang := f.first, f.hang
	f.first, f.hang = "", 0
	if text == "" {
		if first != "" {
			f.print(first)
		}
		return
	}
	indent := strings.Repeat(" ", f.indent)
	if pad := f.indent - utf8.RuneCountInString(first); pad > 0 {
		first += strings.Repeat(" ", pad)
	}
	lines := plain.Wrap(text, max(textWidth-f.indent-hang, 20))
	for i, line := range lines {
		switch {
		case i > 0:
			f.print(indent + strings.Repeat(" ", hang) + line)
		case first != "":
			f.print(first + line)
		default:
			f.print(indent + line)
		}
	}
}

package jobfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"jobsd/internal/plain"
)

// Error is one mistake in a job file or in the settings.
type Error struct {
	File   string
	Line   int    // from 1; 0: about the file as a whole
	Column int    // from 1, in characters; 0 where Line is
	Key    string // dotted, as in "log.max_size"; "" when it is about no key
	Text   string // what is wrong, and what mends it
}

// Error returns "file:line:column: key: what is wrong".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Text)
	return b.String()
}

// source is the text of one file.
type source struct {
	name   string // as errors call it
	dir    string // what relative paths in it count from
	text   string // without a byte order mark
	secret bool   // reached through a symbolic link: nothing that stands in it is ever shown
}

const byteOrderMark = "\xef\xbb\xbf"

func newSource(name, dir, text string) *source {
	return &source{name: name, dir: dir, text: strings.TrimPrefix(text, byteOrderMark)}
}

// position returns the line and column of a byte offset; one past the end is that of the last character.
func (s *source) position(offset int) (line, column int) {
	offset = max(0, min(offset, len(strings.TrimRight(s.text, " \t\r\n"))))
	before := s.text[:offset]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// fail makes the error at a byte offset. Of args, only what is of type known is shown when the source is secret.
func (s *source) fail(offset int, key, format string, args ...any) *Error {
	line, column := s.position(offset)
	for i, arg := range args {
		_, safe := arg.(known)
		switch {
		case safe:
		case s.secret:
			args[i] = hidden{}
		default:
			args[i] = shown(arg)
		}
	}
	return &Error{File: s.name, Line: line, Column: column, Key: key, Text: fmt.Sprintf(format, args...)}
}

// known is text of this program's own, not of a file.
type known string

// hidden stands for what is not shown, whatever the verb.
type hidden struct{}

func (hidden) Format(f fmt.State, _ rune) { f.Write([]byte("(not shown: behind a symbolic link)")) }

// shown is what a file says, cut to what fits a line.
func shown(arg any) any {
	if s, ok := arg.(string); ok {
		return cut(s)
	}
	return arg
}

func cut(s string) string {
	const most = 80
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// printable returns name as it is if it can stand in a line of text, else quoted.
func printable(name string) string { return plain.Word(name) }

// Errors are several errors, each with a line of its own.
type Errors []error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns them.
func (e Errors) Unwrap() []error { return e }

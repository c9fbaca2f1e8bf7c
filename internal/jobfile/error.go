package jobfile

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"jobsd/internal/plain"
	"jobsd/internal/trust"
)

// Error is one mistake in a job file or in the settings.
type Error struct {
	File   string // "": the mistake concerns no file
	Line   int    // from 1; 0: the mistake concerns the whole file
	Column int    // from 1, in characters; 0 where Line is
	Key    string // dotted, as in "log.max_size"; "": the mistake concerns no key
	Text   string // what is wrong, and how to fix it

	cause error // nil, or what Text is the text of
}

// at makes the error of a path.
func at(path string, err error) *Error {
	return &Error{File: plain.Word(path), Text: err.Error(), cause: err}
}

// Unwrap returns the error of the system behind e, if any.
func (e *Error) Unwrap() error { return e.cause }

// Error returns "file:line:column: key: what is wrong".
func (e *Error) Error() string {
	var b strings.Builder
	if b.WriteString(e.File); e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString(e.Text)
	return b.String()
}

// source is the text of one file.
type source struct {
	name   string // the name in errors
	dir    string // the base of relative paths in the file
	text   string // without a byte order mark
	secret bool   // the file was reached through a symbolic link: errors must not show its content
}

const byteOrderMark = "\xef\xbb\xbf"

func newSource(name, dir, text string) *source {
	return &source{name: name, dir: dir, text: strings.TrimPrefix(text, byteOrderMark)}
}

// position returns the line and column of a byte offset. An offset past the end counts as the last character.
func (s *source) position(offset int) (line, column int) {
	offset = max(0, min(offset, len(strings.TrimRight(s.text, " \t\r\n"))))
	before := s.text[:offset]
	start := strings.LastIndexByte(before, '\n') + 1
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[start:]) + 1
}

// fail makes the error at a byte offset. If the source is secret, it shows only those args that have the type known.
func (s *source) fail(offset int, key, format string, args ...any) *Error {
	line, column := s.position(offset)
	for i, arg := range args {
		text, isText := arg.(string)
		if _, safe := arg.(known); s.secret && !safe {
			args[i] = hidden{}
		} else if isText {
			args[i] = cut(text)
		}
	}
	return &Error{File: s.name, Line: line, Column: column, Key: key, Text: fmt.Sprintf(format, args...)}
}

// known is text of this program, not of a file.
type known string

// hidden replaces an argument that must not be shown, with every formatting verb.
type hidden struct{}

func (hidden) Format(f fmt.State, _ rune) { f.Write([]byte("(not shown: behind a symbolic link)")) }

// cut cuts text of a file to fit on a line.
func cut(s string) string { return plain.Cut(s, 80) }

// Errors are several errors, one on each line.
type Errors []error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, err := range e {
		lines[i] = err.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the single errors.
func (e Errors) Unwrap() []error { return e }

// Mistakes returns the single errors of errs.
func Mistakes(errs ...error) (list []*Error) {
	for _, err := range errs {
		switch err := err.(type) {
		case *Error:
			list = append(list, err)
		case Errors:
			list = append(list, Mistakes(err...)...)
		case *trust.PathError:
			list = append(list, at(err.Path, err.Err))
		default:
			list = append(list, &Error{Text: err.Error(), cause: err})
		}
	}
	return list
}

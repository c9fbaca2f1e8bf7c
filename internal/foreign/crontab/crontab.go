// Package crontab translates crontabs into jobs, by the rules of cronie and of Debian's cron. It reads no files.
package crontab

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"jobsd/internal/foreign"
)

// Options are what a translation depends on beside the text.
type Options struct {
	System  bool                             // each entry names its user, as in /etc/crontab
	Now     time.Time                        // to refuse dates that never come
	Local   *time.Location                   // of entries without a zone; nil: UTC
	HasUser func(name string) bool           // nil: all are there
	Pick    func(entry string, most int) int // from 0 to most, always the same for an entry; nil: 0
}

// Parse translates one crontab. The names of the jobs are not unique yet.
func Parse(file, text string, o Options) *foreign.Result {
	t := &translator{Options: o, Place: foreign.Place{File: file}, env: map[string]string{}}
	for line := range strings.Lines(text) {
		t.Line++
		t.line(line)
	}
	return &t.result
}

// translator goes through a crontab. Place is the line that it has come to.
type translator struct {
	Options
	foreign.Place
	env     map[string]string // as set up to here
	comment []string          // the lines directly above
	result  foreign.Result
}

func (t *translator) refuse(format string, args ...any) {
	t.result.Refuse(t.Place, format, args...)
}

func (t *translator) note(format string, args ...any) { t.result.Note(t.Place, format, args...) }

// general notes what is about more than one line.
func (t *translator) general(text string) { t.result.Note(foreign.Place{}, "%s", text) }

func (t *translator) line(line string) {
	line, ended := strings.CutSuffix(line, "\n")
	line, crlf := strings.CutSuffix(line, "\r")
	line = strings.TrimLeft(line, blanks)
	t.Text = line
	if line == "" {
		t.comment = nil
		return
	}
	if line[0] == '#' {
		t.remember(line)
		return
	}
	defer func() { t.comment = nil }()
	switch name, value, ok := setting(line); {
	case !utf8.ValidString(line) || strings.ContainsRune(line, 0):
		t.refuse("is not text in UTF-8")
		return
	case ok:
		t.set(name, value)
	default:
		t.entry(line)
	}
	if !ended {
		t.note("has no newline at its end, so cron passes it over; it is carried over")
	}
	if crlf {
		t.general("lines end in CR LF: cron makes the CR part of commands; it is left out")
	}
}

// remember keeps a comment for the description of the entry that may follow. An entry that is commented out and what
// is above it describe nothing, nor do headings of the columns.
func (t *translator) remember(line string) {
	text := strings.TrimSpace(strings.TrimLeft(line, "#"))
	switch words := strings.Fields(text); {
	case !strings.ContainsFunc(text, unicode.IsLetter) && !strings.ContainsFunc(text, unicode.IsDigit):
	case len(words) > 1 && words[0] == "m" && words[1] == "h", commentedOut(text):
		t.comment = nil
	default:
		t.comment = append(t.comment, strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "?"))
	}
}

// commentedOut tells whether a comment would be an entry without its sign.
func commentedOut(text string) bool {
	first, rest := word(text)
	if macros[first] || first == "@reboot" {
		return rest != ""
	}
	_, rest, err := expression(text, nil)
	return err == nil && rest != ""
}

const blanks = " \t"

// word cuts off the first word and the blanks behind it.
func word(s string) (first, rest string) {
	end := strings.IndexAny(s, blanks)
	if end < 0 {
		return s, ""
	}
	return s[:end], strings.TrimLeft(s[end:], blanks)
}

package jobfile

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"jobsd/internal/plain"
	"jobsd/internal/schedule"
)

// The library says what its parser expected. This file says what to write instead, for the few kinds of mistakes that
// people make. The text may be a secret without its quotes, so errors show it only if it is a time.

// assignment matches a line with a value that is not a string, a list or a table.
var assignment = regexp.MustCompile(`^[ \t]*([A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)[ \t]*=[ \t]*([^"'\[{#\s][^#]*)`)

// unquotedTOML explains a message of the library about text without quotes. key is "" if it is not a key of jobsd.
func unquotedTOML(src *source, at int, message string) (where int, key, text string) {
	start := strings.LastIndexByte(src.text[:at], '\n') + 1
	line, _, _ := strings.Cut(src.text[start:], "\n")
	m := assignment.FindStringSubmatchIndex(line)
	switch {
	case strings.HasPrefix(message, "expected '.' or '=', but got ':'"):
		return at, "", `use = between a key and its value, not ":"`
	case !isUnquoted(message):
		return at, "", ""
	case strings.HasPrefix(message, "expected a comma"):
		return at, "", arrayWords(src.text, start, at)
	case strings.HasPrefix(message, "expected value") && strings.TrimLeft(line[at-start:], " \t\r") == "":
		return at, "", "a value is missing here"
	case m == nil && strings.HasPrefix(message, "expected a top-level item"):
		return at, "", "there is text after the value: put each key on its own line"
	case m == nil:
		return at, "", `put text in quotes: "..."`
	}
	name, value := line[m[2]:m[3]], strings.TrimSpace(line[m[4]:m[5]])
	where = start + m[4]
	if k := jobKeys.byName[name]; k != nil {
		key = name
		if word := likeBool(value); k.typ == "bool" && word != "" {
			return where, key, "use " + name + " = " + word
		}
	}
	if strings.ContainsAny(value, "\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb") {
		return where, key, `use straight quotes: "..."`
	}
	return where, key, "put text in quotes: " + plain.Word(cut(name)) + " = " + quotedTime(name, value)
}

// arrayWords explains a missing comma or a missing end of an array.
func arrayWords(text string, start, at int) string {
	rest := text[at:]
	switch {
	case strings.TrimSpace(rest) == "" || strings.TrimSpace(text[start:at]) == "" && startsKey.MatchString(rest):
		return "the array does not end: add a ]"
	case strings.IndexByte("\"'[{", rest[0]) >= 0:
		return "add a comma before this"
	}
	return `put text in quotes: "..."`
}

var startsKey = regexp.MustCompile(`^(\[|[A-Za-z0-9_.-]+[ \t]*=)`)

// isUnquoted recognises the messages that the library has for text without quotes.
func isUnquoted(message string) bool {
	for _, begin := range []string{
		"expected value but found", "expected a top-level item to end", "invalid datetime", "expected a comma",
		"expected a digit", "invalid date", "invalid time",
	} {
		if strings.HasPrefix(strings.ToLower(message), begin) {
			return true
		}
	}
	return false
}

func likeBool(value string) string {
	switch strings.ToLower(value) {
	case "yes", "on", "true", "y":
		return "true"
	case "no", "off", "false", "n":
		return "false"
	}
	return ""
}

// quotedTime returns a value in quotes, or three dots if it may be a secret.
func quotedTime(key, value string) string {
	var k schedule.Keys
	switch key {
	case "start_at":
		k.StartAt = []string{value}
	case "days":
		k.StartAt, k.Days = []string{"noon"}, []string{value}
	case "cron":
		k.Cron = []string{value}
	case "every":
		k.Every = &value
	case "at":
		k.At = &value
	case "from":
		day := "1d"
		k.Every, k.From = &day, &value
	default:
		if _, err := schedule.ParseDuration(value); err != nil || jobKeys.byName[key] == nil || jobKeys.byName[key].typ != "duration" {
			return `"..."`
		}
	}
	if _, errs := schedule.Parse(k, time.UTC, time.Now()); errs != nil && !strings.Contains(errs[0].Reason, "never comes") {
		return `"..."`
	}
	return strconv.Quote(value)
}

// dates pairs the forms of a date or time in TOML with the forms that jobsd reads.
var dates = [][2]string{
	{"2006-01-02 15:04:05", "2006-01-02 15:04"}, {"2006-01-02T15:04:05", "2006-01-02 15:04"}, {"15:04:05", "15:04"},
	{"2006-01-02T15:04", "2006-01-02 15:04"},
}

// quotedDate returns a date or time of TOML as the string that is probably meant, or three dots if it may be a secret.
func quotedDate(key string, n *node) any {
	if key != "start_at" && key != "at" && key != "from" {
		return known(`"..."`)
	}
	raw := n.src.text[n.at:]
	if end := strings.IndexAny(raw, ",]}#\r\n"); end >= 0 {
		raw = raw[:end]
	}
	raw = strings.TrimSpace(raw)
	for _, form := range dates {
		if t, err := time.Parse(form[0], raw); err == nil && t.Second() == 0 {
			raw = t.Format(form[1])
		}
	}
	return strconv.Quote(raw)
}

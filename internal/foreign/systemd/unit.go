// Package systemd translates timers and their services into jobs, in the common forms of systemd.timer(5) and
// systemd.service(5). It reads no files.
package systemd

import (
	"strings"
	"unicode/utf8"

	"jobsd/internal/foreign"
)

// Unit is the text of a unit: its own file, then its drop-ins in their order.
type Unit struct {
	Name   string
	Files  []File
	Masked bool // the file is empty, or a link to /dev/null
}

// File is one file of a unit.
type File struct{ Path, Text string }

// setting is one assignment.
type setting struct {
	foreign.Place
	key   string // with its section: Timer.OnCalendar
	value string
}

// settings returns the assignments in force, ordered by the first appearance of their keys. An empty assignment cancels
// the previous ones. Invalid lines are refused.
func (u Unit) settings(r *foreign.Result) (keys []string, byKey map[string][]setting) {
	byKey = map[string][]setting{}
	for _, f := range u.Files {
		section := ""
		for _, line := range logicalLines(f) {
			if strings.HasPrefix(line.Text, "[") && strings.HasSuffix(line.Text, "]") {
				section = line.Text[1 : len(line.Text)-1]
				continue
			}
			key, value, ok := strings.Cut(line.Text, "=")
			key, value = strings.TrimSpace(key), strings.TrimSpace(value)
			switch {
			case !utf8.ValidString(line.Text) || strings.ContainsRune(line.Text, 0):
				r.Refuse(line, "is not UTF-8 text")
				continue
			case !ok || section == "" || key == "":
				r.Refuse(line, "is neither a section nor a setting in a section")
				continue
			case strings.HasPrefix(key, "X-") || strings.HasPrefix(section, "X-"):
				r.Note(line, "systemd ignores it too")
				continue
			}
			key = section + "." + key
			if _, ok := byKey[key]; !ok {
				keys = append(keys, key)
			}
			if value == "" {
				byKey[key] = nil
				continue
			}
			byKey[key] = append(byKey[key], setting{line, key, value})
		}
	}
	return keys, byKey
}

// logicalLines joins lines that end in a backslash, and removes comments and empty lines.
func logicalLines(f File) (lines []foreign.Place) {
	number, open := 0, false
	for line := range strings.Lines(f.Text) {
		number++
		line = strings.TrimSpace(line)
		if line != "" && (line[0] == '#' || line[0] == ';') || line == "" && !open {
			continue
		}
		text, continued := strings.CutSuffix(line, `\`)
		if open {
			last := &lines[len(lines)-1]
			last.Text = strings.TrimRight(last.Text, " ") + " " + text
		} else {
			lines = append(lines, foreign.Place{File: f.Path, Line: number, Text: text})
		}
		open = continued
	}
	for i := range lines {
		lines[i].Text = strings.TrimSpace(lines[i].Text)
	}
	return lines
}

// Service returns the name of the service that a timer starts.
func (u Unit) Service() string {
	_, byKey := u.settings(&foreign.Result{})
	if s := byKey["Timer.Unit"]; len(s) > 0 {
		if name, err := (scope{unit: u.Name}).literal(s[len(s)-1].value); err == nil {
			return name
		}
		return s[len(s)-1].value
	}
	return strings.TrimSuffix(u.Name, ".timer") + ".service"
}

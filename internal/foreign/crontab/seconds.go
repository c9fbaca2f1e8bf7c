package crontab

import (
	"fmt"
	"regexp"
	"strings"
)

// Possible fields after the fifth: a weekday in a cron that begins with seconds, and a year.
var (
	weekdayField = regexp.MustCompile(`^(\*|\?|\*/\d+|` + day + `([-,/]` + day + `)*|` + day + `?L|` + day + `#\d)$`)
	yearField    = regexp.MustCompile(`^(19|20)\d\d([-,/]\d+)*$`)
)

const day = `(\d|(?i:sun|mon|tue|wed|thu|fri|sat))`

// six is an entry of six or seven fields: with seconds first, and perhaps a year last.
type six struct {
	cron, rest string
}

// withSeconds reads an entry of six or seven fields, as in supercronic, Spring, Quartz and others. cron refuses it or
// takes a field for a command. ok is false for other entries. The meaning of the fields depends on the program: an
// entry with two possible meanings is refused, with both in the error.
func (e *entry) withSeconds(line string) (s six, ok bool, err error) {
	words := make([]string, 7)
	rest, behind := line, ""
	for i := range words {
		if words[i], rest = word(rest); i == 5 {
			behind = rest
		}
	}
	year := yearField.MatchString(words[6]) || words[6] == "*" || words[6] == "?"
	switch _, _, err := expression(strings.Join(words[:5], " ")+" x", nil); {
	case behind == "" || e.System && e.HasUser != nil && e.HasUser(words[5]):
		return six{}, false, nil
	case yearField.MatchString(words[5]) && err == nil:
		return six{}, false, fmt.Errorf("it has a year, which cron does not support; use the key at for a single time")
	case !weekdayField.MatchString(words[5]):
		return six{}, false, nil
	case year:
		behind = rest
	}
	return e.secondsFirst(words, year, behind)
}

// secondsFirst reads the fields after the seconds.
func (e *entry) secondsFirst(words []string, year bool, behind string) (six, bool, error) {
	five := strings.Join(words[1:6], " ")
	if !year && words[5] == "*" && !strings.Contains(five, "?") {
		if _, _, err := expression(strings.Join(words[:5], " ")+" x", nil); err == nil {
			return six{}, false, e.ambiguous(words)
		}
	}
	switch seconds := words[0]; {
	case strings.Trim(seconds, "0") != "" && strings.HasPrefix(seconds, "*/"):
		return six{}, false, fmt.Errorf("it has seconds, but jobs are due at whole minutes; write the job by hand, with every = %q",
			seconds[2:]+"s")
	case strings.Trim(seconds, "0") != "":
		return six{}, false, fmt.Errorf("it has seconds, but jobs are due at whole minutes")
	case year && words[6] != "*" && words[6] != "?":
		return six{}, false, fmt.Errorf("it has a year, which cron does not support; use the key at for a single time")
	case strings.Contains(five, "?") && strings.ContainsAny(words[5], "01234567"):
		return six{}, false, fmt.Errorf("weekday %q: 1 is Sunday in Quartz, and Monday in all others; write names such as mon", words[5])
	}
	plain := strings.ReplaceAll(five, "?", "*")
	cron, _, err := expression(plain+" x", &e.reading)
	if err != nil {
		return six{}, false, err
	}
	e.reading.note("it has more than five fields, which cron refuses; it is read with seconds first, as %q", plain)
	return six{cron, behind}, true, nil
}

// ambiguous returns an error with both meanings of six fields.
func (e *entry) ambiguous(words []string) error {
	first, last := strings.Join(words[1:6], " "), strings.Join(words[:5], " ")
	if words[0] == "*" {
		return fmt.Errorf("it has six fields, which cron refuses: they mean every second, or every minute with a year last (%q)", last)
	}
	return fmt.Errorf("it has six fields, which cron refuses: they mean %q with seconds first, or %q with a year last; remove the extra one", first, last)
}

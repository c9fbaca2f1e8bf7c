package crontab

import (
	"fmt"
	"regexp"
	"strings"
)

// Of what looks like a field behind the fifth: a weekday as those have it that begin with seconds, and a year.
var (
	weekdayField = regexp.MustCompile(`^(\*|\?|\*/\d+|` + day + `([-,/]` + day + `)*|` + day + `?L|` + day + `#\d)$`)
	yearField    = regexp.MustCompile(`^(19|20)\d\d([-,/]\d+)*$`)
)

const day = `(\d|(?i:sun|mon|tue|wed|thu|fri|sat))`

// six are an entry of six or seven fields: seconds in front, and perhaps a year behind.
type six struct {
	cron, rest string
}

// withSeconds reads an entry of six or seven fields, which supercronic, Spring, Quartz and others have and cron refuses
// or takes for a command. It is not ok for others. Which of the fields mean what depends on the program: where two
// readings are possible, the entry is refused with both.
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
		return six{}, false, fmt.Errorf("it names years, and cron has none; for one time there is the key at")
	case !weekdayField.MatchString(words[5]):
		return six{}, false, nil
	case year:
		behind = rest
	}
	return e.secondsFirst(words, year, behind)
}

// secondsFirst reads the fields behind the seconds.
func (e *entry) secondsFirst(words []string, year bool, behind string) (six, bool, error) {
	five := strings.Join(words[1:6], " ")
	if !year && words[5] == "*" && !strings.Contains(five, "?") {
		if _, _, err := expression(strings.Join(words[:5], " ")+" x", nil); err == nil {
			return six{}, false, e.ambiguous(words)
		}
	}
	switch seconds := words[0]; {
	case strings.Trim(seconds, "0") != "" && strings.HasPrefix(seconds, "*/"):
		return six{}, false, fmt.Errorf("it names seconds, and jobs are due at whole minutes; write the job by hand, with every = %q",
			seconds[2:]+"s")
	case strings.Trim(seconds, "0") != "":
		return six{}, false, fmt.Errorf("it names seconds, and jobs are due at whole minutes")
	case year && words[6] != "*" && words[6] != "?":
		return six{}, false, fmt.Errorf("it names years, and cron has none; for one time there is the key at")
	case strings.Contains(five, "?") && strings.ContainsAny(words[5], "01234567"):
		return six{}, false, fmt.Errorf("weekday %q: to Quartz 1 is Sunday, to all others Monday; write names such as mon", words[5])
	}
	plain := strings.ReplaceAll(five, "?", "*")
	cron, _, err := expression(plain+" x", &e.reading)
	if err != nil {
		return six{}, false, err
	}
	e.reading.note("more than five fields, which cron refuses; with seconds first it is read as %q", plain)
	return six{cron, behind}, true, nil
}

// ambiguous names both readings of six fields.
func (e *entry) ambiguous(words []string) error {
	first, last := strings.Join(words[1:6], " "), strings.Join(words[:5], " ")
	if words[0] == "*" {
		return fmt.Errorf("six fields, which cron refuses: every second, or every minute with a year last (%q)", last)
	}
	return fmt.Errorf("six fields, which cron refuses: %q with seconds first, or %q with a year last; leave out the one that is too many", first, last)
}

package crontab

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// field is one of the five fields of an entry, as cron reads it.
type field struct {
	name     string
	min, max int
	names    string // of the values from min on, three letters each
}

var fields = [5]field{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day", 1, 31, ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"weekday", 0, 7, "sunmontuewedthufrisat"},
}

var macros = map[string]bool{
	"@hourly": true, "@daily": true, "@midnight": true, "@weekly": true, "@monthly": true, "@yearly": true, "@annually": true,
}

// reading collects what belongs to the time of an entry: the values picked for a~b, and the notes.
type reading struct {
	pick  func(most int) int
	every time.Duration // instead of an expression
	alone bool          // cron starts no second run at the same time
	notes []string
}

func (r *reading) note(format string, args ...any) {
	if r != nil {
		r.notes = append(r.notes, fmt.Sprintf(format, args...))
	}
}

var errFields = errors.New("is neither a setting (NAME = value) nor an entry of five fields and a command")

// expression reads the five fields at the beginning of an entry and writes them as a value of the key cron. The minutes
// are the same, and the same fields begin with a star, because that decides what is due at clock changes and whether
// both days must match. r may be nil.
func expression(line string, r *reading) (cron, rest string, err error) {
	var out [5]string
	rest, lost := line, false
	for i := range fields {
		var text string
		if text, rest = word(rest); text == "" {
			return "", "", errFields
		}
		if i == 0 && !strings.ContainsAny(text[:1], "*~0123456789") {
			return "", "", errFields
		}
		if text == "?" && (fields[i].name == "day" || fields[i].name == "weekday") {
			r.note(`"?" is read as "*"; cron refuses it`)
			text = "*"
		}
		if out[i], err = fields[i].rewrite(text, r); err != nil {
			return "", "", err
		}
		lost = lost || i < 2 && text[0] == '*' && out[i][0] != '*'
	}
	if lost && out[0][0] != '*' && out[1][0] != '*' {
		r.note("it becomes a time without a star, so it runs exactly once at clock changes, where cron skips or repeats it")
	}
	return strings.Join(out[:], " "), rest, nil
}

// rewrite writes a field in the syntax of jobsd.
func (f *field) rewrite(text string, r *reading) (string, error) {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		out, err := f.item(item, r)
		if err != nil {
			return "", err
		}
		if out == "" {
			r.note("%s %q is backwards and means nothing to cron; the import removes it", f.name, item)
			continue
		}
		items = append(items, out)
	}
	if items == nil {
		return "", fmt.Errorf("%s %q is backwards, so cron never runs it", f.name, text)
	}
	if text[0] != '*' && items[0][0] == '*' { // a star that was not at the beginning must not become the beginning
		items[0] = fmt.Sprintf("%d-%d%s", f.min, f.top(), items[0][1:])
	}
	return strings.Join(items, ","), nil
}

// item writes one item of a field in the syntax of jobsd, "" for a range that is backwards.
func (f *field) item(item string, r *reading) (string, error) {
	values, step, stepped := strings.Cut(item, "/")
	n := 1
	if stepped {
		if n = number(step); n < 1 {
			return "", fmt.Errorf("%s %q has a step that cron does not know", f.name, item)
		}
	}
	if a, b, ok := strings.Cut(values, "~"); ok && !stepped {
		return f.random(item, a, b, r)
	}
	low, high := f.min, f.max
	if values != "*" {
		a, b, isRange := strings.Cut(values, "-")
		if low = f.value(a); low < 0 {
			return "", f.wrong(item)
		}
		if high = low; isRange {
			if high = f.value(b); high < 0 {
				return "", f.wrong(item)
			}
		}
		if stepped && !isRange {
			return "", fmt.Errorf("%s %q has a step without a range, which cron refuses; perhaps you mean %s-%d/%s", f.name, item, a, f.top(), step)
		}
	}
	switch {
	case low > high:
		return "", nil
	case n <= f.max: // the key cron accepts this too
		return item, nil
	case values != "*" || f.name == "minute" || f.name == "hour" || f.name == "month":
		return strconv.Itoa(low), nil
	}
	return fmt.Sprintf("*/%d", f.max), nil // only the first day, with a star
}

// random picks one value for ever. cronie picks a new one each time it reads the file.
func (f *field) random(item, a, b string, r *reading) (string, error) {
	low, high := f.min, f.max
	if a != "" {
		low = f.value(a)
	}
	if b != "" {
		high = f.value(b)
	}
	if low < 0 || high < 0 || low > high {
		return "", f.wrong(item)
	}
	v := low
	if r != nil && r.pick != nil {
		v += r.pick(high - low)
	}
	r.note("%s %q: the import picked %d; cronie picks a new value each time it reads the file", f.name, item, v)
	return strconv.Itoa(v), nil
}

func (f *field) wrong(item string) error {
	if ours.MatchString(item) && (f.name == "day" || f.name == "weekday") {
		return fmt.Errorf("cron does not know %s %q, but the key cron of a job file does: write the job by hand", f.name, item)
	}
	return fmt.Errorf("cron does not know %s %q", f.name, item)
}

// ours matches the last day of the month, and weekdays such as the second or the last Friday.
var ours = regexp.MustCompile(`^(L|[A-Za-z]{3}#([1-5]|L))$`)

// top is the largest value that is not another name for a smaller one.
func (f *field) top() int {
	if f.max == 7 {
		return 6
	}
	return f.max
}

// value reads a number or a name, -1 if it is not valid in the field.
func (f *field) value(s string) int {
	if i := strings.Index(f.names, strings.ToLower(s)); len(s) == 3 && i >= 0 && i%3 == 0 {
		return f.min + i/3
	}
	if n := number(s); f.min <= n && n <= f.max {
		return n
	}
	return -1
}

// number reads digits, -1 if there are other characters or too many.
func number(s string) int {
	if n, err := strconv.Atoi(s); err == nil && strings.Trim(s, "0123456789") == "" {
		return n
	}
	return -1
}

package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// field is one of the five fields of a cron expression.
type field struct {
	name     string
	min, max int    // the permitted values
	names    string // of the values from min on, three letters each
}

var fields = [5]field{
	{"minute", 0, 59, ""},
	{"hour", 0, 23, ""},
	{"day", 1, 31, ""},
	{"month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
	{"weekday", 0, 7, "sunmontuewedthufrisat"},
}

var macros = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// parseCron reads a cron expression: five fields, or a macro. It returns at most one error for each field.
func parseCron(text string) (spec, []*Error) {
	words := strings.Fields(text)
	if len(words) == 1 && macros[words[0]] != "" {
		words = strings.Fields(macros[words[0]])
	}
	if err := notCron(text, words); err != nil {
		return spec{}, []*Error{err}
	}
	var c cron
	var errs []*Error
	for i, word := range words {
		if err := c.field(i, word); err != nil {
			errs = append(errs, err)
		}
	}
	if errs != nil {
		return spec{}, errs
	}
	star := func(i int) bool { return words[i][0] == '*' }
	return spec{
		minutes:  c.sets[0],
		hours:    uint32(c.sets[1]),
		days:     uint32(c.sets[2]),
		months:   uint16(c.sets[3]),
		weekdays: uint8(c.sets[4]&allWeekdays | c.sets[4]>>7), // 7 is Sunday too
		nth:      c.nth,
		both:     star(2) || star(4),
		wild:     star(0) || star(1),
	}.normal(), nil
}

// notCron refuses an expression that does not have five fields, and says how to write it here.
func notCron(text string, words []string) *Error {
	if len(words) == 0 {
		return wrong("write five fields: minute hour day month weekday", "an empty expression")
	}
	first := words[0]
	rest := strings.Join(words[1:], " ")
	name, value, assigns := strings.Cut(first, "=")
	switch {
	case assigns && (name == "TZ" || name == "CRON_TZ"):
		return wrong("set timezone = "+quote(value)+"", "%s is not part of an expression", quote(first))
	case first == "@reboot":
		return wrong("use at_boot = true", "%s is not a schedule", quote(first))
	case strings.EqualFold(first, "@every"):
		return wrong(fixEvery(rest), "%s is not a cron expression", quote(text))
	case first[0] == '@':
		fix := "use @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually"
		if low := strings.ToLower(first); macros[low] != "" {
			fix = use(low)
		}
		return wrong(fix, "%s is unknown", quote(text))
	case len(words) < 5 && isTime(text):
		return wrong("use start_at = "+quote(text), "%s is not a cron expression", quote(text))
	case len(words) < 5:
		return wrong("write five: minute hour day month weekday", "%s has %d of the five fields", quote(text), len(words))
	case len(words) > 5:
		return wrong(fixLength(words), "%s has %d fields, not five", quote(text), len(words))
	}
	return nil
}

// cron collects the values of the fields as sets.
type cron struct {
	sets [5]uint64
	nth  [7]uint8
}

// field adds the items of the i-th field.
func (c *cron) field(i int, word string) *Error {
	for item := range strings.SplitSeq(word, ",") {
		f := &fields[i]
		if item == "" {
			return wrong("remove the extra comma", "%s %s has an empty item", f.name, quote(word))
		}
		if i == 2 && strings.EqualFold(item, "L") {
			c.sets[i] |= lastDay
			continue
		}
		if d, n, ok := strings.Cut(item, "#"); ok && i == 4 {
			if err := c.addNth(item, d, n); err != nil {
				return err
			}
			continue
		}
		set, err := f.parse(item)
		if err != nil {
			return err
		}
		c.sets[i] |= set
	}
	return nil
}

// addNth adds a weekday with its number in the month.
func (c *cron) addNth(item, d, n string) *Error {
	f := &fields[4]
	v, ok := f.value(d)
	bit, okN := nthBit(n)
	if !ok || !okN {
		return wrong(`use it like "fri#1" to "fri#5", or "fri#L" for the last`, "weekday %s is not valid", quote(item))
	}
	c.nth[v%7] |= bit
	return nil
}

func nthBit(n string) (uint8, bool) {
	if strings.EqualFold(n, "L") {
		return lastNth, true
	}
	v, ok := digits(n, 1, 1)
	return 1 << max(v-1, 0), ok && 1 <= v && v <= 5
}

// parse reads one item: "*" ["/" n] | v ["-" v ["/" n]].
func (f *field) parse(item string) (set uint64, err *Error) {
	if fix, ok := f.dialect(item); ok {
		return 0, wrong(fix, "%s %s is the syntax of another cron", f.name, quote(item))
	}
	values, step, hasStep := strings.Cut(item, "/")
	lo, hi, n := f.min, f.max, 1
	a, b, isRange := strings.Cut(values, "-")
	if values != "*" {
		if lo, err = f.number(item, a); err != nil {
			return 0, err
		}
		hi = lo
		if isRange {
			if hi, err = f.number(item, b); err != nil {
				return 0, err
			}
		}
	} else {
		hi = min(hi, f.top())
	}
	if hasStep {
		var ok bool
		if n, ok = digits(step, 1, len(step)); !ok || n < 1 || n > f.max {
			return 0, wrong(fmt.Sprintf("use a step from 1 to %d", f.max), "%s %s has an invalid step", f.name, quote(item))
		}
		if values != "*" && !isRange {
			fix := use(fmt.Sprintf("%s-%d/%s", a, f.top(), step))
			return 0, wrong(fix, "%s %s has a step without a range", f.name, quote(item))
		}
	}
	if lo > hi {
		return 0, wrong(use(f.unwrap(a, b, lo, hi, n)), "%s %s is backwards", f.name, quote(item))
	}
	for v := lo; v <= hi; v += n {
		set |= 1 << v
	}
	return set, nil
}

// top is the largest value that is not another name for a smaller one.
func (f *field) top() int {
	if f.max == 7 {
		return 6
	}
	return f.max
}

// value reads a number or a name, in range or not.
func (f *field) value(s string) (int, bool) {
	if len(s) == 3 {
		if i := strings.Index(f.names, strings.ToLower(s)); i >= 0 && i%3 == 0 {
			return f.min + i/3, true
		}
	}
	v, ok := digits(s, 1, len(s))
	return v, ok && f.min <= v && v <= f.max
}

// number is value, with an error that quotes the whole item.
func (f *field) number(item, s string) (int, *Error) {
	v, ok := f.value(s)
	if ok {
		return v, nil
	}
	reason := "is not in range"
	if _, number := digits(s, 1, len(s)); !number {
		reason = "is not a number"
	}
	fix := fmt.Sprintf("use a number from %d to %d", f.min, f.max)
	if f.names != "" {
		reason = strings.Replace(reason, "a number", "a number or name", 1)
		fix += fmt.Sprintf(", or a name from %s to %s", f.names[:3], f.names[len(f.names)-3:])
		if len(s) > 3 {
			if i := strings.Index(f.names, strings.ToLower(s[:3])); i >= 0 && i%3 == 0 {
				fix = use(strings.ToLower(s[:3]))
			}
		}
	}
	if s == item {
		return 0, wrong(fix, "%s %s %s", f.name, quote(item), reason)
	}
	return 0, wrong(fix, "%s %s: %s %s", f.name, quote(item), quote(s), reason)
}

// unwrap returns how to write a range that wraps around. Its steps continue across the end of the field, as in other
// crons that permit such ranges: 22-4/3 is 22, 1 and 4.
func (f *field) unwrap(a, b string, lo, hi, step int) string {
	if lo > f.top() { // hi is the other name of the smallest value, so the range does not wrap around
		return f.part(f.like(f.min, a), b, f.min, hi, step)
	}
	top := f.top()
	text := f.part(a, f.like(top, a), lo, top, step)
	over := (top + 1 - lo + step - 1) / step * step // from lo to the first step beyond the end
	if next := lo + over - (top - f.min + 1); next <= hi {
		text += "," + f.part(f.like(next, b), b, next, hi, step)
	}
	return text
}

// part writes the range from lo to hi, whose ends a and b were written as text.
func (f *field) part(a, b string, lo, hi, step int) string {
	switch {
	case lo >= hi:
		return a
	case step > 1:
		return fmt.Sprintf("%s-%s/%d", a, b, step)
	}
	return a + "-" + b
}

// like writes a value as a number or as a name, in the form of another value.
func (f *field) like(v int, other string) string {
	if strings.Trim(other, "0123456789") == "" {
		return strconv.Itoa(v)
	}
	return f.text(v)
}

package schedule

import "strings"

// This file suggests fixes for the syntax of other crons. A suggestion is due at the same times as the original, in
// every meaning that the original has in some cron; if the suggestions differ, the text says which is which.

// dialect recognises syntax of other crons that this one does not have.
func (f *field) dialect(item string) (fix string, ok bool) {
	up := strings.ToUpper(item)
	isDay, isWeekday := f == &fields[2], f == &fields[4]
	switch {
	case up == "?":
		return use("*"), true
	case up == "H" || strings.HasPrefix(up, "H/") || strings.HasPrefix(up, "H("):
		return "use a number, and jitter to spread jobs over time", true
	case isDay && strings.HasSuffix(up, "W"):
		return "use a day; the nearest weekday is not supported", true
	case isDay && strings.HasPrefix(up, "L-"):
		return `use "L" for the last day, or a number`, true
	case isWeekday && up == "L":
		return `use "sat", or "sat#L" for the last of the month`, true
	case isWeekday && strings.HasSuffix(up, "L"):
		if _, ok := f.value(item[:len(item)-1]); ok {
			return use(item[:len(item)-1] + "#L"), true
		}
	}
	return "", false
}

// fixEvery says how to write the text after @every with the key `every`.
func fixEvery(text string) string {
	d, err := parseDuration(text)
	switch {
	case text == "":
		return `use every with a duration, such as every = "90s"`
	case err != nil && strings.HasPrefix(err.Fix, "use "):
		return "use every with the duration " + strings.TrimPrefix(err.Fix, "use ")
	case err != nil:
		return `use every with a duration, such as every = "90s"`
	case d < minEvery:
		return "use every = " + quote(FormatDuration(minEvery)) + ", the shortest interval"
	case d > maxEvery:
		return "use every = " + quote(FormatDuration(maxEvery)) + ", the longest interval"
	}
	return "use every = " + quote(text)
}

const writeFive = "write five: minute hour day month weekday"

// fixLength suggests a fix for more than five fields.
func fixLength(words []string) string {
	n := len(words)
	question := func(i int) bool { return words[i] == "?" }
	switch {
	case !areFields(words[5:]):
		five := strings.Join(words[:5], " ")
		if _, errs := parseCron(five); errs != nil {
			return writeFive
		}
		return use(five) + ", and write the command in cmd"
	case n > 7:
		return writeFive
	case n == 6 && (isYear(words[5]) || question(2) || question(4)): // the scheduler of AWS
		return longer{fields: words[:5], year: words[5], sunday: []int{1}}.fix()
	case n == 6:
		return longer{fields: words[1:], seconds: words[0]}.fix()
	}
	return longer{fields: words[1:6], seconds: words[0], year: words[6]}.fix()
}

// areFields distinguishes fields of an expression from the words of a command.
func areFields(words []string) bool {
	for _, word := range words {
		low := strings.ToLower(word)
		for _, names := range []string{fields[3].names, fields[4].names} {
			for ; names != ""; names = names[3:] {
				low = strings.ReplaceAll(low, names[:3], "")
			}
		}
		if strings.Trim(low, "0123456789*?/,-#lwh()") != "" {
			return false
		}
	}
	return true
}

// isYear reports whether a field is a year.
func isYear(word string) bool {
	year, ok := digits(word[:min(4, len(word))], 4, 4)
	return ok && year >= 1970
}

// longer is an expression with more than five fields, as in Quartz, Spring and others.
type longer struct {
	fields  []string // the five fields of this cron
	seconds string   // "" if there is no such field
	year    string   // "" if there is no such field
	sunday  []int    // the numbers that Sunday may have; nil: depends on how the expression is written
}

func (l longer) fix() string {
	switch {
	case strings.Trim(l.seconds, "0123456789") != "":
		return "seconds are not supported: use every for short intervals"
	case strings.Trim(l.seconds, "0") != "":
		return "seconds are not supported: remove the first field if the minute is exact enough"
	case isGiven(l.year):
		return "years are not supported: use at for a single time"
	}
	lacks := "seconds are not supported: "
	switch {
	case l.seconds == "":
		lacks = "years are not supported: "
	case l.year != "":
		lacks = "seconds and years are not supported: "
	}
	if l.both() {
		return lacks + "write five fields; a date needs to match only one of day and weekday"
	}
	return lacks + l.five()
}

// both reports whether day and weekday are both given. Some of those crons require a date to match both, others only
// one.
func (l longer) both() bool { return isGiven(l.fields[2]) && isGiven(l.fields[4]) }

func isGiven(field string) bool { return field != "*" && field != "?" && field != "" }

// five suggests the same expression in five fields.
func (l longer) five() string {
	var texts []string
	for _, sunday := range l.sundays() {
		words := make([]string, 5)
		for i, word := range l.fields {
			words[i] = translate(&fields[i], word, sunday)
		}
		text := strings.Join(words, " ")
		if _, errs := parseCron(text); errs != nil {
			return writeFive
		}
		texts = append(texts, text)
	}
	if len(texts) == 1 {
		return use(texts[0])
	}
	return use(texts[0]) + " if 1 is Sunday, as in Quartz, or " + quote(texts[1]) + " if 1 is Monday"
}

// sundays returns the numbers that Sunday may have. The week of Quartz is 1 to 7, and every expression of Quartz has a
// "?". Spring and others count like cron but may also have a "?".
func (l longer) sundays() []int {
	if l.sunday != nil {
		return l.sunday
	}
	numbered, zero := false, false
	for item := range strings.SplitSeq(l.fields[4], ",") {
		values, _, _ := strings.Cut(item, "/")
		values, _, _ = strings.Cut(values, "#")
		for v := range strings.SplitSeq(values, "-") {
			v = strings.TrimRight(v, "lL")
			_, ok := digits(v, 1, 2)
			numbered, zero = numbered || ok, zero || ok && strings.Trim(v, "0") == ""
		}
	}
	if numbered && !zero && (l.fields[2] == "?" || l.fields[4] == "?") {
		return []int{1, 0}
	}
	return []int{0}
}

// translate writes a field of another cron in the syntax of this one. It leaves an item unchanged that has no
// equivalent.
func translate(f *field, word string, sunday int) string {
	var items []string
	for item := range strings.SplitSeq(word, ",") {
		items = append(items, translateItem(f, item, sunday))
	}
	return strings.Join(items, ",")
}

func translateItem(f *field, item string, sunday int) string {
	value := func(s string) (string, int, bool) {
		v, ok := f.value(s)
		if _, number := digits(s, 1, 1); number && sunday == 1 && f == &fields[4] {
			return f.text((v + 6) % 7), (v + 6) % 7, ok
		}
		return s, v, ok
	}
	isWeekday := f == &fields[4]
	day, nth, hasNth := strings.Cut(item, "#")
	name, last := strings.CutSuffix(strings.ToUpper(item), "L")
	switch {
	case item == "?":
		return "*"
	case isWeekday && name == "" && last:
		return "sat" // L as a weekday is the last day of the week
	case isWeekday && last:
		if day, _, ok := value(item[:len(item)-1]); ok {
			return day + "#L"
		}
		return item
	case isWeekday && hasNth:
		if day, _, ok := value(day); ok {
			return day + "#" + nth
		}
		return item
	}
	values, step, hasStep := strings.Cut(item, "/")
	first, end, isRange := strings.Cut(values, "-")
	a, lo, ok := value(first)
	if !ok {
		return item
	}
	n := 1
	if hasStep {
		if n, ok = digits(step, 1, 2); !ok || n == 0 {
			return item
		}
	}
	b, hi := a, lo
	switch {
	case isRange:
		if b, hi, ok = value(end); !ok {
			return item
		}
	case hasStep:
		b, hi = f.like(f.top(), a), f.top()
	}
	if lo > hi {
		return f.unwrap(a, b, lo, hi, n)
	}
	return f.part(a, b, lo, hi, n)
}

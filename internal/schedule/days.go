package schedule

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var weekdays = []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// dayLetters are the characters in names and numbers of days and in lists of them.
const dayLetters = "abcdefghijklmnopqrstuvwxyz0123456789-, "

// addDay adds one item of days to the set:
//
//	weekday | weekday "-" weekday | "weekdays" | "weekends" | 1..31 | -1
//
// A weekday is the full English name or its first three letters, in any case; a range may wrap around the week's end.
func (s *spec) addDay(text string) *Error {
	low := strings.ToLower(text)
	switch low {
	case "":
		return wrong(`write a day such as "mon"`, "an empty day")
	case "weekdays":
		s.weekdays |= 0b0111110
		return nil
	case "weekends":
		s.weekdays |= 0b1000001
		return nil
	case "-1":
		s.days |= lastDay
		return nil
	}
	if d, ok := digits(low, 1, 2); ok && 1 <= d && d <= 31 && low[0] != '0' {
		s.days |= 1 << d
		return nil
	}
	a, b, isRange := strings.Cut(low, "-")
	from, ok := weekday(a)
	to, ok2 := from, ok
	if isRange {
		to, ok2 = weekday(b)
	}
	if !ok || !ok2 {
		return wrong(fixDay(low), "%s is not a day", quote(text))
	}
	for ; from != to; from = (from + 1) % 7 {
		s.weekdays |= 1 << from
	}
	s.weekdays |= 1 << to
	return nil
}

// weekday returns the number of a weekday, Sunday being 0.
func weekday(low string) (int, bool) {
	i := slices.IndexFunc(weekdays, func(name string) bool { return low == name || low == name[:3] })
	return i, i >= 0
}

// fixDay suggests a fix for a text, in lower case, that is not a day.
func fixDay(low string) string {
	switch low {
	case "*", "all", "any", "daily", "day", "every day", "everyday":
		return "remove the key for every day"
	case "l", "last":
		return "use -1 for the last day of the month"
	case "weekday":
		return use("weekdays")
	case "weekend":
		return use("weekends")
	}
	if fix := sentence(low); fix != "" {
		return fix
	}
	if n := strings.Count(low, ","); 0 < n && n < 31 && strings.Trim(low, dayLetters) == "" && len(low) <= 200 {
		var items []string
		for item := range strings.SplitSeq(low, ",") {
			item = strings.TrimSpace(item)
			if _, err := strconv.Atoi(item); err != nil {
				item = quote(item)
			}
			items = append(items, item)
		}
		return "use an array: [" + strings.Join(items, ", ") + "]"
	}
	if strings.Contains(low, "#") {
		return "use cron for this"
	}
	if n, err := strconv.Atoi(low); err == nil {
		switch {
		case 1 <= n && n <= 31:
			return "use " + strconv.Itoa(n)
		case n < 0:
			return "only -1 counts from the end: the last day of the month"
		case n == 0:
			return "days of the month go from 1 to 31, and -1 is the last; Sunday is \"sun\""
		}
		return "days of the month go from 1 to 31, and -1 is the last"
	}
	low = strings.NewReplacer(" ", "", "\u2013", "-").Replace(low) // the en dash of an editor
	a, b, _ := strings.Cut(low, "-")
	if _, err := strconv.Atoi(a + b); err == nil {
		return "list days of the month one by one; write weekdays by name, as in \"mon-fri\""
	}
	if a, ok := likeWeekday(a); ok {
		if b, ok := likeWeekday(b); ok {
			return use(a + "-" + b)
		}
		if b == "" {
			return use(a)
		}
	}
	return `use a weekday such as "mon", a range such as "mon-fri", or a day of the month`
}

var (
	ranges = regexp.MustCompile(`\s*(\bto\b|\btill\b|\buntil\b|\bthrough\b|\bthru\b|\.\.+|\x{2013}|-)\s*`)
	lists  = regexp.MustCompile(`\s*(,\s*\band\b|,|;|&|\+|\band\b)\s*`)
)

// sentence suggests how to write weekdays in a sentence: "monday to friday", "mon, tue and fri".
func sentence(low string) string {
	if len(low) > 200 {
		return ""
	}
	var items []string
	for _, item := range lists.Split(low, -1) {
		ends := ranges.Split(strings.TrimSpace(item), -1)
		for i, end := range ends {
			day, ok := likeWeekday(end)
			if !ok || i > 1 {
				return ""
			}
			ends[i] = day
		}
		items = append(items, quote(strings.Join(ends, "-")))
	}
	if len(items) == 1 {
		return "use " + items[0]
	}
	return "use an array: [" + strings.Join(items, ", ") + "]"
}

// likeWeekday returns the short name of a weekday for a shortened or plural name.
func likeWeekday(s string) (string, bool) {
	if len(s) < 3 {
		return "", false
	}
	i, ok := weekday(s[:3])
	if !ok || !strings.HasPrefix(weekdays[i], strings.TrimSuffix(s, "s")) {
		return "", false
	}
	return s[:3], true
}

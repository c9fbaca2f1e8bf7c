package systemd

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var shorthands = map[string]string{
	"minutely": "* * * * *", "hourly": "0 * * * *", "daily": "0 0 * * *", "weekly": "0 0 * * mon", "monthly": "0 0 1 * *",
	"quarterly": "0 0 1 1,4,7,10 *", "semiannually": "0 0 1 1,7 *", "semi-annually": "0 0 1 1,7 *", "biannually": "0 0 1 1,7 *",
	"bi-annually": "0 0 1 1,7 *", "yearly": "0 0 1 1 *", "annually": "0 0 1 1 *", "anually": "0 0 1 1 *",
}

var zoneName = regexp.MustCompile(`^([A-Z][A-Za-z_+-]*/[A-Za-z0-9_+/-]+|[A-Z]{3,4}|[A-Z]{3}[0-9][A-Z]{3})$`)

// calendar writes a calendar event as a cron expression with a time zone, "" if the event has none.
func calendar(s string) (cron, zone string, err error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return "", "", errors.New("it contains no time")
	}
	if n := len(words); n > 1 && zoneName.MatchString(words[n-1]) {
		zone, words = words[n-1], words[:n-1]
	}
	if len(words) == 1 && shorthands[strings.ToLower(words[0])] != "" {
		return shorthands[strings.ToLower(words[0])], zone, nil
	}
	days, date, clock := "", "*-*-*", "0:0:0"
	if len(words) > 0 && strings.ContainsAny(words[0][:1], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
		if days, err = weekdays(words[0]); err != nil {
			return "", "", err
		}
		words = words[1:]
	}
	if len(words) > 0 && !strings.Contains(words[0], ":") {
		date, words = words[0], words[1:]
	}
	if len(words) > 0 {
		clock, words = words[0], words[1:]
	}
	if len(words) > 0 {
		return "", "", fmt.Errorf("%q has a form that the import does not support", s)
	}
	at, err := timeOfDay(clock)
	if err != nil {
		return "", "", err
	}
	on, err := onDate(date, days)
	return at + " " + on, zone, err
}

// timeOfDay writes H:M or H:M:S as two fields.
func timeOfDay(s string) (string, error) {
	part := strings.Split(s, ":")
	if len(part) == 3 {
		if strings.Trim(part[2], "0") != "" || part[2] == "" {
			return "", errors.New("it has seconds, but jobs are due at whole minutes")
		}
		part = part[:2]
	}
	if len(part) != 2 {
		return "", fmt.Errorf("%q is not a time of day", s)
	}
	hour, err := field(part[0], 0, 23)
	if err != nil {
		return "", err
	}
	minute, err := field(part[1], 0, 59)
	if step, ok := strings.CutPrefix(minute, "0-59/"); ok && hour == "*" {
		minute = "*/" + step
	}
	return minute + " " + hour, err
}

// weeks maps days of the month to the week of each weekday, from first to fourth and last.
var weeks = map[string]string{"1-7": "#1", "8-14": "#2", "15-21": "#3", "22-28": "#4", "L7": "#L"}

// onDate writes a date and weekdays, "" for all, as three fields. If both restrict the day, cron would accept either.
// Only the first to fourth and the last weekday of a month have a form that means both.
func onDate(date, days string) (string, error) {
	y, rest, ok := strings.Cut(date, "-")
	m, d, three := cutDay(rest)
	if !three {
		m, d, ok = cutDay(date)
		y = "*"
	}
	if !ok {
		return "", fmt.Errorf("%q is not a date", date)
	}
	if y != "*" {
		return "", fmt.Errorf(`it has a year; use the key at for a single time`)
	}
	month, err := field(m, 1, 12)
	if err != nil {
		return "", err
	}
	day := ""
	switch last, fromEnd := strings.CutPrefix(d, "~"); {
	case !fromEnd:
		day, err = field(d, 1, 31)
	case strings.TrimLeft(last, "0") == "1":
		day = "L"
	case last == "07/1" || last == "7/1":
		day = "L7"
	default:
		err = fmt.Errorf("of days counted from the end of the month, cron supports only the last one, L")
	}
	if err != nil {
		return "", err
	}
	if days != "" && day != "*" {
		week := weeks[day]
		if week == "" {
			return "", fmt.Errorf("it needs both the day of the month and the weekday to match; in cron one of them is enough")
		}
		return "* " + month + " " + strings.ReplaceAll(days, ",", week+",") + week, nil
	}
	if day == "L7" {
		return "", fmt.Errorf("of days counted from the end of the month, cron supports only the last one, L")
	}
	if days == "" {
		days = "*"
	}
	return day + " " + month + " " + days, nil
}

// cutDay separates a month from the day. The day keeps a ~, which counts from the end.
func cutDay(s string) (month, day string, ok bool) {
	i := strings.IndexAny(s, "-~")
	if i < 0 {
		return "", "", false
	}
	return s[:i], strings.TrimPrefix(s[i:], "-"), true
}

// field writes a component as a cron field.
func field(s string, low, high int) (string, error) {
	if s == "*" {
		return "*", nil
	}
	var items []string
	for item := range strings.SplitSeq(s, ",") {
		values, step, stepped := strings.Cut(item, "/")
		first, last, isRange := strings.Cut(values, "..")
		a, b, n := number(first), number(last), 1
		if stepped && !isRange {
			b = high
		} else if !isRange {
			b = a
		}
		if stepped {
			n = number(step)
		}
		switch {
		case a < low || b > high || a > b || n < 1 || stepped && a+n > high:
			return "", fmt.Errorf("%q has a form that the import does not support", s)
		case a == b || n > b-a:
			items = append(items, strconv.Itoa(a))
		case n == 1:
			items = append(items, fmt.Sprintf("%d-%d", a, b))
		default:
			items = append(items, fmt.Sprintf("%d-%d/%d", a, b, n))
		}
	}
	return strings.Join(items, ","), nil
}

// number reads digits, -1 if there are other characters or too many.
func number(s string) int {
	if n, err := strconv.Atoi(s); err == nil && strings.Trim(s, "0123456789") == "" {
		return n
	}
	return -1
}

var dayNames = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

// weekdays writes names of days and ranges as a list of single days, so that each can have a number.
func weekdays(s string) (string, error) {
	var list []string
	for item := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(strings.Replace(item, "-", "..", 1), "..")
		a, b := weekday(first), weekday(last)
		if !isRange {
			b = a
		}
		if a < 0 || b < a {
			return "", fmt.Errorf("%q has a form of weekdays that the import does not support", s)
		}
		for ; a <= b; a++ {
			list = append(list, dayNames[a][:3])
		}
	}
	return strings.Join(list, ","), nil
}

func weekday(s string) int {
	s = strings.ToLower(s)
	for i, name := range dayNames {
		if s == name || s == name[:3] {
			return i
		}
	}
	return -1
}

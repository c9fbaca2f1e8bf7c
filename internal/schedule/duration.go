package schedule

import (
	"fmt"
	"math"
	"strings"
	"time"
)

const maxDays = int64(math.MaxInt64 / (24 * time.Hour))

// ParseDuration reads a duration in the form of time.ParseDuration, with the units d for 24 hours and w for 7 days, as
// in "90s", "1h30m", "1.5d", "2w". The duration is never negative, and at most a time.Duration (292 years). The error
// is an [*Error] without Key.
func ParseDuration(s string) (time.Duration, error) {
	d, err := parseDuration(s)
	if err != nil {
		err.Value = s
		return 0, err
	}
	return d, nil
}

func parseDuration(text string) (time.Duration, *Error) {
	d, why := sum(text)
	if why == "" {
		return d, nil
	}
	return 0, wrong(fixDuration(text, why), "%s %s", quote(text), why)
}

// The mistakes in a duration.
const (
	isNone     = "is not a duration"
	isNegative = "is negative"
	isTooLong  = "is too long"
	hasNoUnit  = "has no unit"
)

// sum adds the numbers with their units; why is empty unless it fails.
func sum(text string) (total time.Duration, why string) {
	switch {
	case text == "0":
		return 0, ""
	case text == "":
		return 0, isNone
	case text[0] == '-':
		return 0, isNegative
	}
	for text != "" {
		number, unit, rest := component(text)
		if strings.Trim(number, ".") == "" || strings.Count(number, ".") > 1 {
			return 0, isNone
		}
		if unit == "" {
			return 0, hasNoUnit
		}
		times := time.Duration(1)
		switch unit {
		case "ns", "us", "µs", "μs", "ms", "s", "m", "h":
		case "d":
			unit, times = "h", 24
		case "w":
			unit, times = "h", 7*24
		default:
			return 0, fmt.Sprintf("has an unknown unit %s", quote(unit))
		}
		d, err := time.ParseDuration(number + unit)
		if err != nil || d > (math.MaxInt64-total)/times {
			return 0, isTooLong
		}
		total += d * times
		text = rest
	}
	return total, ""
}

// component splits the first number and its unit off a duration.
func component(s string) (number, unit, rest string) {
	i := 0
	for i < len(s) && (s[i] == '.' || '0' <= s[i] && s[i] <= '9') {
		i++
	}
	j := i
	for j < len(s) && s[j] != '.' && (s[j] < '0' || '9' < s[j]) {
		j++
	}
	return s[:i], s[i:j], s[j:]
}

// fixDuration suggests a fix for a wrong duration.
func fixDuration(text, why string) string {
	switch why {
	case isTooLong:
		return fmt.Sprintf("use at most %q", fmt.Sprintf("%dd", maxDays))
	case hasNoUnit:
		if _, ok := digits(text, 1, 9); ok {
			return fmt.Sprintf("use %q, %q or %q", text+"s", text+"m", text+"h")
		}
	}
	if like := likeDuration(text); like != "" {
		return use(like)
	}
	return `write it like "90s", "15m", "1h30m" or "1d"`
}

// likeDuration returns a duration with signs, blanks and long names of units in the right form, "" if it still makes no
// sense.
func likeDuration(text string) string {
	text = strings.Join(strings.Fields(strings.TrimLeft(text, "+-")), "")
	var b strings.Builder
	for text != "" {
		var number, unit string
		number, unit, text = component(text)
		b.WriteString(number + shortUnit(unit))
	}
	if _, why := sum(b.String()); why != "" || b.Len() == 0 {
		return ""
	}
	return b.String()
}

func shortUnit(unit string) string {
	switch low := strings.ToLower(unit); low {
	case "m":
		return unit // not M, which may mean a month
	case "sec", "secs", "second", "seconds":
		return "s"
	case "min", "mins", "minute", "minutes":
		return "m"
	case "hr", "hrs", "hour", "hours":
		return "h"
	case "day", "days":
		return "d"
	case "week", "weeks":
		return "w"
	default:
		return low
	}
}

// FormatDuration writes a duration in a form that ParseDuration reads back: "1d12h", "1h30m", "1.5s".
func FormatDuration(d time.Duration) string {
	var b strings.Builder
	for _, unit := range []struct {
		name string
		d    time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if n := d / unit.d; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, unit.name)
			d %= unit.d
		}
	}
	if d > 0 || b.Len() == 0 {
		b.WriteString(d.String())
	}
	return b.String()
}

package schedule

import (
	"fmt"
	"strconv"
	"strings"
)

// clock is a time of day as written.
type clock struct {
	hour, minute int
	half         string // "am", "pm", or "" for the 24-hour clock
}

// parseTime reads a time of day:
//
//	hour12 [":" mm] [" "] ("am" | "pm")     hour12 = 1..12, also 01..12
//	hour24 ":" mm                           hour24 = 0..23, also 00..23
//	"noon" | "midnight"
func parseTime(text string) (hour, minute int, err *Error) {
	low := strings.ToLower(text)
	switch low {
	case "":
		return 0, 0, wrong(`write a time such as "4:35am"`, "an empty time of day")
	case "noon":
		return 12, 0, nil
	case "midnight":
		return 0, 0, nil
	}
	c, ok := scanClock(low)
	switch {
	case !ok:
		return 0, 0, wrong(fixClock(low), "%s is not a time of day", quote(text))
	case !c.valid():
		return 0, 0, wrong(c.fix(), "%s is not a time of day", quote(text))
	}
	hour = c.hour
	if c.half != "" {
		hour %= 12
	}
	if c.half == "pm" {
		hour += 12
	}
	return hour, c.minute, nil
}

// scanClock reads the form of a time of day. It does not check whether there is such a time.
func scanClock(low string) (c clock, ok bool) {
	s, half := cutHalf(low)
	h, m, colon := strings.Cut(s, ":")
	c.half = half
	if c.hour, ok = digits(h, 1, 2); ok && colon {
		c.minute, ok = digits(m, 2, 2)
	}
	return c, ok && (colon || half != "")
}

// cutHalf removes "am" or "pm" from a time, with one space before it.
func cutHalf(s string) (clock, half string) {
	for _, half := range []string{"am", "pm"} {
		if clock, ok := strings.CutSuffix(s, half); ok {
			return strings.TrimSuffix(clock, " "), half
		}
	}
	return s, ""
}

// digits reads a number of least to most digits, without a sign.
func digits(s string, least, most int) (int, bool) {
	if len(s) < least || len(s) > most || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

func (c clock) valid() bool {
	if c.half == "" {
		return c.hour <= 23 && c.minute <= 59
	}
	return 1 <= c.hour && c.hour <= 12 && c.minute <= 59
}

func (c clock) String() string {
	if c.half == "" {
		return fmt.Sprintf("%02d:%02d", c.hour, c.minute)
	}
	if c.minute == 0 {
		return fmt.Sprintf("%d%s", c.hour, c.half)
	}
	return fmt.Sprintf("%d:%02d%s", c.hour, c.minute, c.half)
}

// fix suggests a fix for a time that does not exist.
func (c clock) fix() string {
	switch {
	case c.minute > 59:
		return "minutes go from 00 to 59"
	case c.half == "" && c.hour == 24:
		return use(clock{0, c.minute, ""}.String()) + " and the next day"
	case c.half == "":
		return "hours go from 0 to 23"
	case c.hour == 0:
		return use(clock{12, c.minute, c.half}.String())
	case c.hour > 23:
		return "hours go from 1 to 12 with am and pm"
	case c.half == "pm":
		return use(clock{c.hour - 12, c.minute, "pm"}.String())
	}
	return use(clock{c.hour - 12, c.minute, "am"}.String()) + fmt.Sprintf(" or %q", clock{c.hour, c.minute, ""})
}

// fixClock suggests a fix for a text, in lower case, that does not have the form of a time of day.
func fixClock(low string) string {
	if hour, ok := digits(low, 1, 2); ok && hour <= 23 {
		if 1 <= hour && hour <= 12 {
			return fmt.Sprintf(`use "%dam" or "%dpm"`, hour, hour)
		}
		return use(clock{hour, 0, ""}.String())
	}
	words := strings.Fields(low)
	if len(words) == 5 {
		return "use cron for an expression"
	}
	s := strings.Join(words, "")
	s = strings.NewReplacer("a.m.", "am", "p.m.", "pm").Replace(s)
	s = strings.NewReplacer(".", ":", "h", ":").Replace(s)
	s, half := cutHalf(s)
	if n, ok := digits(s, 3, 4); ok {
		s = fmt.Sprintf("%d:%02d", n/100, n%100)
	}
	parts := strings.Split(s, ":")
	advice := ""
	if len(parts) == 3 {
		advice, parts = "remove the seconds: ", parts[:2]
	}
	if len(parts) == 2 && len(parts[1]) == 1 {
		parts[1] = "0" + parts[1]
	}
	if c, ok := scanClock(strings.Join(parts, ":") + half); ok && c.valid() {
		return advice + use(c.String())
	}
	return `write it like "4:35am" or "16:05"`
}

// isTime reports whether a text is a time of day.
func isTime(text string) bool {
	_, _, err := parseTime(text)
	return err == nil
}

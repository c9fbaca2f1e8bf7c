package schedule

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

const localLayout = "2006-01-02 15:04"

// parseAt reads a single date and time: RFC 3339 with an offset, or a date and time to the minute in the zone loc. It
// returns the instant, and the reading that the text names, which is noWall for RFC 3339. It ignores a fraction of a
// second, which times printed by jobsd have, because slots are whole seconds.
func parseAt(text string, loc *time.Location) (u, wall int64, err *Error) {
	if text == "" {
		return 0, 0, wrong(`write a date and time such as "2026-12-24 18:00"`, "an empty time")
	}
	u, wall, ok := readAt(text, loc)
	switch {
	case !ok:
		return 0, 0, wrong(fixAt(text), "%s is not a date and time", quote(text))
	case !inRange(time.Unix(u, 0)):
		return 0, 0, wrong("use a year from 2 to 9998", "%s is too far away", quote(text))
	}
	return u, wall, nil
}

// readAt is parseAt for a text in one of the two forms.
func readAt(text string, loc *time.Location) (u, wall int64, ok bool) {
	if t, ok := layout(time.RFC3339, withoutFraction(text)); ok {
		return t.Unix(), noWall, true
	}
	t, ok := layout(localLayout, text)
	if !ok {
		return 0, 0, false
	}
	return due(t.Unix(), loc), t.Unix(), true
}

// withoutFraction removes a fraction of up to nine digits from a time of RFC 3339.
func withoutFraction(text string) string {
	const seconds = len("2006-01-02T15:04:05")
	if len(text) <= seconds || text[seconds] != '.' {
		return text
	}
	rest := strings.TrimLeft(text[seconds+1:], "0123456789")
	if n := len(text) - seconds - 1 - len(rest); n < 1 || n > 9 {
		return text
	}
	return text[:seconds] + rest
}

// layout reads text only if it has exactly this form: time.Parse alone also accepts "8:00" and fractions of a second.
func layout(form, text string) (time.Time, bool) {
	t, err := time.Parse(form, text)
	if err != nil || !inRange(t) {
		return t, false
	}
	written := t.Format(form)
	return t, written == text || form == time.RFC3339 && utc(written) == utc(text)
}

// inRange reports whether RFC 3339 can write an instant in UTC.
func inRange(t time.Time) bool { return t.Unix() == unix(t) }

// utc removes the offset of UTC in each form that RFC 3339 permits.
func utc(s string) string {
	for _, offset := range []string{"Z", "+00:00", "-00:00"} {
		s = strings.TrimSuffix(s, offset)
	}
	return s
}

// fixAt suggests a fix for a text that is not a date and time.
func fixAt(text string) string {
	text = strings.Join(strings.Fields(strings.ToUpper(text)), " ")
	for _, form := range []string{
		"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006/01/02 15:04",
	} {
		if t, err := time.Parse(form, text); err == nil && inRange(t) {
			if t.Second() != 0 || t.Nanosecond() != 0 {
				return "remove the seconds: " + use(t.Format(localLayout))
			}
			return use(t.Format(localLayout))
		}
	}
	for _, form := range []string{
		time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05 Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07",
	} {
		if t, err := time.Parse(form, text); err == nil && inRange(t) {
			return use(t.Format(time.RFC3339))
		}
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return "add the time of day, as in " + strconv.Quote(t.Format(time.DateOnly)+" 18:00")
	}
	if isTime(text) {
		return "use start_at for every day, or add the date"
	}
	if words := strings.Fields(text); len(words) == 3 {
		at := words[0] + " " + words[1]
		if _, ok := layout(localLayout, at); ok {
			return use(at) + ", and set the zone with the key timezone"
		}
	}
	var bad *time.ParseError
	if _, err := time.Parse(localLayout, text); errors.As(err, &bad) && strings.HasSuffix(bad.Message, "out of range") {
		return "there is no such time" + bad.Message
	}
	if _, err := Moment(text, time.Unix(0, 0), time.UTC); err == nil {
		return `write the full date, as in "2026-12-24 18:00"; "jobsd add --at" does that for you`
	}
	return `write it like "2026-12-24 18:00" or "2026-12-24T18:00:00+01:00"`
}

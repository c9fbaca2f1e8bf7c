package schedule

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

const localLayout = "2006-01-02 15:04"

// parseAt reads a single date and time: RFC 3339 with an offset, or without one, to the minute, in the zone loc. It
// returns the instant, and the reading that names it, which is noWall for RFC 3339. A fraction of a second, as the times
// have that jobsd prints, is read and does not count: slots are whole seconds.
func parseAt(text string, loc *time.Location) (u, wall int64, err *Error) {
	if text == "" {
		return 0, 0, wrong(`name a date and time such as "2026-12-24 18:00"`, "an empty time")
	}
	u, wall, ok := readAt(text, loc)
	switch {
	case !ok:
		return 0, 0, wrong(mendAt(text), "%s is not a date and time", quote(text))
	case !inRange(time.Unix(u, 0)):
		return 0, 0, wrong("use a year from 2 to 9998", "%s is too far away", quote(text))
	}
	return u, wall, nil
}

// readAt is parseAt for what has one of the two forms.
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

// withoutFraction cuts up to nine digits of a fraction of a second out of a time of RFC 3339.
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

// layout reads text if it is written exactly so: time.Parse alone would take "8:00", and fractions of a second.
func layout(form, text string) (time.Time, bool) {
	t, err := time.Parse(form, text)
	if err != nil || !inRange(t) {
		return t, false
	}
	written := t.Format(form)
	return t, written == text || form == time.RFC3339 && utc(written) == utc(text)
}

// inRange tells whether RFC 3339 can write an instant in UTC.
func inRange(t time.Time) bool { return t.Unix() == unix(t) }

// utc cuts off the ways in which RFC 3339 writes the offset of UTC.
func utc(s string) string {
	for _, offset := range []string{"Z", "+00:00", "-00:00"} {
		s = strings.TrimSuffix(s, offset)
	}
	return s
}

// mendAt says what may be meant by a text that is no date and time.
func mendAt(text string) string {
	text = strings.Join(strings.Fields(strings.ToUpper(text)), " ")
	for _, form := range []string{
		"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006/01/02 15:04",
	} {
		if t, err := time.Parse(form, text); err == nil && inRange(t) {
			if t.Second() != 0 || t.Nanosecond() != 0 {
				return "leave out the seconds: " + use(t.Format(localLayout))
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
			return use(at) + ", and timezone for the zone"
		}
	}
	var bad *time.ParseError
	if _, err := time.Parse(localLayout, text); errors.As(err, &bad) && strings.HasSuffix(bad.Message, "out of range") {
		return "there is no such time" + bad.Message
	}
	if _, err := Moment(text, time.Unix(0, 0), time.UTC); err == nil {
		return `write the date out, as in "2026-12-24 18:00"; "jobsd add --at" does that for you`
	}
	return `write it like "2026-12-24 18:00" or "2026-12-24T18:00:00+01:00"`
}

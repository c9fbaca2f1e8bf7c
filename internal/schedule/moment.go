package schedule

import (
	"strconv"
	"strings"
	"time"
)

// Moment reads a time as people write it on a command line, as at(1) does: "16:00", "tomorrow 4pm", "mon 9am", "dec 24
// 18:00", "now + 1h", "4pm + 2 days", and the forms of the key `at` of a job file. Times of day are in the zone loc,
// and a time without a date is the next such time. It returns the instant in the form of a job file; a text in that
// form is returned unchanged. A time in the past is an error, unless the text gives its date and year.
func Moment(text string, now time.Time, loc *time.Location) (string, error) {
	if _, _, ok := readAt(text, loc); ok {
		return text, nil
	}
	m := moment{now: now.In(loc)}
	t, err := m.read(text)
	if err != nil {
		err.Value = text
		return "", err
	}
	return t.Format(time.RFC3339), nil
}

// PastMoment reads a time in the past in the same forms as Moment: "16:00" is the last such time, "mon" the beginning of
// the last Monday. There is "yesterday", and a date needs no time of day. A duration, such as "2h", is a time before now.
func PastMoment(text string, now time.Time, loc *time.Location) (string, error) {
	if d, err := ParseDuration(text); err == nil {
		return now.Add(-d).In(loc).Format(time.RFC3339), nil
	}
	if _, _, ok := readAt(text, loc); ok {
		return text, nil
	}
	m := moment{now: now.In(loc), past: true}
	t, err := m.read(text)
	if err != nil {
		err.Value = text
		return "", err
	}
	return t.Format(time.RFC3339), nil
}

// moment is the result of reading such a text.
type moment struct {
	now          time.Time
	past         bool // a time in the past is meant
	hour, minute int
	day          time.Time // midnight of the date, in UTC; zero: no date given
	timed        bool
	other        func(time.Time) time.Time // returns the next date of the same kind, such as the next Monday; for a time in the past, the one before
}

func (m *moment) read(text string) (time.Time, *Error) {
	const most = 100 // the largest number of characters
	if len(text) > most {
		return time.Time{}, m.unclear(text)
	}
	base, more, plus := strings.Cut(strings.ToLower(text), "+")
	words := strings.Fields(strings.ReplaceAll(base, ",", " "))
	if len(words) > 1 && words[0] == "in" && !plus {
		words, more, plus = []string{"now"}, strings.Join(words[1:], " "), true
	}
	if len(words) == 0 && plus {
		words = []string{"now"}
	}
	var later time.Duration
	if plus {
		var err *Error
		if later, err = duration(more); err != nil {
			return time.Time{}, err
		}
	}
	if len(words) == 0 || plus && m.past {
		return time.Time{}, m.unclear(text)
	}
	if len(words) == 1 && words[0] == "now" {
		return m.from(later), nil
	}
	for len(words) > 0 {
		n := m.word(words)
		if n == 0 {
			return time.Time{}, m.unclear(text)
		}
		words = words[n:]
	}
	switch {
	case !m.timed && !m.past:
		return time.Time{}, wrong("add the time of day, as in "+strconv.Quote(strings.TrimSpace(base)+" 4pm"), "%s has no time of day", quote(text))
	case later%(24*time.Hour) != 0:
		return time.Time{}, wrong("add whole days to a time of day", "%s is not a date and time", quote(text))
	}
	return m.settle(text, int(later/(24*time.Hour)))
}

func (m *moment) unclear(text string) *Error {
	if m.past {
		return wrong(`write it like "2h", "16:00", "yesterday 4pm", "mon" or "2026-11-23 16:00"`, "%s is not a date and time", quote(text))
	}
	return wrong(`write it like "16:00", "tomorrow 4pm", "mon 9am", "now + 1h" or "2026-12-24 18:00"`,
		"%s is not a date and time", quote(text))
}

// duration reads the text after a plus, such as "1h", "90 minutes" or "2 days".
func duration(text string) (time.Duration, *Error) {
	text = strings.TrimSpace(text)
	if like := likeDuration(text); like != "" {
		text = like
	}
	d, err := parseDuration(text)
	if err == nil && d > maxEvery {
		err = wrong("use at most "+quote(FormatDuration(maxEvery)), "%s is too long", quote(text))
	}
	return d, err
}

// from returns the time that is later than now by this duration. Whole days are days of the calendar, to the same time
// of day.
func (m *moment) from(later time.Duration) time.Time {
	if later > 0 && later%(24*time.Hour) == 0 {
		wall := m.wall(m.now) + int64(later/time.Second)
		return time.Unix(due(wall, m.now.Location()), 0).In(m.now.Location())
	}
	return m.now.Add(later).Truncate(time.Second)
}

// wall returns what the clock shows at t.
func (m *moment) wall(t time.Time) int64 { return t.Unix() + spanAt(t.Unix(), m.now.Location()).off }

// word reads the beginning of words and returns how many words it used.
func (m *moment) word(words []string) int {
	for n := min(len(words), 2); n > 0 && !m.timed; n-- { // "4 pm" is one time of two words
		text := strings.Join(words[:n], " ")
		if text == "teatime" {
			text = "16:00"
		}
		if hour, minute, err := parseTime(text); err == nil {
			m.hour, m.minute, m.timed = hour, minute, true
			return n
		}
	}
	if words[0] == "at" || words[0] == "on" {
		return 1
	}
	if !m.day.IsZero() {
		return 0
	}
	y, mo, d := m.now.Date()
	today := time.Date(y, mo, d, 0, 0, 0, 0, time.UTC)
	next := 0
	if words[0] == "next" && len(words) > 1 {
		next = 1
	}
	if wd, ok := weekday(words[next]); ok {
		m.day = today.AddDate(0, 0, (wd-int(today.Weekday())+7)%7)
		if next == 1 && m.day.Equal(today) {
			m.day = today.AddDate(0, 0, 7)
		}
		m.other = func(t time.Time) time.Time { return t.AddDate(0, 0, m.forward(7)) }
		return next + 1
	}
	switch words[0] {
	case "today":
		m.day = today
		return 1
	case "yesterday":
		if !m.past {
			return 0
		}
		m.day = today.AddDate(0, 0, -1)
		return 1
	case "tomorrow":
		m.day = today.AddDate(0, 0, 1)
		return 1
	}
	if t, ok := layout(time.DateOnly, words[0]); ok {
		m.day = t
		return 1
	}
	return m.monthDay(words)
}

// monthDay reads a month with a day, and a year if one follows.
func (m *moment) monthDay(words []string) int {
	if len(words) < 2 {
		return 0
	}
	month, ok := monthOf(words[0])
	number := words[1]
	if !ok {
		month, ok = monthOf(words[1])
		number = words[0]
	}
	for _, suffix := range []string{"st", "nd", "rd", "th", "."} {
		number = strings.TrimSuffix(number, suffix)
	}
	d, isDay := digits(number, 1, 2)
	if !ok || !isDay {
		return 0
	}
	year, n := m.now.Year(), 2
	if len(words) > 2 {
		if y, ok := digits(words[2], 4, 4); ok {
			year, n = y, 3
		}
	}
	m.day = time.Date(year, month, d, 0, 0, 0, 0, time.UTC)
	if m.day.Day() != d || m.day.Month() != month {
		m.day = time.Time{}
		return 0
	}
	if n == 2 {
		m.other = func(t time.Time) time.Time { return t.AddDate(m.forward(1), 0, 0) }
	}
	return n
}

func monthOf(word string) (time.Month, bool) {
	for month := time.January; month <= time.December; month++ {
		name := strings.ToLower(month.String())
		if len(word) >= 3 && strings.HasPrefix(name, word) {
			return month, true
		}
	}
	return 0, false
}

// forward returns n for a time in the future, and -n for one in the past.
func (m *moment) forward(n int) int {
	if m.past {
		return -n
	}
	return n
}

// settle combines the date and the time of day. Without a date it returns the next such time, or the last one.
func (m *moment) settle(text string, days int) (time.Time, *Error) {
	if m.day.IsZero() {
		y, mo, d := m.now.Date()
		m.day = time.Date(y, mo, d, 0, 0, 0, 0, time.UTC)
		m.other = func(t time.Time) time.Time { return t.AddDate(0, 0, m.forward(1)) }
	}
	at := func() time.Time {
		wall := m.day.AddDate(0, 0, days).Unix() + int64(m.hour*3600+m.minute*60)
		return time.Unix(due(wall, m.now.Location()), 0).In(m.now.Location())
	}
	t := at()
	if t.After(m.now) == m.past && m.other != nil {
		m.day = m.other(m.day)
		t = at()
	}
	switch {
	case t.After(m.now) != m.past:
		return t, nil
	case m.past:
		return t, wrong("write a time in the past", "%s is in the future", quote(text))
	}
	return t, wrong("write a time in the future", "%s is in the past", quote(text))
}

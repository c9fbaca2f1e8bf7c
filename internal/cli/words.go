package cli

import (
	"fmt"
	"strings"
	"time"
)

// none stands in a table where there is nothing to show.
const none = "-"

// when says t as a person would at now, in now's own zone: "today at 4:35am", "friday at 4:35am" up to six days away,
// else "dec 24 at 6:00pm", with the year if it is another one. The zero time is "-".
func when(t, now time.Time, seconds bool) string {
	if t.IsZero() {
		return none
	}
	t = t.In(now.Location())
	clock := "3:04pm"
	if seconds {
		clock = "3:04:05pm"
	}
	return day(t, now) + " at " + t.Format(clock)
}

func day(t, now time.Time) string {
	switch n := daysBetween(now, t); {
	case n == 0:
		return "today"
	case n == 1:
		return "tomorrow"
	case n == -1:
		return "yesterday"
	case n > -7 && n < 7:
		return strings.ToLower(t.Weekday().String())
	case t.Year() == now.Year():
		return strings.ToLower(t.Format("Jan 2"))
	}
	return strings.ToLower(t.Format("Jan 2 2006"))
}

// daysBetween counts the midnights from a to b. The dates are compared in UTC, where each day has 24 hours.
func daysBetween(a, b time.Time) int {
	return int(date(b).Sub(date(a)) / (24 * time.Hour))
}

func date(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// length says how long d is in two units at most: 59.1s, 4m12s, 1h03m, 2d4h.
func length(d time.Duration) string {
	d = max(d, 0)
	switch tenths := d.Round(100 * time.Millisecond); {
	case tenths < time.Minute:
		return fmt.Sprintf("%.1fs", tenths.Seconds())
	case d.Round(time.Second) < time.Hour:
		d = d.Round(time.Second)
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d%time.Minute/time.Second)
	case d.Round(time.Minute) < 24*time.Hour:
		d = d.Round(time.Minute)
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	d = d.Round(time.Hour)
	return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
}

// count says n things: "1 job", "2 jobs".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

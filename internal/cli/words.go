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

// nearest returns the candidate that word was most likely meant to be, "" if none is near.
func nearest(word string, candidates []string) string {
	best, least := "", len(word)/3+2 // so many slips are not a slip
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the letters to insert, delete, change or swap with their neighbour to make a into b.
func distance(a, b string) int {
	var before []int // the row of a[:i-2]
	last := make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(last[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

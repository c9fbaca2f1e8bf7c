package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"jobsd/statefile"
)

// This file formats all times that people read, in the style of the reader.

// none is shown in a table if there is no value.
const none = "-"

// timeStyle is a way to write times.
type timeStyle string

const (
	hours24 timeStyle = "24h" // tomorrow at 16:35
	hours12 timeStyle = "12h" // tomorrow at 4:35pm
	iso     timeStyle = "iso" // 2026-11-24 16:35
)

// timeStyles are the valid values of JOBSD_TIME.
var timeStyles = []string{string(hours24), string(hours12), string(iso)}

// locales12 are the locales in which people write the time of day with am and pm. They are from the Unicode CLDR, limited
// to locales of Unix systems. A locale without a territory, such as C, uses 24 hours.
var locales12 = strings.Fields(`en_AU en_BD en_CA en_HK en_IN en_MY en_NZ en_PH en_PK en_SG en_US
	ar_AE ar_EG ar_JO ar_KW ar_SA bn_BD bn_IN es_CO es_DO es_PA es_PR es_US fil_PH gu_IN hi_IN kn_IN ko_KR ml_IN mr_IN
	pa_IN ta_IN te_IN tl_PH ur_IN ur_PK`)

// styleOf returns the style of the reader with that environment: from JOBSD_TIME or else from the locale.
func styleOf(getenv func(string) string) timeStyle {
	if s := getenv("JOBSD_TIME"); slices.Contains(timeStyles, s) {
		return timeStyle(s)
	}
	locale := cmp.Or(getenv("LC_ALL"), getenv("LC_TIME"), getenv("LANG"))
	if end := strings.IndexAny(locale, ".@"); end >= 0 {
		locale = locale[:end]
	}
	if slices.Contains(locales12, locale) {
		return hours12
	}
	return hours24
}

// warnTimeStyle prints a warning if JOBSD_TIME is not valid. The verb works anyway.
func warnTimeStyle(w io.Writer, getenv func(string) string) {
	if s := getenv("JOBSD_TIME"); s != "" && !slices.Contains(timeStyles, s) {
		fmt.Fprintf(w, "jobsd: JOBSD_TIME %q is not one of %s\n", s, strings.Join(timeStyles, ", "))
	}
}

// when writes t in the style of the reader, see [timeStyle.when].
func when(t, now time.Time, seconds bool) string { return styleOf(os.Getenv).when(t, now, seconds) }

// exactly writes a time for people and, in parentheses, in RFC 3339.
func exactly(t statefile.Time, now time.Time) string { return styleOf(os.Getenv).exactly(t, now) }

// inStyle rewrites the times of day in a text, which has them as 15:04, in the style of the reader.
func inStyle(text string) string { return styleOf(os.Getenv).rewrite(text) }

// when writes t as a person at now would, in the zone of now: "today at 04:35", "Friday at 04:35" up to six days away, else
// "Dec 24 at 18:00", with the year if it is not the present one. The zero time is "-".
func (s timeStyle) when(t, now time.Time, seconds bool) string {
	if t.IsZero() {
		return none
	}
	t = t.In(now.Location())
	if s == iso {
		return t.Format(time.DateOnly + " " + s.layout(seconds))
	}
	return day(t, now) + " at " + t.Format(s.layout(seconds))
}

// layout is the layout of a time of day.
func (s timeStyle) layout(seconds bool) string {
	switch {
	case s == hours12 && seconds:
		return "3:04:05pm"
	case s == hours12:
		return "3:04pm"
	case seconds:
		return "15:04:05"
	}
	return "15:04"
}

func (s timeStyle) exactly(t statefile.Time, now time.Time) string {
	switch {
	case t.IsZero():
		return none
	case s == iso:
		return t.String()
	}
	return fmt.Sprintf("%s (%s)", s.when(t.Time(), now, false), t)
}

var timeOfDay = regexp.MustCompile(`\b([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?\b`)

func (s timeStyle) rewrite(text string) string {
	if s != hours12 {
		return text
	}
	return timeOfDay.ReplaceAllStringFunc(text, func(clock string) string {
		seconds := strings.Count(clock, ":") == 2
		t, err := time.Parse(hours24.layout(seconds), clock)
		if err != nil {
			return clock
		}
		return t.Format(s.layout(seconds))
	})
}

// wide is the width of a time on that day, for columns whose width must not change while their times do.
func (s timeStyle) wide(day string) int {
	if s == iso {
		return len("2006-01-02 15:04")
	}
	return len(day + " at " + time.Date(2000, 1, 1, 12, 35, 0, 0, time.UTC).Format(s.layout(false)))
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
		return t.Weekday().String()
	case t.Year() == now.Year():
		return t.Format("Jan 2")
	}
	return t.Format("Jan 2 2006")
}

// daysBetween counts the midnights from a to b. It compares the dates in UTC because each day there has 24 hours.
func daysBetween(a, b time.Time) int {
	return int(date(b).Sub(date(a)) / (24 * time.Hour))
}

func date(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// left writes how far away t is, in one unit: "in 11s", "in 12m", "in 4h", "in 3d"; "" for a past time or the zero time.
func left(t, now time.Time) string {
	d := t.Sub(now)
	if t.IsZero() || d <= 0 {
		return ""
	}
	const day = 24 * time.Hour
	for _, unit := range []struct {
		d, most time.Duration
		name    string
	}{{time.Second, time.Minute, "s"}, {time.Minute, time.Hour, "m"}, {time.Hour, day, "h"}} {
		if r := d.Round(unit.d); r < unit.most {
			return fmt.Sprintf("in %d%s", max(r/unit.d, 1), unit.name)
		}
	}
	return fmt.Sprintf("in %dd", d.Round(day)/day)
}

package schedule

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// Words describes the schedule for people: "every day at 04:35", "Monday to Friday at 09:00 and 16:00 in
// Europe/Berlin", "every 10 minutes". Each time of day in it is written as 15:04. It is "" for a schedule of kind None.
func (s *Schedule) Words() string {
	switch s.kind {
	case Every:
		return everyWords(s.Interval())
	case At:
		return s.in("once, on " + time.Unix(s.n, 0).In(s.loc).Format(atLayout(s.n)))
	case Clock:
		if s.isPeriod() {
			return s.in(everyWords(s.interval()) + " from " + time.Unix(s.wall, 0).UTC().Format(atLayout(s.wall)))
		}
		return s.in(clockWords(s.specs))
	}
	return ""
}

// in adds the zone, unless it is that of the machine.
func (s *Schedule) in(text string) string {
	if s.local || s.loc == nil {
		return text
	}
	return text + " in " + s.loc.String()
}

func atLayout(unix int64) string {
	if unix%60 != 0 {
		return "2006-01-02 at 15:04:05"
	}
	return "2006-01-02 at 15:04"
}

// mostUnits is the largest number of one unit in a description: 90 seconds, but 1h1m1s.
const mostUnits = 120

// everyWords describes an interval. It says 24 hours instead of a day, because a day of the clock can have 23 or 25
// hours.
func everyWords(d time.Duration) string {
	const hours24 = 24 * time.Hour
	for _, unit := range []struct {
		d    time.Duration
		name string
	}{{7 * hours24, "week"}, {hours24, "day"}, {time.Hour, "hour"}, {time.Minute, "minute"}, {time.Second, "second"}} {
		switch n := d / unit.d; {
		case d%unit.d != 0 || n > mostUnits || d == hours24 && unit.d == d:
		case n == 1:
			return "every " + unit.name
		default:
			return fmt.Sprintf("every %d %ss", n, unit.name)
		}
	}
	return "every " + FormatDuration(d)
}

// mostSpecs is the largest number of parts in a description. More parts are only counted.
const mostSpecs = 3

// clockWords describes times of day on dates. Specs with the same dates make one part if their times can be listed.
func clockWords(specs []spec) string {
	var parts []string
	for len(specs) > 0 {
		n := sameDates(specs)
		parts = append(parts, specWords(specs[:n]))
		specs = specs[n:]
	}
	if more := len(parts) - mostSpecs; more > 0 {
		parts = append(parts[:mostSpecs], fmt.Sprintf("and %d more", more))
	}
	return strings.Join(parts, "; ")
}

// sameDates counts the specs at the front that have the same dates and few enough times to list.
func sameDates(specs []spec) int {
	first, times := specs[0], specs[0].times()
	n := 1
	for ; n < len(specs); n++ {
		s := specs[n]
		times += s.times()
		s.hours, s.minutes, s.wild = first.hours, first.minutes, first.wild
		if s != first || times > mostTimes {
			break
		}
	}
	return n
}

// times counts the times of a day.
func (s *spec) times() int { return bits.OnesCount32(s.hours) * bits.OnesCount64(s.minutes) }

// mostTimes is the largest number of times of day in a list.
const mostTimes = 6

// specWords describes specs that have the same dates.
func specWords(specs []spec) string {
	s := &specs[0]
	dates := s.dateWords()
	if len(specs) == 1 {
		if again := s.againWords(); again != "" {
			return again + prefixed(", ", dates)
		}
	}
	if dates == "" {
		dates = "every day"
	}
	var day [24]uint64 // the minutes of each hour
	for i := range specs {
		for hours := specs[i].hours; hours != 0; hours &= hours - 1 {
			day[bits.TrailingZeros32(hours)] |= specs[i].minutes
		}
	}
	var times []string
	for hour, minutes := range day {
		for ; minutes != 0; minutes &= minutes - 1 {
			times = append(times, timeText(hour, bits.TrailingZeros64(minutes)))
		}
	}
	if s.both && s.days != allDays && s.weekdays != allWeekdays { // the dates end in a clause
		dates += ","
	}
	return dates + " at " + and(times)
}

func prefixed(prefix, text string) string {
	if text == "" {
		return ""
	}
	return prefix + text
}

func timeText(hour, minute int) string { return fmt.Sprintf("%02d:%02d", hour, minute) }

// againWords describes regular times of day, "" for few times that are better listed.
func (s *spec) againWords() string {
	minutes, hours := bits.OnesCount64(s.minutes), bits.OnesCount32(s.hours)
	first, last := bits.TrailingZeros32(s.hours), 31-bits.LeadingZeros32(s.hours)
	least, most := bits.TrailingZeros64(s.minutes), 63-bits.LeadingZeros64(s.minutes)
	unbroken := last-first+1 == hours
	step := stepOf(s.minutes, 60)
	from := func() string { return " from " + timeText(first, least) + " to " + timeText(last, most) }
	switch {
	case s.hours == allHours && step == 1:
		return "every minute"
	case s.hours == allHours && step > 1 && minutes > 2:
		return fmt.Sprintf("every %d minutes", step)
	case s.hours == allHours && s.minutes == 1:
		return "every hour, on the hour"
	case s.hours == allHours && minutes == 1:
		return fmt.Sprintf("every hour at minute %d", least)
	case s.hours == allHours:
		return fmt.Sprintf("at minutes %s of every hour", and(numbers(s.minutes)))
	case unbroken && step == 1:
		return "every minute" + from()
	case unbroken && step > 1 && minutes > 2:
		return fmt.Sprintf("every %d minutes", step) + from()
	case minutes == 1 && hours > 2 && stepOf(uint64(s.hours), 24) > 1:
		return fmt.Sprintf("every %d hours from %s", stepOf(uint64(s.hours), 24), timeText(first, least))
	case minutes == 1 && hours > 2 && unbroken:
		return "every hour" + from()
	case minutes*hours > mostTimes:
		return fmt.Sprintf("at minutes %s of the hours %s", and(numbers(s.minutes)), and(numbers(uint64(s.hours))))
	}
	return ""
}

// stepOf returns n if the set is 0, n, 2n and so on below top, and n divides top, so that the step continues across the
// end; else 0.
func stepOf(set uint64, top int) int {
	for n := 1; n < top; n++ {
		if top%n != 0 {
			continue
		}
		var steps uint64
		for v := 0; v < top; v += n {
			steps |= 1 << v
		}
		if steps == set {
			return n
		}
	}
	return 0
}

func numbers(set uint64) (list []string) {
	for ; set != 0; set &= set - 1 {
		list = append(list, strconv.Itoa(bits.TrailingZeros64(set)))
	}
	return list
}

// dateWords describes the dates, "" for every day.
func (s *spec) dateWords() string {
	of, months := " of the month", ""
	if s.months != allMonths {
		months = monthWords(s.months)
		of = " of " + months
	}
	anyDay, anyWeekday := s.days == allDays, s.weekdays == allWeekdays
	days, weekdays := s.dayWords(of, months), s.weekdayWords(of)
	switch {
	case s.both && anyDay && anyWeekday:
		return prefixed("every day of ", months)
	case s.both && anyDay && strings.HasPrefix(weekdays, "on ") || !s.both && s.days == 0:
		return weekdays
	case s.both && anyDay:
		return weekdays + prefixed(" in ", months)
	case s.both && anyWeekday || !s.both && s.weekdays == 0 && s.nth == [7]uint8{}:
		return days
	case s.both:
		return days + ", if it is " + strings.TrimPrefix(weekdays, "on ")
	}
	return days + " and on " + strings.TrimPrefix(weekdays, "on ")
}

// dayWords describes days of the month. If there is one month, its name comes first: "on January 1st".
func (s *spec) dayWords(of, months string) string {
	list := runWords(uint64(s.days&^lastDay), ordinal)
	onlyLast := len(list) == 0
	if s.days&lastDay != 0 {
		list = append(list, "last day")
		if !onlyLast {
			list[len(list)-1] = "the last day"
		}
	}
	if bits.OnesCount16(s.months) == 1 && s.days&lastDay == 0 {
		return "on " + months + " " + and(list)
	}
	if len(list) == 0 {
		return ""
	}
	return "on the " + and(list) + of
}

func (s *spec) weekdayWords(of string) string {
	var list []string
	for wd, n := range s.nth {
		for ; n != 0; n &= n - 1 {
			list = append(list, nthNames[bits.TrailingZeros8(n)]+" "+time.Weekday(wd).String())
		}
	}
	plain := and(weekdayRuns(s.weekdays))
	switch {
	case len(list) == 0:
		return plain
	case plain == "":
		return "on the " + and(list) + of
	}
	return "on the " + and(list) + of + " and on " + plain
}

var nthNames = [...]string{"first", "second", "third", "fourth", "fifth", "last"}

// weekdayRuns names weekdays, runs of three or more by the first and the last day. The week begins on Monday, unless a
// run continues across its end.
func weekdayRuns(set uint8) []string {
	has := func(d int) bool { return set>>((d+7)%7)&1 != 0 }
	start := 1
	if set != allWeekdays && has(0) && has(1) && bits.OnesCount8(set) > 2 {
		for has(start - 1) {
			start--
		}
	}
	name := func(d int) string { return time.Weekday((d + 7) % 7).String() }
	var list []string
	for d := start; d < start+7; d++ {
		if !has(d) {
			continue
		}
		end := d
		for end+1 < start+7 && has(end+1) {
			end++
		}
		list = append(list, fromTo(d, end, name)...)
		d = end
	}
	return list
}

func monthWords(set uint16) string {
	return and(runWords(uint64(set), func(m int) string { return time.Month(m).String() }))
}

// runWords names the values in a set.
func runWords(set uint64, name func(int) string) (list []string) {
	for set != 0 {
		var lo, hi int
		lo, hi, set = firstRun(set)
		list = append(list, fromTo(lo, hi, name)...)
	}
	return list
}

// fromTo names the values from lo to hi: one by one if there are at most two.
func fromTo(lo, hi int, name func(int) string) []string {
	switch hi - lo {
	case 0:
		return []string{name(lo)}
	case 1:
		return []string{name(lo), name(hi)}
	}
	return []string{name(lo) + " to " + name(hi)}
}

func ordinal(n int) string {
	suffix := "th"
	switch {
	case n/10 == 1:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return strconv.Itoa(n) + suffix
}

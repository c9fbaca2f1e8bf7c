package schedule

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
	"time"
)

// day is the length of a day of readings, in seconds.
const day = 86400

// A spec is a set of readings of the clock, in whole minutes. start_at, days and cron all compile to specs. Two specs
// that print the same are equal; see [spec.normal].
type spec struct {
	minutes  uint64   // bits 0-59
	hours    uint32   // bits 0-23
	days     uint32   // of the month: bits 1-31; bit 0 is the last day
	months   uint16   // bits 1-12
	weekdays uint8    // bits 0-6, Sunday first
	nth      [7]uint8 // by weekday: bit n-1 is the n-th in the month, bit 5 the last
	both     bool     // a date must match days and weekdays; else one match is enough
	wild     bool     // is due whenever the clock shows it
}

// The full sets, and the bits for the last day.
const (
	allMinutes  = 1<<60 - 1
	allHours    = 1<<24 - 1
	allDays     = 1<<32 - 2
	allMonths   = 1<<13 - 2
	allWeekdays = 1<<7 - 1

	lastDay = 1 << 0 // in days
	lastNth = 1 << 5 // in nth
)

// normal returns the spec in the form that all specs with the same meaning share, as far as one field at a time can
// show it.
func (s spec) normal() spec {
	for wd, n := range s.nth {
		const five, all = 1 << 4, 0b1111 | lastNth
		if n&lastNth != 0 {
			n &^= five // a fifth one is always the last
		} else if n == 1<<5-1 {
			n = all
		}
		if n == all {
			s.weekdays |= 1 << wd
		}
		if s.weekdays>>wd&1 != 0 {
			n = 0
		}
		s.nth[wd] = n
	}
	const lastDays = 0b1111 << 28
	if s.days&lastDays == lastDays {
		s.days &^= lastDay // one of the days 28 to 31 is always the last
	}
	if !s.both && (s.days == allDays || s.weekdays == allWeekdays) {
		s.days, s.weekdays, s.nth, s.both = allDays, allWeekdays, [7]uint8{}, true
	}
	return s
}

// onDate reports whether the day d of a month with last days is in the set, given its weekday.
func (s *spec) onDate(d, weekday, last int) bool {
	dom := s.days>>d&1 != 0 || s.days&lastDay != 0 && d == last
	n := s.nth[weekday]
	dow := s.weekdays>>weekday&1 != 0 || n>>((d-1)/7)&1 != 0 || n&lastNth != 0 && d+7 > last
	if s.both {
		return dom && dow
	}
	return dom || dow
}

// from returns the first time of day in the set, in seconds, at or after hour:minute.
func (s *spec) from(hour, minute int) (int64, bool) {
	for hours := s.hours >> hour << hour; hours != 0; hours &= hours - 1 {
		h, minutes := bits.TrailingZeros32(hours), s.minutes
		if h == hour {
			minutes = minutes >> minute << minute
		}
		if minutes != 0 {
			return int64(h*3600 + bits.TrailingZeros64(minutes)*60), true
		}
	}
	return 0, false
}

// next returns the first reading of the set in [w, end), or never if there is none.
func (s *spec) next(w, end int64) int64 {
	w = minuteUp(w)
	c := time.Unix(w, 0).UTC()
	year, month, d := c.Date()
	hour, minute := c.Hour(), c.Minute()
	weekday, midnight := int(c.Weekday()), w-int64(hour*3600+minute*60)
	for ; midnight < end; month++ {
		if month > 12 {
			year, month = year+1, 1
		}
		last := daysIn(year, month)
		if s.months>>month&1 == 0 {
			rest := last - d + 1
			midnight, weekday = midnight+int64(rest)*day, (weekday+rest)%7
			d, hour, minute = 1, 0, 0
			continue
		}
		for ; d <= last; d++ {
			if s.onDate(d, weekday, last) {
				if t, ok := s.from(hour, minute); ok {
					return below(end, midnight+t)
				}
			}
			midnight += day
			if weekday++; weekday == 7 {
				weekday = 0
			}
			hour, minute = 0, 0
		}
		d = 1
	}
	return never
}

// minuteUp returns the first whole minute at or after w.
func minuteUp(w int64) int64 { return w + mod(-w, 60) }

// below returns w if it is below end, else never.
func below(end, w int64) int64 {
	if w < end {
		return w
	}
	return never
}

// nextWall returns the first reading of any of specs in [w, end), or never if there is none.
func nextWall(specs []spec, w, end int64) int64 {
	first := int64(never)
	for i := range specs {
		first = min(first, specs[i].next(w, min(end, first)))
	}
	return first
}

func daysIn(year int, month time.Month) int {
	if month != time.February {
		return 30 + int(month+month>>3)&1
	}
	if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
		return 29
	}
	return 28
}

// mod returns the remainder of a division that rounds down, so it is never negative.
func mod(a, b int64) int64 { return (a%b + b) % b }

// union merges specs hour by hour into as few specs as possible, in a fixed order. It merges only fixed specs: wild
// ones must be written with "*", which is not always possible for a merged one.
func union(specs []spec) []spec {
	var out []spec
	dates := map[spec]*[24]uint64{}
	for _, s := range specs {
		if s.wild {
			out = append(out, s)
			continue
		}
		date := s
		date.hours, date.minutes = 0, 0
		if dates[date] == nil {
			dates[date] = new([24]uint64)
		}
		for h := range 24 {
			if s.hours>>h&1 != 0 {
				dates[date][h] |= s.minutes
			}
		}
	}
	for date, m := range dates {
		out = append(out, byHour(date, m)...)
	}
	slices.SortFunc(out, compare)
	return slices.Clip(slices.Compact(out))
}

// byHour returns one spec for each group of hours that have the same minutes.
func byHour(date spec, minutes *[24]uint64) (out []spec) {
	for h, m := range minutes {
		if m == 0 {
			continue
		}
		i := slices.IndexFunc(out, func(s spec) bool { return s.minutes == m })
		if i < 0 {
			i, date.minutes = len(out), m
			out = append(out, date)
		}
		out[i].hours |= 1 << h
	}
	return out
}

// compare orders specs: fixed before wild, then by time of day.
func compare(a, b spec) int {
	return cmp.Or(
		cmp.Compare(btoi(a.wild), btoi(b.wild)),
		cmp.Compare(bits.TrailingZeros32(a.hours), bits.TrailingZeros32(b.hours)),
		cmp.Compare(bits.TrailingZeros64(a.minutes), bits.TrailingZeros64(b.minutes)),
		cmp.Compare(a.hours, b.hours),
		cmp.Compare(a.minutes, b.minutes),
		cmp.Compare(a.months, b.months),
		cmp.Compare(a.days, b.days),
		cmp.Compare(a.weekdays, b.weekdays),
		bytes.Compare(a.nth[:], b.nth[:]),
		cmp.Compare(btoi(a.both), btoi(b.both)),
	)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

package schedule

import (
	"math/bits"
	"strconv"
	"strings"
	"time"
)

// String returns the schedule on one line, as in
//
//	every 14d from 2026-01-06 00:00
//	cron "35 4 * * *" "0 16 * * mon-fri" in Europe/Berlin
//
// Times of day are written as cron expressions. Schedules with the same slots print the same, as far as this can be
// found out without comparing calendars. The keys of the line, parsed again, print the same line.
func (s *Schedule) String() string {
	k := s.Keys()
	var b strings.Builder
	switch s.kind {
	case Clock:
		if s.isPeriod() {
			b.WriteString("every " + *k.Every + " from " + *k.From)
			break
		}
		b.WriteString("cron")
		for _, line := range k.Cron {
			b.WriteString(" " + strconv.Quote(line))
		}
	case Every:
		b.WriteString("every " + *k.Every)
	case At:
		b.WriteString("at " + *k.At)
	default:
		b.WriteString("only when asked")
	}
	if k.Timezone != nil {
		b.WriteString(" in " + *k.Timezone)
	}
	return b.String()
}

// Keys returns keys that make the same schedule, in a form that does not depend on how it was written: start_at and
// days become cron, an `at` gets an offset, and a local zone is left out.
func (s *Schedule) Keys() Keys {
	var k Keys
	switch s.kind {
	case Clock:
		if s.isPeriod() {
			every, from := FormatDuration(s.interval()), s.fromText()
			k.Every, k.From = &every, &from
		}
		for i := range s.specs {
			k.Cron = append(k.Cron, s.specs[i].cron())
		}
	case Every:
		every := FormatDuration(s.Interval())
		k.Every = &every
	case At:
		at := time.Unix(s.n, 0).In(s.loc).Format(time.RFC3339)
		if t, err := time.Parse(time.RFC3339, at); err != nil || t.Unix() != s.n {
			at = time.Unix(s.n, 0).UTC().Format(time.RFC3339) // RFC 3339 has no seconds in offsets, but some old zones have
		}
		k.At = &at
	}
	if !s.local && s.loc != nil {
		name := s.loc.String()
		k.Timezone = &name
	}
	return k
}

// cron writes the spec as an expression that compiles to it. It matters which fields begin with "*".
func (s *spec) cron() string {
	m, h := pair(&fields[0], &fields[1], s.minutes, uint64(s.hours), s.wild)
	d, w := s.dates()
	return strings.Join([]string{m, h, d, fields[3].tidy(uint64(s.months)), w}, " ")
}

func (s *spec) dates() (d, w string) {
	d, w = pair(&fields[2], &fields[4], uint64(s.days&^lastDay), uint64(s.weekdays), s.both)
	if s.days&lastDay != 0 {
		d = join(d, "L")
	}
	for wd, n := range s.nth {
		for ; n != 0; n &= n - 1 {
			number := "L"
			if i := bits.TrailingZeros8(n); 1<<i != lastNth {
				number = strconv.Itoa(i + 1)
			}
			w = join(w, fields[4].text(wd)+"#"+number)
		}
	}
	return d, w
}

func join(list, item string) string {
	if list == "" {
		return item
	}
	return list + "," + item
}

// pair writes two fields. If star, at least one of them begins with "*", else neither.
func pair(f, g *field, fSet, gSet uint64, star bool) (string, string) {
	if !star {
		return f.list(fSet), g.list(gSet)
	}
	a, b := f.tidy(fSet), g.tidy(gSet)
	if strings.HasPrefix(a, "*") || strings.HasPrefix(b, "*") {
		return a, b
	}
	if a, ok := f.star(fSet); ok {
		return a, b
	}
	b, _ = g.star(gSet)
	return a, b
}

// star writes a set as "*" or "*/n" and the remaining values; ok is false for a set without the smallest value of the
// field.
func (f *field) star(set uint64) (text string, ok bool) {
	for n := 1; n <= f.max; n++ {
		if steps := f.steps(n); steps&^set == 0 {
			text = "*"
			if n > 1 {
				text += "/" + strconv.Itoa(n)
			}
			if rest := f.list(set &^ steps); rest != "" {
				text += "," + rest
			}
			return text, true
		}
	}
	return "", false
}

// steps returns the set of "*/n".
func (f *field) steps(n int) (set uint64) {
	for v := f.min; v <= f.top(); v += n {
		set |= 1 << v
	}
	return set
}

// tidy writes a set as "*" or "*/n" if that is the whole set, else as a list.
func (f *field) tidy(set uint64) string {
	if s, ok := f.star(set); ok && bits.OnesCount64(set) > 2 && !strings.Contains(s, ",") {
		return s
	}
	return f.list(set)
}

// list writes a set as values and ranges.
func (f *field) list(set uint64) string {
	text := ""
	for set != 0 {
		var lo, hi int
		lo, hi, set = firstRun(set)
		item := f.text(lo)
		switch {
		case hi == lo+1:
			item += "," + f.text(hi)
		case hi > lo:
			item += "-" + f.text(hi)
		}
		text = join(text, item)
	}
	return text
}

// firstRun returns the first run of values in a set that is not empty, and the rest of the set.
func firstRun(set uint64) (lo, hi int, rest uint64) {
	lo = bits.TrailingZeros64(set)
	hi = lo + bits.TrailingZeros64(^(set >> lo)) - 1
	return lo, hi, set &^ (1<<(hi+1) - 1<<lo)
}

// text writes one value, by name if it has one.
func (f *field) text(v int) string {
	if f.names == "" {
		return strconv.Itoa(v)
	}
	i := (v - f.min) * 3
	return f.names[i : i+3]
}

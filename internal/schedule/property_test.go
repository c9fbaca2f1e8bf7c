package schedule

import (
	"flag"
	"testing"
	"time"
)

// go test ./internal/schedule -run AllZones -long -v
var long = flag.Bool("long", false, "check all zones in more ways and with the system's zone data too")

var year2000, year2040 = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC)

// TestAllZones goes through 40 years of every zone.
func TestAllZones(t *testing.T) {
	kinds := zoneData(t)
	daily := []string{"30 2 * * *"} // not midnight: where a day was skipped, two midnights are the same instant
	if *long {
		daily = []string{"30 2 * * *", "1 0 * * *", "59 23 * * *", "15 1 * * *", "0 12 * * *", "0 3 * * *"}
	} else {
		kinds = kinds[:1]
	}
	for _, z := range kinds {
		names := z.distinct()
		switch {
		case *long:
			names = z.names
		case raceDetector: // the race detector finds nothing in a package without goroutines, and is slow
			names = names[:len(names)/10]
		}
		slots := 0
		for _, name := range names {
			loc := z.load(t, name)
			for _, expr := range daily {
				slots += checkDaily(t, loc, expr)
			}
			for _, expr := range []string{"*/30 * * * *", "0,20,45 0-23 * * *", "7 */2 * * *"} {
				slots += checkChanges(t, loc, expr)
			}
		}
		t.Logf("%s: %d zones, %d slots", z.name, len(names), slots)
	}
}

// checkDaily goes through a daily fixed schedule. Each day of the calendar has exactly one slot, even a day that the
// clock skipped, and no two slots are more than 49 hours apart.
func checkDaily(t *testing.T, loc *time.Location, expr string) (slots int) {
	s := must(t, Keys{Cron: []string{expr}}, loc)
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, loc).Add(-time.Second)
	end := time.Date(2040, 1, 1, 0, 0, 0, 0, loc).Add(-time.Second)
	at := s.Next(start)
	for last := at; !at.After(end); slots++ {
		last, at = at, s.Next(at)
		if !at.After(last) || at.Sub(last) > 49*time.Hour {
			t.Fatalf("%s %q: %s comes after %s", loc, expr, at, last)
		}
	}
	if want := int(year2040.Sub(year2000) / (24 * time.Hour)); slots != want {
		t.Errorf("%s %q: %d slots in 40 years, want one a day: %d", loc, expr, slots, want)
	}
	return slots
}

// checkChanges goes through a schedule around every clock change, second by second near the change.
func checkChanges(t *testing.T, loc *time.Location, expr string) (slots int) {
	s := must(t, Keys{Cron: []string{expr}}, loc)
	for at := year2000.In(loc); at.Before(year2040); {
		_, change := at.ZoneBounds()
		if change.IsZero() {
			return slots
		}
		if !change.After(at) { // golang/go#81583
			change = at.Add(24 * time.Hour)
		}
		at = change
		for _, near := range []time.Duration{-1, 0, 1} {
			if base := change.Add(near * time.Second); !s.Next(base).After(base) {
				t.Fatalf("%s %q: %s comes after %s", loc, expr, s.Next(base), base)
			}
		}
		last := change.Add(-5 * time.Hour)
		for next := s.Next(last); next.Before(change.Add(5 * time.Hour)); next = s.Next(last) {
			if !next.After(last) || s.HasWild() && expr[0] == '*' && next.Sub(last) > time.Hour {
				t.Fatalf("%s %q: %s comes after %s", loc, expr, next, last)
			}
			last = next
			slots++
		}
	}
	return slots
}

// TestLeapYearEnd tests the bug golang/go#81583: on 31 December of leap years that use the rule at the end of the zone
// data, Time.ZoneBounds returns an end that is not after its argument. With slim data this begins in 2028.
func TestLeapYearEnd(t *testing.T) {
	for _, z := range zoneData(t) {
		loc := z.load(t, "America/New_York")
		for _, year := range []int{2028, 2032, 2040, 2096, 2400} {
			at := time.Date(year, 12, 30, 22, 0, 0, 0, loc)
			for _, expr := range []string{"0 * * * *", "0 0-23 * * *"} {
				s := must(t, Keys{Cron: []string{expr}}, loc)
				for base, hours := at, 0; hours < 60; hours++ {
					next := s.Next(base)
					if next.Sub(base) != time.Hour {
						t.Fatalf("%s %q: %s comes after %s", z.name, expr, next, base)
					}
					base = next
				}
				if n, _, last := s.CountAfter(at, at.Add(60*time.Hour), 100); n != 60 || !last.Equal(at.Add(60*time.Hour)) {
					t.Errorf("%s %q: counted %d up to %s", z.name, expr, n, last)
				}
			}
		}
	}
}

// TestRareDates compares rare dates with a search through all days of more than a century.
func TestRareDates(t *testing.T) {
	for _, row := range []struct {
		expr string
		is   func(time.Time) bool
	}{
		{"0 4 29 2 *", func(d time.Time) bool { return d.Month() == 2 && d.Day() == 29 }},
		{"0 4 * 2 mon#5", func(d time.Time) bool { return d.Month() == 2 && d.Day() == 29 && d.Weekday() == 1 }},
		{"0 4 */31 1 sun", func(d time.Time) bool { return d.YearDay() == 1 && d.Weekday() == 0 }},
		{"0 4 L 2,4 *", func(d time.Time) bool {
			return (d.Month() == 2 || d.Month() == 4) && d.AddDate(0, 0, 1).Day() == 1
		}},
		{"0 4 * 12 fri#L", func(d time.Time) bool { return d.Month() == 12 && d.Weekday() == 5 && d.Day() > 24 }},
		{"0 4 * * */4,wed#2", func(d time.Time) bool {
			return d.Weekday()%4 == 0 || d.Weekday() == 3 && 8 <= d.Day() && d.Day() < 15
		}},
	} {
		s := must(t, Keys{Cron: []string{row.expr}}, time.UTC)
		at := time.Date(1995, 1, 1, 0, 0, 0, 0, time.UTC)
		for day := at; day.Year() < 2130; day = day.AddDate(0, 0, 1) {
			if !row.is(day) {
				continue
			}
			want := day.Add(4 * time.Hour)
			if got := s.Next(at); !got.Equal(want) {
				t.Fatalf("%q after %s: got %s, want %s", row.expr, at, got, want)
			}
			at = want
		}
	}
}

// TestSkippedForEver has a wild time that lies in a gap whenever its date comes. It is refused, and Next still ends.
func TestSkippedForEver(t *testing.T) {
	ny := location(t, "America/New_York")
	line := "*/30 2 * 3 sun#2"
	if _, errs := Parse(Keys{Cron: []string{line}}, ny, now); len(errs) != 1 {
		t.Errorf("%q is accepted in New York: %v", line, errs)
	}
	s := must(t, Keys{Cron: []string{line}}, time.UTC)
	s.loc = ny
	if next := s.Next(now); !next.IsZero() {
		t.Errorf("%q in New York is due at %s", line, next)
	}
}

// TestEdgesOfTime checks that Next with the smallest and largest times returns a later slot, or none.
func TestEdgesOfTime(t *testing.T) {
	for _, k := range []Keys{
		{Cron: []string{"0 0 * * *"}}, {Cron: []string{"* * * * *"}}, {At: ptr("2026-12-24T18:00:00Z")},
	} {
		s := must(t, k, location(t, "Europe/Berlin"))
		for _, at := range []time.Time{
			{}, time.Unix(-1<<62, 0), time.Unix(1<<62, 0), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
			time.Date(9999, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(-5000, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Unix(1<<63-1, 0), time.Unix(-1<<63, 0),
		} {
			if next := s.Next(at); !next.IsZero() && (next.Unix() <= at.Unix() || next.Year() > 9999) {
				t.Errorf("%s after %s: %s", s, at, next)
			}
		}
	}
}

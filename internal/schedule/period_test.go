package schedule

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func periodKeys(every, from string) Keys { return Keys{Every: &every, From: &from} }

// TestPeriod tests `every` with `from`: every other Tuesday, across clock changes.
func TestPeriod(t *testing.T) {
	for _, row := range []struct {
		zone, every, from, after string
		want                     []string
	}{
		{"America/New_York", "2w", "2026-01-06", "2026-01-05 12:00", []string{
			"2026-01-06T00:00:00-05:00", "2026-01-20T00:00:00-05:00", "2026-02-03T00:00:00-05:00"}},
		{"America/New_York", "2w", "2026-01-06 09:00", "2026-02-25 00:00", []string{ // across the change of 8 March
			"2026-03-03T09:00:00-05:00", "2026-03-17T09:00:00-04:00", "2026-03-31T09:00:00-04:00"}},
		{"America/New_York", "1d", "2026-03-01 02:30", "2026-03-07 00:00", []string{ // in the gap, so due at its end
			"2026-03-07T02:30:00-05:00", "2026-03-08T03:00:00-04:00", "2026-03-09T02:30:00-04:00"}},
		{"America/New_York", "1d", "2026-10-01 01:30", "2026-10-31 12:00", []string{ // shown twice, so due the first time
			"2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00"}},
		{"America/New_York", "30m", "2026-11-01", "2026-11-01 00:45", []string{
			"2026-11-01T01:00:00-04:00", "2026-11-01T01:30:00-04:00", "2026-11-01T02:00:00-05:00"}},
		{"UTC", "90m", "2026-01-06", "2026-01-06 00:00", []string{"2026-01-06T01:30:00Z", "2026-01-06T03:00:00Z"}},
		{"UTC", "1d", "2030-01-01", "2026-01-06 00:00", []string{"2030-01-01T00:00:00Z"}},
		{"UTC", "3650d", "1980-02-29 06:00", "2026-01-06 00:00", []string{"2030-02-16T06:00:00Z", "2040-02-14T06:00:00Z"}},
		{"Europe/Berlin", "1w", "2026-01-06T09:00:00.25Z", "2026-01-06 00:00", []string{"2026-01-06T10:00:00+01:00"}},
	} {
		loc := location(t, row.zone)
		after, err := time.ParseInLocation(localLayout, row.after, loc)
		if err != nil {
			t.Fatal(err)
		}
		s, errs := Parse(periodKeys(row.every, row.from), loc, after)
		if errs != nil {
			t.Fatal(errs)
		}
		for _, want := range row.want {
			if after = s.Next(after); after.Format(time.RFC3339) != want {
				t.Errorf("every %s from %s in %s: got %s, want %s", row.every, row.from, row.zone, after.Format(time.RFC3339), want)
			}
		}
	}
	s, errs := Parse(periodKeys("2w", "2026-01-06"), time.UTC, now)
	if errs != nil || s.String() != "every 14d from 2026-01-06 00:00" || s.Words() != "every 2 weeks from 2026-01-06 at 00:00" ||
		s.Kind() != Clock || s.Interval() != 0 || s.HasWild() {
		t.Errorf("%v, %s, %s", errs, s, s.Words())
	}
	if _, errs := Parse(Keys{From: ptr("2026-01-06")}, time.UTC, now); len(errs) != 1 || errs[0].Reason != "from needs every" {
		t.Error(errs)
	}
	if _, errs := Parse(periodKeys("90s", "2026-01-06"), time.UTC, now); len(errs) != 1 || errs[0].Fix != "use whole minutes, or remove from" {
		t.Error(errs)
	}
}

// TestPeriodBrute compares periods with a walker over minutes, around clock changes.
func TestPeriodBrute(t *testing.T) {
	const seed = 20261129
	r := rand.New(rand.NewPCG(seed, 7))
	z := zoneData(t)[0]
	list := windows(t, r, z)
	if raceDetector {
		list = list[:4]
	}
	queries := 0
	for i := range list {
		w := &list[i]
		c := tally{t: t}
		for range 20 {
			step := int64(1 + r.IntN(3000))
			start := w.minutes[0].wall - 3*1440 + int64(r.IntN(12*1440))
			every, from := fmt.Sprintf("%dm", step), time.Unix(start*60, 0).UTC().Format(localLayout)
			s, errs := Parse(periodKeys(every, from), w.loc, w.start)
			if errs != nil {
				t.Fatal(errs)
			}
			again, errs := Parse(s.Keys(), w.loc, w.start)
			if errs != nil || again.String() != s.String() {
				t.Errorf("%s prints as %v %v", s, again, errs)
				continue
			}
			slots := periodSlots(start, step, w.minutes)
			name := []string{every, from, fmt.Sprint("seed ", seed)}
			for range 20 {
				queries++
				w.query(&c, name, s, again, slots, w.randomBase(r, slots))
			}
			w.count(&c, name, s, slots)
		}
	}
	t.Log(queries, "queries")
}

// periodSlots lists the slots of a period by testing each minute: the first one at which the clock has reached or
// passed a reading of the period.
func periodSlots(start, step int64, minutes []minute) (out []int64) {
	latest := minutes[0].wall
	for _, m := range minutes[1:] {
		for w := latest + 1; w <= m.wall; w++ {
			if w >= start && (w-start)%step == 0 {
				out = append(out, m.at)
				break
			}
		}
		latest = max(latest, m.wall)
	}
	return slices.Compact(out)
}

// TestPeriodAllocatesNothing checks that Next does not allocate for a period.
func TestPeriodAllocatesNothing(t *testing.T) {
	s, errs := Parse(periodKeys("2w", "2026-01-06"), location(t, "America/New_York"), now)
	if errs != nil {
		t.Fatal(errs)
	}
	if n := testing.AllocsPerRun(100, func() { s.Next(now) }); n > 0 && !raceDetector {
		t.Errorf("%v allocations", n)
	}
}

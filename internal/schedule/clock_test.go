package schedule

import (
	"testing"
	"time"
)

// TestNextAfter sets the clock back: fixed slots that ran are not repeated, and wild slots follow the clock.
func TestNextAfter(t *testing.T) {
	s := must(t, Keys{Cron: []string{"0 10 * * *", "*/15 * * * *"}}, time.UTC)
	ran := instant(t, time.UTC, "2026-11-23T10:00:00Z")
	shows := instant(t, time.UTC, "2026-11-23T09:05:00Z") // an hour back
	for _, want := range []string{"09:15", "09:30", "09:45", "10:00", "10:15"} {
		shows = s.NextAfter(ran, shows)
		if got := shows.Format("15:04"); got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
	}
	fixed := must(t, startAt("10:00", "10:30"), time.UTC)
	if got := fixed.NextAfter(ran, shows.Add(-time.Hour)); got.Format("15:04") != "10:30" {
		t.Errorf("a fixed slot is due at %s again", got)
	}
	at := must(t, Keys{At: ptr("2026-11-23 10:00")}, time.UTC)
	if got := at.NextAfter(ran, shows.Add(-time.Hour)); !got.IsZero() {
		t.Errorf("a job that runs once is due at %s again", got)
	}
}

// TestCountAfter counts the slots that a machine missed while it was off.
func TestCountAfter(t *testing.T) {
	ny := location(t, "America/New_York")
	for _, row := range []struct {
		name         string
		keys         Keys
		after, until string
		limit, n     int
		first, last  string
	}{
		{"B19 three days off", startAt("9:00"), "2026-11-20 09:00", "2026-11-23 12:00", 1000, 3,
			"2026-11-21 09:00", "2026-11-23 09:00"},
		{"B20 minutely, ten hours off", cronKeys("* * * * *"), "2026-11-23 00:00", "2026-11-23 10:00", 1000, 600,
			"2026-11-23 00:01", "2026-11-23 10:00"},
		{"minutely, a year off, at most 100", cronKeys("* * * * *"), "2025-01-01 00:00", "2026-01-01 00:00", 100, 100,
			"2025-01-01 00:01", "2026-01-01 00:00"},
		{"minutely, a year off", cronKeys("* * * * *"), "2025-01-01 00:00", "2026-01-01 00:00", 1 << 30, 525600,
			"2025-01-01 00:01", "2026-01-01 00:00"},
		{"minutely, 56 years by a clock that began in 1970", cronKeys("* * * * *"), "1970-01-01 00:00", "2026-01-01 00:00",
			1 << 30, 56*525600 + 14*1440, "1970-01-01 00:01", "2026-01-01 00:00"},
		{"none", startAt("9:00"), "2026-11-23 09:00", "2026-11-24 08:59", 1000, 0, "", ""},
		{"none, because the end comes first", startAt("9:00"), "2026-11-23 09:00", "2026-11-20 08:59", 1000, 0, "", ""},
		{"the end counts, the beginning does not", startAt("9:00"), "2026-11-23 09:00", "2026-11-24 09:00", 1000, 1,
			"2026-11-24 09:00", "2026-11-24 09:00"},
		{"dense, then sparse", cronKeys("* * * 1 *"), "2025-12-31 23:59", "2026-11-23 12:00", 1 << 30, 31 * 1440,
			"2026-01-01 00:00", "2026-01-31 23:59"},
		{"over a gap", startAt("2:15", "2:30", "3:00"), "2026-03-07 12:00", "2026-03-09 12:00", 1000, 4,
			"2026-03-08 03:00", "2026-03-09 03:00"},
		{"once", Keys{At: ptr("2026-11-23 10:00")}, "2026-11-23 09:00", "2026-11-23 10:00", 1000, 1,
			"2026-11-23 10:00", "2026-11-23 10:00"},
		{"once, before", Keys{At: ptr("2026-11-23 10:00")}, "2026-11-23 10:00", "2026-11-24 10:00", 1000, 0, "", ""},
		{"every has no slots", Keys{Every: ptr("1m")}, "2026-11-23 10:00", "2026-11-24 10:00", 1000, 0, "", ""},
	} {
		s := must(t, row.keys, ny)
		n, first, last := s.CountAfter(instant(t, ny, row.after), instant(t, ny, row.until), row.limit)
		text := func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.Format("2006-01-02 15:04")
		}
		if n != row.n || text(first) != row.first || text(last) != row.last {
			t.Errorf("%s: %d from %s to %s, want %d from %s to %s", row.name, n, first, last, row.n, row.first, row.last)
		}
	}
}

func TestEveryAfter(t *testing.T) {
	anchor := instant(t, time.UTC, "2026-11-23T10:00:00Z")
	for _, row := range []struct {
		every time.Duration
		after string
		want  string
	}{
		{90 * time.Minute, "2026-11-23T10:00:00Z", "2026-11-23T11:30:00Z"}, // never ran: one interval after the first load
		{90 * time.Minute, "2026-11-23T11:29:59.9Z", "2026-11-23T11:30:00Z"},
		{90 * time.Minute, "2026-11-23T11:30:00Z", "2026-11-23T13:00:00Z"},
		{90 * time.Minute, "2020-01-01T00:00:00Z", "2026-11-23T11:30:00Z"},
		{24 * time.Hour, "2026-12-23T09:00:00Z", "2026-12-23T10:00:00Z"},
		{time.Second, "2999-01-01T00:00:00Z", "2999-01-01T00:00:01Z"},
		{3650 * 24 * time.Hour, "9000-01-01T00:00:00Z", "9002-04-06T10:00:00Z"},
	} {
		if got := EveryAfter(anchor, row.every, instant(t, time.UTC, row.after)); !got.Equal(instant(t, time.UTC, row.want)) {
			t.Errorf("every %s after %s: got %s, want %s", row.every, row.after, got, row.want)
		}
	}
	if got := EveryAfter(anchor, 0, anchor); !got.IsZero() {
		t.Errorf("every 0: %s", got)
	}
}

func TestExplain(t *testing.T) {
	ny := in("America/New_York", Keys{}).Timezone
	for _, row := range []struct {
		keys Keys
		slot string
		want string
	}{
		{startAt("2:30"), "2026-03-08T03:00:00-04:00",
			"fixed: 02:30 does not exist on 2026-03-08 in America/New_York; due at 03:00 EDT"},
		{startAt("2:15", "2:30", "3:00"), "2026-03-08T03:00:00-04:00",
			"fixed: 02:15 and 02:30 do not exist on 2026-03-08 in America/New_York; due at 03:00 EDT"},
		{cronKeys("0-59 2 * * *"), "2026-03-08T03:00:00-04:00",
			"fixed: 02:00, 02:01, 02:02 and 57 more do not exist on 2026-03-08 in America/New_York; due at 03:00 EDT"},
		{startAt("3:00"), "2026-03-08T03:00:00-04:00", ""},
		{startAt("2:30"), "2026-03-09T02:30:00-04:00", ""},
		{startAt("1:30"), "2026-11-01T01:30:00-04:00",
			"fixed: 01:30 is shown twice on 2026-11-01 in America/New_York; due at its first showing, 01:30 EDT"},
		{startAt("2:00"), "2026-11-01T02:00:00-05:00", ""},
		{startAt("1:30"), "2026-11-02T01:30:00-05:00", ""},
		{cronKeys("*/30 * * * *"), "2026-11-01T01:30:00-04:00", "wild: 01:30 is shown twice on 2026-11-01 in America/New_York; " +
			"due at both showings, this is the first, 01:30 EDT"},
		{cronKeys("*/30 * * * *"), "2026-11-01T01:30:00-05:00", "wild: 01:30 is shown twice on 2026-11-01 in America/New_York; " +
			"due at both showings, this is the second, 01:30 EST"},
		{cronKeys("*/30 * * * *"), "2026-11-01T02:00:00-05:00", ""},
		{cronKeys("*/30 * * * *"), "2026-03-08T03:00:00-04:00",
			"wild: 02:00 and 02:30 do not exist on 2026-03-08 in America/New_York; no slot"},
		{cronKeys("*/30 * * * *"), "2026-03-08T03:30:00-04:00", ""},
		{cronKeys("*/30 2 * * *"), "2026-03-09T02:00:00-04:00",
			"wild: 02:00 and 02:30 do not exist on 2026-03-08 in America/New_York; no slot"},
		{cronKeys("*/30 2 * * *"), "2026-03-09T02:30:00-04:00", ""},
		{cronKeys("30 2 * * *", "*/30 * * * *"), "2026-03-08T03:00:00-04:00",
			"fixed: 02:30 does not exist on 2026-03-08 in America/New_York; due at 03:00 EDT; " +
				"wild: 02:00 and 02:30 do not exist on 2026-03-08 in America/New_York; no slot"},
		{in("Pacific/Apia", startAt("4:35")), "2011-12-31T00:00:00+14:00",
			"fixed: 04:35 does not exist on 2011-12-30 in Pacific/Apia; due at 00:00 +14 on 2011-12-31"},
		{Keys{At: ptr("2026-03-08 02:30")}, "2026-03-08T03:00:00-04:00",
			"fixed: 02:30 does not exist on 2026-03-08 in America/New_York; due at 03:00 EDT"},
		{Keys{At: ptr("2026-11-01 01:30")}, "2026-11-01T01:30:00-04:00",
			"fixed: 01:30 is shown twice on 2026-11-01 in America/New_York; due at its first showing, 01:30 EDT"},
		{Keys{At: ptr("2026-11-01T01:30:00-04:00")}, "2026-11-01T01:30:00-04:00", ""},
		{Keys{Every: ptr("1h")}, "2026-11-01T01:30:00-04:00", ""},
		{Keys{}, "2026-11-01T01:30:00-04:00", ""},
		{in("UTC", cronKeys("*/30 * * * *")), "2026-11-01T05:30:00Z", ""},
	} {
		if row.keys.Timezone == nil {
			row.keys.Timezone = ny
		}
		s := must(t, row.keys, time.UTC)
		if got := s.Explain(instant(t, time.UTC, row.slot)); got != row.want {
			t.Errorf("%s at %s:\n got %q\nwant %q", s, row.slot, got, row.want)
		}
	}
	local := time.FixedZone("Local", 3600)
	if s := must(t, startAt("4am"), local); s.zone() != "the local zone" {
		t.Errorf("the local zone is called %q", s.zone())
	}
}

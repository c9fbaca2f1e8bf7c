package cli

import (
	"testing"
	"time"
)

// zone is five hours west of UTC in November 2026, four in summer.
func zone(t *testing.T) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// at reads a local time such as "2026-11-23 16:00:00".
func at(t *testing.T, loc *time.Location, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation(time.DateTime, s, loc)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestWhen(t *testing.T) {
	loc := zone(t)
	monday := at(t, loc, "2026-11-23 16:00:00")
	for _, test := range []struct {
		now     time.Time
		t       string
		seconds bool
		want    string
	}{
		{monday, "2026-11-23 04:47:12", false, "today at 4:47am"},
		{monday, "2026-11-23 04:47:12", true, "today at 4:47:12am"},
		{monday, "2026-11-23 00:00:00", false, "today at 12:00am"},
		{monday, "2026-11-23 12:00:00", false, "today at 12:00pm"},
		{monday, "2026-11-23 23:59:59", false, "today at 11:59pm"},
		{monday, "2026-11-24 00:00:00", false, "tomorrow at 12:00am"},
		{monday, "2026-11-24 04:35:00", false, "tomorrow at 4:35am"},
		{monday, "2026-11-22 23:59:59", false, "yesterday at 11:59pm"},
		{monday, "2026-11-25 04:35:00", false, "wednesday at 4:35am"},
		{monday, "2026-11-29 23:59:00", false, "sunday at 11:59pm"},
		{monday, "2026-11-30 00:00:00", false, "nov 30 at 12:00am"},
		{monday, "2026-11-17 00:00:00", false, "tuesday at 12:00am"},
		{monday, "2026-11-16 23:59:00", false, "nov 16 at 11:59pm"},
		{monday, "2026-12-24 18:00:00", false, "dec 24 at 6:00pm"},
		{monday, "2027-12-24 18:00:00", false, "dec 24 2027 at 6:00pm"},
		{monday, "2025-12-24 18:00:00", false, "dec 24 2025 at 6:00pm"},
		{at(t, loc, "2026-12-30 12:00:00"), "2027-01-02 04:00:00", false, "saturday at 4:00am"},
		// The days on which the clock is changed have 23 and 25 hours.
		{at(t, loc, "2026-03-08 00:30:00"), "2026-03-09 00:15:00", false, "tomorrow at 12:15am"},
		{at(t, loc, "2026-11-01 00:30:00"), "2026-11-01 23:45:00", false, "today at 11:45pm"},
		{at(t, loc, "2026-11-01 23:59:00"), "2026-11-02 00:00:00", false, "tomorrow at 12:00am"},
	} {
		if got := when(at(t, loc, test.t), test.now, test.seconds); got != test.want {
			t.Errorf("%s at %s: got %q, want %q", test.t, test.now, got, test.want)
		}
	}
	if got := when(time.Time{}, monday, false); got != "-" {
		t.Errorf("zero time: got %q", got)
	}
	// The time is told in the reader's zone, not in that of the job.
	if got, want := when(at(t, time.UTC, "2026-11-24 03:00:00"), monday, false), "today at 10:00pm"; got != want {
		t.Errorf("from UTC: got %q, want %q", got, want)
	}
}

func TestLength(t *testing.T) {
	for _, test := range []struct {
		d    string
		want string
	}{
		{"-3s", "0.0s"},
		{"0s", "0.0s"},
		{"49ms", "0.0s"},
		{"51ms", "0.1s"},
		{"59.1s", "59.1s"},
		{"59.94s", "59.9s"},
		{"59.96s", "1m00s"},
		{"4m12s", "4m12s"},
		{"4m12.6s", "4m13s"},
		{"59m59.4s", "59m59s"},
		{"59m59.6s", "1h00m"},
		{"1h3m10s", "1h03m"},
		{"23h59m29s", "23h59m"},
		{"23h59m31s", "1d0h"},
		{"52h", "2d4h"},
		{"9600h", "400d0h"},
	} {
		d, err := time.ParseDuration(test.d)
		if err != nil {
			t.Fatal(err)
		}
		if got := length(d); got != test.want {
			t.Errorf("%s: got %q, want %q", test.d, got, test.want)
		}
	}
}

func TestSize(t *testing.T) {
	for _, test := range []struct {
		bytes int64
		want  string
	}{{0, "0 B"}, {999, "999 B"}, {1000, "1.0 kB"}, {12_345_678, "12.3 MB"}, {7_000_000_000_000_000, "7000.0 TB"}} {
		if got := size(test.bytes); got != test.want {
			t.Errorf("%d: got %q, want %q", test.bytes, got, test.want)
		}
	}
}

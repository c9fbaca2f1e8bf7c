package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// in sets the zone of keys.
func in(zone string, k Keys) Keys {
	k.Timezone = &zone
	return k
}

// TestNext has faults of other schedulers, with the number of the case in the list of faults and the report. Each row
// goes from one instant through the named slots.
func TestNext(t *testing.T) {
	const ny = "America/New_York"
	for _, row := range []struct {
		name string
		keys Keys
		from string
		want string // RFC 3339, to the minute
	}{
		{"B1 a fixed time in a gap is due at its end, once (robfig/cron#541, systemd#5595)",
			in(ny, startAt("2:30")), "2025-03-08T12:00:00-05:00", "2025-03-09T03:00-04:00 2025-03-10T02:30-04:00"},
		{"B2 a fixed time in an overlap is due at its first showing only",
			in(ny, startAt("1:30am")), "2025-11-01T12:00:00-04:00", "2025-11-02T01:30-04:00 2025-11-03T01:30-05:00"},
		{"B2 the same as cron",
			in(ny, cronKeys("30 1 * * *")), "2025-11-01T12:00:00-04:00", "2025-11-02T01:30-04:00 2025-11-03T01:30-05:00"},
		{"B2 asked in the second showing",
			in(ny, startAt("1:30am")), "2025-11-02T01:15:00-05:00", "2025-11-03T01:30-05:00"},
		{"B3 a wild time is due in both passes of an overlap (systemd#8647, cron-plus#108)",
			in(ny, cronKeys("*/30 * * * *")), "2025-11-02T00:20:00-04:00", "2025-11-02T00:30-04:00 2025-11-02T01:00-04:00 " +
				"2025-11-02T01:30-04:00 2025-11-02T01:00-05:00 2025-11-02T01:30-05:00 2025-11-02T02:00-05:00"},
		{"B4 hourly over a gap (robfig/cron spec_test)",
			in(ny, cronKeys("@hourly")), "2012-03-11T01:00:00-05:00", "2012-03-11T03:00-04:00 2012-03-11T04:00-04:00"},
		{"B4 hourly over an overlap",
			in(ny, cronKeys("@hourly")), "2012-11-04T01:00:00-04:00", "2012-11-04T01:00-05:00 2012-11-04T02:00-05:00"},
		{"B5 a midnight that does not exist (robfig/cron#157)",
			in("America/Sao_Paulo", startAt("midnight")), "2018-11-03T12:00:00-03:00",
			"2018-11-04T01:00-02:00 2018-11-05T00:00-02:00"},
		{"B6 every second hour over a gap at midnight loses no day (spring-framework#36865)",
			in("Africa/Cairo", cronKeys("0 */2 * * *")), "2024-04-25T21:30:00+02:00",
			"2024-04-25T22:00+02:00 2024-04-26T02:00+03:00 2024-04-26T04:00+03:00"},
		{"B6 the same hours as fixed times",
			in("Africa/Cairo", startAt("0:00", "2:00", "22:00")), "2024-04-25T21:30:00+02:00",
			"2024-04-25T22:00+02:00 2024-04-26T01:00+03:00 2024-04-26T02:00+03:00 2024-04-26T22:00+03:00"},
		{"B7 later times of a day with a gap stay (systemd#13745)",
			in("Australia/Sydney", startAt("2:30", "6:30", "10:30")), "2019-10-05T12:00:00+10:00",
			"2019-10-06T03:00+11:00 2019-10-06T06:30+11:00 2019-10-06T10:30+11:00 2019-10-07T02:30+11:00"},
		{"B8 negative daylight saving time (systemd#32039, #19075, #36897)",
			in("Europe/Dublin", cronKeys("@hourly")), "2025-03-29T22:00:00Z",
			"2025-03-29T23:00+00:00 2025-03-30T00:00+00:00 2025-03-30T02:00+01:00 2025-03-30T03:00+01:00"},
		{"B9 a gap of 30 minutes",
			in("Australia/Lord_Howe", startAt("2:15")), "2025-10-04T12:00:00+10:30",
			"2025-10-05T02:30+11:00 2025-10-06T02:15+11:00"},
		{"B9 a gap of a day: its job runs at the day's end",
			in("Pacific/Apia", startAt("4:35am")), "2011-12-28T12:00:00-10:00",
			"2011-12-29T04:35-10:00 2011-12-31T00:00+14:00 2011-12-31T04:35+14:00 2012-01-01T04:35+14:00"},
		{"B9 the midnight of the lost day and the next one are one slot",
			in("Pacific/Apia", startAt("midnight")), "2011-12-28T12:00:00-10:00",
			"2011-12-29T00:00-10:00 2011-12-31T00:00+14:00 2012-01-01T00:00+14:00"},
		{"B9 a Friday that was skipped",
			in("Pacific/Apia", Keys{StartAt: []string{"4:35am"}, Days: []string{"fri"}}), "2011-12-28T12:00:00-10:00",
			"2011-12-31T00:00+14:00 2012-01-06T04:35+14:00"},
		{"B9 two hours",
			in("Antarctica/Troll", startAt("1:05", "2:10", "2:50", "3:00")), "2024-03-31T00:30:00Z",
			"2024-03-31T03:00+02:00 2024-04-01T01:05+02:00"},
		{"B10 Sunday noon on the day of a change (cronie#218)",
			in("Europe/Berlin", cronKeys("0 12 * * sun")), "2022-03-24T12:00:00+01:00",
			"2022-03-27T12:00+02:00 2022-04-03T12:00+02:00"},
		{"B11 a job in UTC on a host in London (cronie#124)",
			in("UTC", startAt("1:00", "1:30", "1:59")), "2022-10-30T00:30:00Z",
			"2022-10-30T01:00+00:00 2022-10-30T01:30+00:00 2022-10-30T01:59+00:00 2022-10-31T01:00+00:00"},
		{"B12 a gap never leads months ahead (node-cron#518)",
			in(ny, cronKeys("30 2 * * *")), "2025-03-09T01:59:59-05:00", "2025-03-09T03:00-04:00 2025-03-10T02:30-04:00"},
		{"B12 an afternoon on the day of a gap (gorhill/cronexpr#24)",
			in("America/Los_Angeles", cronKeys("0 14 * * *")), "2025-03-08T14:00:00-08:00",
			"2025-03-09T14:00-07:00 2025-03-10T14:00-07:00"},
		{"B12 times in the gap and its end are one slot",
			in(ny, startAt("2:15", "2:30", "3:00")), "2025-03-08T12:00:00-05:00",
			"2025-03-09T03:00-04:00 2025-03-10T02:15-04:00"},
		{"B13 29 February (cronexpr TestZero)",
			in("UTC", cronKeys("0 0 29 2 *")), "2012-07-09T23:35:00Z", "2016-02-29T00:00+00:00 2020-02-29T00:00+00:00"},
		{"B14 the end of a year",
			in("UTC", cronKeys("* * * * *")), "2011-12-31T23:59:45Z", "2012-01-01T00:00+00:00 2012-01-01T00:01+00:00"},
		{"B15 day or weekday (robfig/cron#70)",
			in("UTC", cronKeys("0 0 1,15 * sun")), "2012-06-14T12:00:00Z",
			"2012-06-15T00:00+00:00 2012-06-17T00:00+00:00 2012-06-24T00:00+00:00 2012-07-01T00:00+00:00 2012-07-08T00:00+00:00"},
		{"B15 a day field that begins with a star: day and weekday",
			in("UTC", cronKeys("0 0 */10 * sun")), "2012-06-30T12:00:00Z",
			"2012-07-01T00:00+00:00 2012-10-21T00:00+00:00 2012-11-11T00:00+00:00"},
		{"B17 days 1 and 5 after the last day of February (systemd#22665)",
			in("UTC", Keys{StartAt: []string{"4:00"}, Days: []string{"1", "5"}}), "2022-02-28T01:00:00Z",
			"2022-03-01T04:00+00:00 2022-03-05T04:00+00:00 2022-04-01T04:00+00:00"},
		{"B17 later on the same Sunday (systemd#2682)",
			in("UTC", Keys{StartAt: []string{"16:00"}, Days: []string{"sun"}}), "2016-02-21T09:00:00Z",
			"2016-02-21T16:00+00:00 2016-02-28T16:00+00:00"},
		{"B36 moved from 05:35 to 06:35 at 10:37: nothing today (systemd#14899, #16732)",
			in("UTC", startAt("6:35")), "2026-11-23T10:37:00Z", "2026-11-24T06:35+00:00"},
		{"B36 moved from 05:35 to 11:00 at 10:37: today",
			in("UTC", startAt("11:00")), "2026-11-23T10:37:00Z", "2026-11-23T11:00+00:00 2026-11-24T11:00+00:00"},
		{"the last day of the month",
			in("UTC", Keys{StartAt: []string{"noon"}, Days: []string{"-1"}}), "2028-01-31T12:00:00Z",
			"2028-02-29T12:00+00:00 2028-03-31T12:00+00:00 2028-04-30T12:00+00:00"},
		{"the second and the last Friday",
			in("UTC", cronKeys("0 4 * * fri#2,fri#L")), "2026-10-01T00:00:00Z",
			"2026-10-09T04:00+00:00 2026-10-30T04:00+00:00 2026-11-13T04:00+00:00 2026-11-27T04:00+00:00"},
		{"a clock that went back at midnight",
			in("America/Havana", startAt("0:30")), "2024-11-02T12:00:00-04:00",
			"2024-11-03T00:30-04:00 2024-11-04T00:30-05:00"},
		{"once, in a gap: its end",
			in(ny, Keys{At: ptr("2026-03-08 02:30")}), "2026-01-01T00:00:00Z", "2026-03-08T03:00-04:00 never"},
		{"once, in an overlap: the first showing",
			in(ny, Keys{At: ptr("2026-11-01 01:30")}), "2026-01-01T00:00:00Z", "2026-11-01T01:30-04:00 never"},
		{"once, in an overlap, with its offset",
			in(ny, Keys{At: ptr("2026-11-01T01:30:00-05:00")}), "2026-01-01T00:00:00Z", "2026-11-01T01:30-05:00 never"},
		{"fractions of a second",
			in("UTC", cronKeys("* * * * *")), "2026-11-23T09:59:59.999999999Z", "2026-11-23T10:00+00:00"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := must(t, row.keys, time.UTC)
			at := instant(t, s.Location(), row.from)
			for want := range strings.FieldsSeq(row.want) {
				next := s.Next(at)
				got := next.Format("2006-01-02T15:04-07:00")
				if next.IsZero() {
					got = "never"
				}
				if got != want || next.Second() != 0 {
					t.Fatalf("%s after %s: got %s, want %s", s, at, next, want)
				}
				at = next
			}
			roundTrip(t, s, time.UTC)
		})
	}
}

// TestB12NextAtEveryMinute checks Next at every minute of a day with a gap.
func TestB12NextAtEveryMinute(t *testing.T) {
	ny := location(t, "America/New_York")
	for _, k := range []Keys{cronKeys("0 * * * *"), startAt("2:30")} {
		s := must(t, k, ny)
		for at := instant(t, ny, "2025-03-09 00:00"); at.Day() == 9; at = at.Add(time.Minute) {
			if next := s.Next(at); !next.After(at) || next.Sub(at) > 25*time.Hour {
				t.Fatalf("%s after %s: %s", s, at, next)
			}
		}
	}
}

// TestB16RejectedExpressions checks that expressions are refused and similar ones accepted. TestRefused has the texts of the
// errors.
func TestB16RejectedExpressions(t *testing.T) {
	for _, line := range []string{
		"60 0 * * *", "0 60 * * *", "*/60 * * * *", "2-20/61 * * * *", "6-5 * * * *", "1 2 3 4 5 6 7 8", "xyz", "", "   ",
		"0 0 30 2 *", "0 0 31 4 *", "0 0 0 4 * *", "15/35 * * * *", "1/2 * * * *", // B13, B14
	} {
		if s, errs := Parse(cronKeys(line), time.UTC, now); errs == nil {
			t.Errorf("%q is accepted as %s", line, s)
		}
	}
	for _, line := range []string{"59 0 * * *", "0 23 * * *", "*/59 * * * *", "2-20/59 * * * *", "5-6 * * * *",
		"0 0 29 2 *", "0 0 30 4 *", "15-59/35 * * * *"} {
		must(t, cronKeys(line), time.UTC)
	}
}

// TestB22ZoneOfScheduleChanged parses the same keys with another local zone. Slots of the old zone are not slots of the new one.
func TestB22ZoneOfScheduleChanged(t *testing.T) {
	at := instant(t, time.UTC, "2026-11-23T10:37:00Z")
	for zone, want := range map[string]string{
		"Europe/Berlin":    "2026-11-24 04:35:00 +0100 CET",
		"America/New_York": "2026-11-24 04:35:00 -0500 EST",
		"Asia/Tokyo":       "2026-11-24 04:35:00 +0900 JST",
	} {
		s := must(t, startAt("4:35am"), location(t, zone))
		if got := s.Next(at); got.String() != want {
			t.Errorf("%s: %s, want %s", zone, got, want)
		}
	}
}

// TestB44StableJitter checks that delays are stable, within their bounds, and spread evenly over machines and jobs.
func TestB44StableJitter(t *testing.T) {
	const most = 12 * time.Hour
	if a, b := Jitter(most, "id", "host", "backup"), Jitter(most, "id", "host", "backup"); a != b {
		t.Errorf("%v and then %v", a, b)
	}
	if got, want := Jitter(most, "id", "host", "backup"), 7*time.Hour+2*time.Minute; got.Truncate(time.Minute) != want {
		t.Errorf("this version changes the delay of a job: %v", got)
	}
	if Jitter(0, "id", "host", "job") != 0 || Jitter(-1, "id", "host", "job") != 0 {
		t.Error("a delay without jitter")
	}
	if Jitter(most, "ab", "c", "d") == Jitter(most, "a", "bc", "d") {
		t.Error("the arguments are joined without a separator")
	}
	var hours [12]int
	for i := range 12000 {
		d := Jitter(most, fmt.Sprint("machine", i%1000), fmt.Sprint("host", i%1000), fmt.Sprint("job", i/1000))
		if d < 0 || d >= most || d%time.Millisecond != 0 {
			t.Fatalf("%v is not in [0, %v) in milliseconds", d, most)
		}
		hours[d/time.Hour]++
	}
	for hour, n := range hours {
		if n < 850 || n > 1150 { // 1000 expected; five standard deviations
			t.Errorf("%d of 12000 delays lie in hour %d", n, hour)
		}
	}
}

// TestB44JitterAcrossReboots checks that a daily job with a delay of up to 12 h runs every day, even if the machine reboots every 3
// h (systemd#21166).
func TestB44JitterAcrossReboots(t *testing.T) {
	s := must(t, startAt("midnight"), time.UTC)
	delay := Jitter(12*time.Hour, "id", "host", "job")
	start := instant(t, time.UTC, "2026-11-01T00:00:00Z")
	var runs []string
	last := start
	for boot := start; boot.Before(start.AddDate(0, 0, 10)); boot = boot.Add(3 * time.Hour) {
		// A restarted daemon knows only the last slot that ran.
		if slot := s.Next(last); slot.Add(delay).Before(boot.Add(3 * time.Hour)) {
			runs = append(runs, slot.Format(time.DateOnly))
			last = slot
		}
	}
	if len(runs) != 9 || !slices.IsSorted(runs) || runs[0] != "2026-11-02" || runs[8] != "2026-11-10" {
		t.Errorf("ran on %v", runs)
	}
}

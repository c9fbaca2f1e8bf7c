package schedule

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// TestWords checks descriptions of schedules for people.
func TestWords(t *testing.T) {
	for _, row := range []struct {
		keys Keys
		want string
	}{
		{Keys{}, ""},

		{startAt("4:35am"), "every day at 04:35"},
		{startAt("midnight"), "every day at 00:00"},
		{startAt("4am", "16:05"), "every day at 04:00 and 16:05"},
		{startAt("4:10", "4:35", "5:10", "5:35"), "every day at 04:10, 04:35, 05:10 and 05:35"},
		{days("mon-fri"), "Monday to Friday at 04:00"},
		{days("weekends"), "Saturday and Sunday at 04:00"},
		{days("fri-mon"), "Friday to Monday at 04:00"},
		{days("tue", "thu"), "Tuesday and Thursday at 04:00"},
		{days("mon"), "Monday at 04:00"},
		{days("1", "15"), "on the 1st and 15th of the month at 04:00"},
		{days("2", "3", "11", "22", "23"), "on the 2nd, 3rd, 11th, 22nd and 23rd of the month at 04:00"},
		{days("-1"), "on the last day of the month at 04:00"},
		{days("1", "-1"), "on the 1st and the last day of the month at 04:00"},
		{days("1", "mon"), "on the 1st of the month and on Monday at 04:00"},

		{cronKeys("* * * * *"), "every minute"},
		{cronKeys("*/5 * * * *"), "every 5 minutes"},
		{cronKeys("*/7 * * * *"), "at minutes 0, 7, 14, 21, 28, 35, 42, 49 and 56 of every hour"},
		{cronKeys("@hourly"), "every hour, on the hour"},
		{cronKeys("5 * * * *"), "every hour at minute 5"},
		{cronKeys("5,35 * * * *"), "at minutes 5 and 35 of every hour"},
		{cronKeys("0 */2 * * *"), "every 2 hours from 00:00"},
		{cronKeys("5 */6 * * *"), "every 6 hours from 00:05"},
		{cronKeys("*/5 9-17 * * mon-fri"), "every 5 minutes from 09:00 to 17:55, Monday to Friday"},
		{cronKeys("* 9-17 * * *"), "every minute from 09:00 to 17:59"},
		{cronKeys("30 9-17 * * *"), "every hour from 09:30 to 17:30"},
		{cronKeys("*/15 3 * * *"), "every 15 minutes from 03:00 to 03:45"},
		{cronKeys("0,10,50 1,3,7,9 * * *"), "at minutes 0, 10 and 50 of the hours 1, 3, 7 and 9"},
		{cronKeys("@daily"), "every day at 00:00"},
		{cronKeys("@weekly"), "Sunday at 00:00"},
		{cronKeys("@monthly"), "on the 1st of the month at 00:00"},
		{cronKeys("@yearly"), "on January 1st at 00:00"},
		{cronKeys("0 4 1,15 jan,jul *"), "on the 1st and 15th of January and July at 04:00"},
		{cronKeys("0 4 * jan-mar *"), "every day of January to March at 04:00"},
		{cronKeys("0 4 * dec mon"), "Monday in December at 04:00"},
		{cronKeys("0 4 * * mon#1"), "on the first Monday of the month at 04:00"},
		{cronKeys("0 4 * * fri#L"), "on the last Friday of the month at 04:00"},
		{cronKeys("0 4 1-7 * *"), "on the 1st to 7th of the month at 04:00"},
		{cronKeys("0 4 1-7 * */7"), "on the 1st to 7th of the month, if it is Sunday, at 04:00"},
		{cronKeys("0 4 13 * fri"), "on the 13th of the month and on Friday at 04:00"},
		{cronKeys("0 4 * * mon", "0 5 * * tue"), "Monday at 04:00; Tuesday at 05:00"},
		{cronKeys("1 1 * * mon", "2 2 * * tue", "3 3 * * wed", "4 4 * * thu", "5 5 * * fri"),
			"Monday at 01:01; Tuesday at 02:02; Wednesday at 03:03; and 2 more"},

		{Keys{Every: ptr("90s")}, "every 90 seconds"},
		{Keys{Every: ptr("1h")}, "every hour"},
		{Keys{Every: ptr("1h1m1s")}, "every 1h1m1s"},
		{Keys{Every: ptr("3d")}, "every 3 days"},
		{Keys{Every: ptr("10m")}, "every 10 minutes"},
		{Keys{Every: ptr("2w")}, "every 2 weeks"},
		{Keys{Every: ptr("1d")}, "every 24 hours"},
		{Keys{Every: ptr("1d12h")}, "every 36 hours"},
		{Keys{At: ptr("2026-12-24 18:00")}, "once, on 2026-12-24 at 18:00"},
		{Keys{At: ptr("2026-12-24T18:00:30Z")}, "once, on 2026-12-24 at 18:00:30"},

		{Keys{StartAt: []string{"4am"}, Timezone: ptr("Europe/Berlin")}, "every day at 04:00 in Europe/Berlin"},
		{Keys{Every: ptr("1h"), Timezone: ptr("Europe/Berlin")}, "every hour"},
	} {
		if got := must(t, row.keys, time.UTC).Words(); got != row.want {
			t.Errorf("%+v: got %q, want %q", row.keys, got, row.want)
		}
	}
}

// TestWordsDiffer checks that two expressions with the same description have the same slots.
func TestWordsDiffer(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, seed))
	pick := func(choices ...string) string { return choices[rng.IntN(len(choices))] }
	type heard struct {
		line string
		spec spec
	}
	said := map[string]heard{}
	for range 5000 {
		line := strings.Join([]string{
			pick("0", "5", "0,30", "5,35", "*", "*/5", "*/15", "*/7", "0-10", "1,2,3,4,5,6,7"),
			pick("0", "4", "4,16", "*", "*/2", "*/5", "9-17", "1,3,7,9", "1-3", "0-22/2", "1-23/2"),
			pick("*", "*", "1", "1,15", "1-7", "L", "1,L", "31", "*/10", "13,14"),
			pick("*", "*", "jan", "jan,jul", "1-3", "2,3"),
			pick("*", "*", "mon", "mon-fri", "sat,sun", "fri,sat,sun,mon", "mon#1", "fri#L", "mon#1,fri", "*/2"),
		}, " ")
		s, errs := Parse(cronKeys(line), time.UTC, now)
		if errs != nil {
			continue // a date that never comes
		}
		words := s.Words()
		is := s.specs[0]
		is.wild = false // wild matters only at clock changes
		was, ok := said[words]
		if !ok {
			said[words] = heard{line, is}
		} else if was.spec != is {
			t.Fatalf("seed %d: %q and %q are both %q", seed, was.line, line, words)
		}
	}
}

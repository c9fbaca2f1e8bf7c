package schedule

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// TestAccepted has accepted texts with their meaning in canonical form.
func TestAccepted(t *testing.T) {
	for _, row := range []struct {
		keys Keys
		want string
	}{
		{Keys{}, `only when asked`},
		{Keys{Timezone: ptr("UTC")}, `only when asked in UTC`},
		{Keys{Timezone: ptr("local")}, `only when asked`},

		{startAt("4:35am"), `cron "35 4 * * *"`},
		{startAt("4am"), `cron "0 4 * * *"`},
		{startAt("04am"), `cron "0 4 * * *"`},
		{startAt("4 PM"), `cron "0 16 * * *"`},
		{startAt("16:05"), `cron "5 16 * * *"`},
		{startAt("0:00"), `cron "0 0 * * *"`},
		{startAt("12am"), `cron "0 0 * * *"`},
		{startAt("12:01am"), `cron "1 0 * * *"`},
		{startAt("12pm"), `cron "0 12 * * *"`},
		{startAt("12:59pm"), `cron "59 12 * * *"`},
		{startAt("11:59pm"), `cron "59 23 * * *"`},
		{startAt("Noon"), `cron "0 12 * * *"`},
		{startAt("midnight"), `cron "0 0 * * *"`},
		{startAt("4:35", "4:35am", "04:35"), `cron "35 4 * * *"`},
		{startAt("4am", "5am", "16:00"), `cron "0 4,5,16 * * *"`},
		{startAt("5:10", "4:35"), `cron "35 4 * * *" "10 5 * * *"`},
		{startAt("4:10", "4:35", "5:10", "5:35"), `cron "10,35 4,5 * * *"`},

		{days("mon"), `cron "0 4 * * mon"`},
		{days("Monday", "WED"), `cron "0 4 * * mon,wed"`},
		{days("mon-fri"), `cron "0 4 * * mon-fri"`},
		{days("weekdays"), `cron "0 4 * * mon-fri"`},
		{days("weekends"), `cron "0 4 * * sun,sat"`},
		{days("fri-mon"), `cron "0 4 * * sun,mon,fri,sat"`},
		{days("friday-mon"), `cron "0 4 * * sun,mon,fri,sat"`},
		{days("tue-tue"), `cron "0 4 * * tue"`},
		{days("mon-sun"), `cron "0 4 * * *"`},
		{days("weekdays", "weekends"), `cron "0 4 * * *"`},
		{days("1", "15"), `cron "0 4 1,15 * *"`},
		{days("-1"), `cron "0 4 L * *"`},
		{days("31", "-1"), `cron "0 4 31,L * *"`},
		{days("28", "29", "30", "31", "-1"), `cron "0 4 28-31 * *"`},
		{days("1", "mon"), `cron "0 4 1 * mon"`},
		{days("1", "mon-sun"), `cron "0 4 * * *"`},

		{cronKeys("35 4 * * *"), `cron "35 4 * * *"`},
		{cronKeys(" 5\t4  * * * "), `cron "5 4 * * *"`},
		{cronKeys("*/5 * * * *"), `cron "*/5 * * * *"`},
		{cronKeys("0,30,15,45 * * * *"), `cron "*/15 * * * *"`},
		{cronKeys("0-59 0-23 * * *"), `cron "0-59 0-23 * * *"`},
		{cronKeys("* * * * *"), `cron "* * * * *"`},
		{cronKeys("7 */23 * * *"), `cron "7 */23 * * *"`},
		{cronKeys("7 */3,1 * * *"), `cron "7 */3,1 * * *"`},
		{cronKeys("10-50/20 1-5/4 1-31/10 1-12/6 *"), `cron "10,30,50 1,5 */10 jan,jul *"`},
		{cronKeys("8-8/2 0 * * *"), `cron "8 0 * * *"`},
		{cronKeys("54-57/25 0 * * *"), `cron "54 0 * * *"`},
		{cronKeys("0 0 * JAN-Mar/2 Sun,TUE-thu"), `cron "0 0 * jan,mar sun,tue-thu"`},
		{cronKeys("0 0 * * 7"), `cron "0 0 * * sun"`},
		{cronKeys("0 0 * * 5-7"), `cron "0 0 * * sun,fri,sat"`},
		{cronKeys("0 0 * * 0-7"), `cron "0 0 * * *"`},
		{cronKeys("0 0 1 * 0-7"), `cron "0 0 * * *"`},
		{cronKeys("0 0 1-31 * 5"), `cron "0 0 * * *"`},
		{cronKeys("0 0 */10 * sun"), `cron "0 0 */10 * sun"`},
		{cronKeys("0 0 */31 * sun"), `cron "0 0 */31 * sun"`},
		{cronKeys("0 0 13 * */5"), `cron "0 0 13 * */5"`},
		{cronKeys("0 0 13 * fri"), `cron "0 0 13 * fri"`},
		{cronKeys("0 0 L * *"), `cron "0 0 L * *"`},
		{cronKeys("0 0 l,15 * *"), `cron "0 0 15,L * *"`},
		{cronKeys("0 0 * * fri#2"), `cron "0 0 * * fri#2"`},
		{cronKeys("0 0 * * 5#l,7#1"), `cron "0 0 * * sun#1,fri#L"`},
		{cronKeys("0 0 * * fri#1,fri#2,fri#3,fri#4,fri#5"), `cron "0 0 * * fri"`},
		{cronKeys("0 0 * * fri#1,fri#2,fri#3,fri#4,fri#L"), `cron "0 0 * * fri"`},
		{cronKeys("0 0 * * fri#5,fri#L"), `cron "0 0 * * fri#L"`},
		{cronKeys("0 0 29 2 1"), `cron "0 0 29 feb mon"`},
		{cronKeys("@hourly"), `cron "0 * * * *"`},
		{cronKeys("@daily"), `cron "0 0 * * *"`},
		{cronKeys("@midnight"), `cron "0 0 * * *"`},
		{cronKeys("@weekly"), `cron "0 0 * * sun"`},
		{cronKeys("@monthly"), `cron "0 0 1 * *"`},
		{cronKeys("@yearly"), `cron "0 0 1 jan *"`},
		{cronKeys(" @annually"), `cron "0 0 1 jan *"`},
		{cronKeys("0 5 * * *", "0 4 * * *", "*/9 0 * * *"), `cron "0 4,5 * * *" "*/9 0 * * *"`},

		{Keys{Every: ptr("1s")}, `every 1s`},
		{Keys{Every: ptr("90s")}, `every 1m30s`},
		{Keys{Every: ptr("2w")}, `every 14d`},
		{Keys{Every: ptr("3650d")}, `every 3650d`},
		{Keys{Every: ptr("1.5s")}, `every 1.5s`},
		{Keys{Every: ptr("36h"), Timezone: ptr("Asia/Tokyo")}, `every 1d12h in Asia/Tokyo`},

		{Keys{At: ptr("2026-12-24T18:00:00+01:00")}, `at 2026-12-24T17:00:00Z`},
		{Keys{At: ptr("2026-12-24 18:00")}, `at 2026-12-24T18:00:00Z`},
		{Keys{At: ptr("2026-12-24 18:00"), Timezone: ptr("Europe/Berlin")}, `at 2026-12-24T18:00:00+01:00 in Europe/Berlin`},
		{Keys{At: ptr("1999-12-24 18:00")}, `at 1999-12-24T18:00:00Z`},
		{Keys{StartAt: []string{"4am"}, Timezone: ptr("Europe/Berlin")}, `cron "0 4 * * *" in Europe/Berlin`},
	} {
		s, errs := Parse(row.keys, time.UTC, now)
		if errs != nil {
			t.Errorf("%+v: %v", row.keys, errs)
			continue
		}
		if got := s.String(); got != row.want {
			t.Errorf("%+v: got %s, want %s", row.keys, got, row.want)
		}
		roundTrip(t, s, time.UTC)
	}
}

func days(days ...string) Keys { return Keys{StartAt: []string{"4am"}, Days: days} }

// roundTrip checks that a schedule prints keys that parse to the same schedule.
func roundTrip(t testing.TB, s *Schedule, loc *time.Location) {
	t.Helper()
	again, errs := Parse(s.Keys(), loc, now)
	if errs != nil {
		t.Fatalf("%s does not read back: %v", s, errs)
	}
	if again.String() != s.String() || !reflect.DeepEqual(again.specs, s.specs) || again.n != s.n || again.kind != s.kind {
		t.Fatalf("%s reads back as %s", s, again)
	}
}

// TestKeysTogether has keys that cannot be combined. All mistakes are returned at once.
func TestKeysTogether(t *testing.T) {
	empty := []string{}
	for _, row := range []struct {
		keys Keys
		want []string
	}{
		{Keys{StartAt: []string{"4am"}, Cron: []string{"@daily"}},
			[]string{`cron 0: start_at and cron exclude each other; keep one of them, or make two jobs`}},
		{Keys{StartAt: []string{"4am"}, Every: ptr("1h"), Cron: []string{"@daily"}, At: ptr("2026-12-24 18:00")}, []string{
			`every 0: start_at and every exclude each other; keep one of them, or make two jobs`,
			`cron 0: start_at and cron exclude each other; keep one of them, or make two jobs`,
			`at 0: start_at and at exclude each other; keep one of them, or make two jobs`}},
		{Keys{StartAt: []string{"4am"}, Every: ptr("2w")},
			[]string{`every 0: start_at and every exclude each other; remove start_at, and set the first run with from = "2026-01-06 09:00"`}},
		{Keys{Days: []string{"tue"}, Every: ptr("14d")},
			[]string{`days 0: days needs start_at; remove days, and set the first run with from = "2026-01-06 09:00"`}},
		{Keys{Days: []string{"mon"}}, []string{`days 0: days needs start_at; add start_at, or remove days`}},
		{Keys{Days: []string{"mon"}, Cron: []string{"@daily"}},
			[]string{`days 0: days needs start_at; use the day fields of cron`}},
		{Keys{StartAt: empty},
			[]string{`start_at 0: an empty list is never due; add a time of day such as "4:35am", or remove the key`}},
		{Keys{StartAt: []string{"4am"}, Days: empty},
			[]string{`days 0: an empty list is never due; add a day, or remove the key for every day`}},
		{Keys{Cron: empty}, []string{`cron 0: an empty list is never due; add an expression, or remove the key`}},
		{Keys{StartAt: []string{"4am", "13pm", "25:00"}, Days: []string{"mon", "0"}, Timezone: ptr("")}, []string{
			`timezone 0: an empty timezone; write a zone such as "Europe/Berlin", or remove the key to use the zone of the machine`,
			`start_at 1: "13pm" is not a time of day; use "1pm"`,
			`start_at 2: "25:00" is not a time of day; hours go from 0 to 23`,
			`days 1: "0" is not a day; days of the month go from 1 to 31, and -1 is the last; Sunday is "sun"`}},
		{Keys{Cron: []string{"@daily", "60 0 * * 9"}}, []string{
			`cron 1: minute "60" is not in range; use a number from 0 to 59`,
			`cron 1: weekday "9" is not in range; use a number from 0 to 7, or a name from sun to sat`}},
	} {
		s, errs := Parse(row.keys, time.UTC, now)
		var got []string
		for _, err := range errs {
			got = append(got, fmt.Sprintf("%s %d: %s", err.Key, err.Index, err))
		}
		if s != nil || !slices.Equal(got, row.want) {
			t.Errorf("%+v: %v\n got %s\nwant %s", row.keys, s, strings.Join(got, "\n     "), strings.Join(row.want, "\n     "))
		}
	}
}

// TestLongValues checks that errors stay short, whatever the value.
func TestLongValues(t *testing.T) {
	for _, unit := range []string{"9", "x", ",", "1,", "*", "-", " ", "mon,", "@", "TZ=", "\xff", "1 ", ":", "1h"} {
		value := strings.Repeat(unit, 1<<16)
		for _, key := range []string{"start_at", "days", "cron", "every", "at", "timezone"} {
			_, errs := Parse(keysOf(key, value), time.UTC, now)
			for _, err := range errs {
				if len(err.Error()) > 500 {
					t.Errorf("%s: %d bytes: %.200s", key, len(err.Error()), err)
				}
			}
		}
	}
}

// TestDurations tests ParseDuration where it differs from the standard library.
func TestDurations(t *testing.T) {
	const h = time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "1d": 24 * h, "1w": 168 * h, "1w2d3h4m5s": 219*h + 4*time.Minute + 5*time.Second,
		"1.5d": 36 * h, ".5h": h / 2, "1µs": time.Microsecond, "1μs": time.Microsecond, "1us": time.Microsecond, "7ns": 7,
		"106751d": 106751 * 24 * h, "15250w": 15250 * 168 * h, "2562047h47m16.854775807s": 1<<63 - 1,
	} {
		if d, err := ParseDuration(text); err != nil || d != want {
			t.Errorf("%q: %v %v, want %v", text, d, err, want)
		}
		if d, err := ParseDuration(FormatDuration(want)); err != nil || d != want {
			t.Errorf("%v prints as %q, which reads as %v %v", want, FormatDuration(want), d, err)
		}
	}
	for text, want := range map[string]string{
		"106752d":                  `"106752d" is too long; use at most "106751d"`,
		"15251w":                   `"15251w" is too long; use at most "106751d"`,
		"2562047h47m16.854775808s": `"2562047h47m16.854775808s" is too long; use at most "106751d"`,
		"9e99h":                    `"9e99h" has an unknown unit "e"; write it like "90s", "15m", "1h30m" or "1d"`,
		"-5s":                      `"-5s" is negative; use "5s"`,
	} {
		d, err := ParseDuration(text)
		var as *Error
		if d != 0 || !errors.As(err, &as) || err.Error() != want || as.Value != text {
			t.Errorf("%q: %v %v, want %s", text, d, err, want)
		}
	}
}

// TestZonesLoadOnce checks that ten thousand jobs in one zone load it once and share it. An unknown name is also looked
// up only once.
func TestZonesLoadOnce(t *testing.T) {
	asked := map[string]int{}
	zones := Zones{Load: func(name string) (*time.Location, error) {
		asked[name]++
		return time.LoadLocation(name)
	}}
	var first *Schedule
	for range 100 {
		s, errs := zones.Parse(Keys{StartAt: []string{"4am"}, Timezone: ptr("Europe/Berlin")}, nil, now)
		if errs != nil {
			t.Fatal(errs)
		}
		if first == nil {
			first = s
		}
		if s.Location() != first.Location() || s.Local() {
			t.Fatal("the zone is not shared")
		}
		if _, errs := zones.Parse(Keys{Timezone: ptr("Mars/Olympus")}, nil, now); errs == nil {
			t.Fatal("Mars/Olympus is accepted")
		}
	}
	if asked["Europe/Berlin"] != 1 || asked["Mars/Olympus"] != 1 {
		t.Errorf("zones were read more than once: %v", asked)
	}
}

// TestAccessors tests what slots do not show.
func TestAccessors(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	var zero Schedule
	if zero.Kind() != None || zero.Location() != time.UTC || !zero.Next(now).IsZero() || zero.Explain(now) != "" ||
		zero.String() != "only when asked" {
		t.Error("the zero Schedule is not one that is never due")
	}
	s := must(t, Keys{}, nil)
	if s.Kind() != None || !s.Local() || s.Location() != time.UTC || !s.Next(now).IsZero() {
		t.Errorf("no keys: %+v", s)
	}
	s = must(t, Keys{Every: ptr("90m")}, berlin)
	if s.Kind() != Every || s.Interval() != 90*time.Minute || s.Location() != berlin || !s.Next(now).IsZero() || s.HasWild() {
		t.Errorf("every: %+v", s)
	}
	s = must(t, cronKeys("@daily", "@hourly"), berlin)
	if s.Kind() != Clock || s.Interval() != 0 || !s.HasWild() || s.Next(now).Location() != berlin {
		t.Errorf("cron: %+v", s)
	}
	if s = must(t, cronKeys("@daily"), berlin); s.HasWild() {
		t.Error("@daily is wild")
	}
	s = must(t, Keys{At: ptr("2026-12-24 18:00")}, berlin)
	if s.Kind() != At || s.HasWild() || s.Next(now).String() != "2026-12-24 18:00:00 +0100 CET" {
		t.Errorf("at: %+v", s)
	}
}

// TestSize limits the memory of ten thousand schedules.
func TestSize(t *testing.T) {
	if n := unsafe.Sizeof(Schedule{}) + unsafe.Sizeof(spec{}); n > 100 {
		t.Errorf("a schedule with one spec takes %d bytes", n)
	}
	s := must(t, startAt("4:35", "5:10"), nil)
	if len(s.specs) != 2 || cap(s.specs) != 2 {
		t.Errorf("two times take %d specs in room for %d", len(s.specs), cap(s.specs))
	}
}

package schedule

import (
	"testing"
	"time"
)

// TestMoment has times in the style of at(1), and the resulting time in the file.
func TestMoment(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	at := time.Date(2026, 3, 27, 15, 30, 20, 500, berlin) // a Friday; the clock goes forward on Sunday at 2
	for _, row := range []struct{ text, want string }{
		{"16:00", "2026-03-27T16:00:00+01:00"},
		{"4pm", "2026-03-27T16:00:00+01:00"},
		{"4 PM", "2026-03-27T16:00:00+01:00"},
		{"15:30", "2026-03-28T15:30:00+01:00"},
		{"15:31", "2026-03-27T15:31:00+01:00"},
		{"9am", "2026-03-28T09:00:00+01:00"},
		{"noon", "2026-03-28T12:00:00+01:00"},
		{"midnight", "2026-03-28T00:00:00+01:00"},
		{"teatime", "2026-03-27T16:00:00+01:00"},
		{"today 18:00", "2026-03-27T18:00:00+01:00"},
		{"tomorrow 4pm", "2026-03-28T16:00:00+01:00"},
		{"4pm tomorrow", "2026-03-28T16:00:00+01:00"},
		{"tomorrow at 4 pm", "2026-03-28T16:00:00+01:00"},
		{"noon tomorrow", "2026-03-28T12:00:00+01:00"},
		{"mon 9am", "2026-03-30T09:00:00+02:00"},
		{"9am on Monday", "2026-03-30T09:00:00+02:00"},
		{"friday 16:00", "2026-03-27T16:00:00+01:00"},
		{"friday 9am", "2026-04-03T09:00:00+02:00"},
		{"next friday 16:00", "2026-04-03T16:00:00+02:00"},
		{"dec 24 18:00", "2026-12-24T18:00:00+01:00"},
		{"18:00 24 december", "2026-12-24T18:00:00+01:00"},
		{"Jan 1st 2028, 0:00", "2028-01-01T00:00:00+01:00"},
		{"jan 5 8am", "2027-01-05T08:00:00+01:00"},
		{"2026-12-24 6pm", "2026-12-24T18:00:00+01:00"},
		{"6pm 2026-12-24", "2026-12-24T18:00:00+01:00"},
		{"sunday 2:30", "2026-03-29T03:00:00+02:00"}, // in the gap, so due at its end
		{"now", "2026-03-27T15:30:20+01:00"},
		{"now + 1h", "2026-03-27T16:30:20+01:00"},
		{"now+90 minutes", "2026-03-27T17:00:20+01:00"},
		{"NOW + 1 hour", "2026-03-27T16:30:20+01:00"},
		{"+10m", "2026-03-27T15:40:20+01:00"},
		{"in 2 hours", "2026-03-27T17:30:20+01:00"},
		{"now + 2 days", "2026-03-29T15:30:20+02:00"},
		{"now + 1w", "2026-04-03T15:30:20+02:00"},
		{"now + 36h", "2026-03-29T04:30:20+02:00"},
		{"4pm + 3 days", "2026-03-30T16:00:00+02:00"},
		{"9am + 2 days", "2026-03-29T09:00:00+02:00"},

		{"2026-12-24 18:00", "2026-12-24 18:00"},
		{"2026-12-24T18:00:00.25Z", "2026-12-24T18:00:00.25Z"},
		{"2020-01-01 00:00", "2020-01-01 00:00"}, // in the past; the caller decides
	} {
		got, err := Moment(row.text, at, berlin)
		if err != nil || got != row.want {
			t.Errorf("%q: got %q, %v, want %q", row.text, got, err, row.want)
		}
		if _, errs := Parse(Keys{At: &got}, berlin, at); errs != nil {
			t.Errorf("%q: %q is not for a file: %v", row.text, got, errs)
		}
	}
	const like = `; write it like "16:00", "tomorrow 4pm", "mon 9am", "now + 1h" or "2026-12-24 18:00"`
	for _, row := range []struct{ text, want string }{
		{"", `"" is not a date and time` + like},
		{"tomorrow", `"tomorrow" has no time of day; add the time of day, as in "tomorrow 4pm"`},
		{"soon", `"soon" is not a date and time` + like},
		{"16:00 17:00", `"16:00 17:00" is not a date and time` + like},
		{"mon tue 9am", `"mon tue 9am" is not a date and time` + like},
		{"feb 30 9am", `"feb 30 9am" is not a date and time` + like},
		{"today 9am", `"today 9am" is in the past; write a time in the future`},
		{"2026-03-27 9am", `"2026-03-27 9am" is in the past; write a time in the future`},
		{"now + 5", `"5" has no unit; use "5s", "5m" or "5h"`},
		{"now + 1 month", `"1 month" has an unknown unit " month"; write it like "90s", "15m", "1h30m" or "1d"`},
		{"now + 99999d", `"99999d" is too long; use at most "3650d"`},
		{"4pm + 2h", `"4pm + 2h" is not a date and time; add whole days to a time of day`},
		{"25:00", `"25:00" is not a date and time` + like},
	} {
		if got, err := Moment(row.text, at, berlin); err == nil || err.Error() != row.want {
			t.Errorf("%q: got %q, %v, want %s", row.text, got, err, row.want)
		}
	}
}

func TestPastMoment(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	at := time.Date(2026, 3, 27, 15, 30, 20, 0, berlin) // a Friday
	for _, row := range []struct{ text, want string }{
		{"2h", "2026-03-27T13:30:20+01:00"},
		{"15:00", "2026-03-27T15:00:00+01:00"},
		{"5pm", "2026-03-26T17:00:00+01:00"},
		{"today", "2026-03-27T00:00:00+01:00"},
		{"today 9am", "2026-03-27T09:00:00+01:00"},
		{"yesterday", "2026-03-26T00:00:00+01:00"},
		{"yesterday 16:00", "2026-03-26T16:00:00+01:00"},
		{"mon", "2026-03-23T00:00:00+01:00"},
		{"fri", "2026-03-27T00:00:00+01:00"},
		{"fri 4pm", "2026-03-20T16:00:00+01:00"},
		{"dec 24", "2025-12-24T00:00:00+01:00"},
		{"2026-03-20", "2026-03-20T00:00:00+01:00"},
		{"2026-03-20 5:43pm", "2026-03-20T17:43:00+01:00"},
		{"2026-03-20 17:43", "2026-03-20 17:43"},
	} {
		if got, err := PastMoment(row.text, at, berlin); err != nil || got != row.want {
			t.Errorf("%q: got %q, %v, want %q", row.text, got, err, row.want)
		}
	}
	for _, row := range []struct{ text, want string }{
		{"soon", `"soon" is not a date and time; write it like "2h", "16:00", "yesterday 4pm", "mon" or "2026-11-23 16:00"`},
		{"tomorrow 9am", `"tomorrow 9am" is in the future; write a time in the past`},
		{"2026-04-01", `"2026-04-01" is in the future; write a time in the past`},
	} {
		if got, err := PastMoment(row.text, at, berlin); err == nil || err.Error() != row.want {
			t.Errorf("%q: got %q, %v, want %s", row.text, got, err, row.want)
		}
	}
}

func FuzzMoment(f *testing.F) {
	for _, seed := range []string{"tomorrow 4pm", "now + 1h", "dec 24 18:00", "mon 9am + 2 days", "next", "at", "+", "in"} {
		f.Add(seed)
	}
	at := time.Date(2026, 3, 27, 15, 30, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Moment(text, at, time.UTC)
		if err != nil {
			return
		}
		s, errs := Parse(Keys{At: &got}, time.UTC, at)
		if errs != nil {
			t.Fatalf("%q gives %q: %v", text, got, errs)
		}
		if got != text && s.Next(at.Add(-time.Second)).IsZero() {
			t.Fatalf("%q gives %q, which is past", text, got)
		}
	})
}

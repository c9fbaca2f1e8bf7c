package cli

import (
	"strings"
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

// at parses a local time such as "2026-11-23 16:00:00".
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
		{monday, "2026-11-23 04:47:12", false, "today at 04:47"},
		{monday, "2026-11-23 04:47:12", true, "today at 04:47:12"},
		{monday, "2026-11-23 00:00:00", false, "today at 00:00"},
		{monday, "2026-11-23 12:00:00", false, "today at 12:00"},
		{monday, "2026-11-23 23:59:59", false, "today at 23:59"},
		{monday, "2026-11-24 00:00:00", false, "tomorrow at 00:00"},
		{monday, "2026-11-24 04:35:00", false, "tomorrow at 04:35"},
		{monday, "2026-11-22 23:59:59", false, "yesterday at 23:59"},
		{monday, "2026-11-25 04:35:00", false, "Wednesday at 04:35"},
		{monday, "2026-11-29 23:59:00", false, "Sunday at 23:59"},
		{monday, "2026-11-30 00:00:00", false, "Nov 30 at 00:00"},
		{monday, "2026-11-17 00:00:00", false, "Tuesday at 00:00"},
		{monday, "2026-11-16 23:59:00", false, "Nov 16 at 23:59"},
		{monday, "2026-12-24 18:00:00", false, "Dec 24 at 18:00"},
		{monday, "2027-12-24 18:00:00", false, "Dec 24 2027 at 18:00"},
		{monday, "2025-12-24 18:00:00", false, "Dec 24 2025 at 18:00"},
		{at(t, loc, "2026-12-30 12:00:00"), "2027-01-02 04:00:00", false, "Saturday at 04:00"},
		// The days on which the clock changes have 23 and 25 hours.
		{at(t, loc, "2026-03-08 00:30:00"), "2026-03-09 00:15:00", false, "tomorrow at 00:15"},
		{at(t, loc, "2026-11-01 00:30:00"), "2026-11-01 23:45:00", false, "today at 23:45"},
		{at(t, loc, "2026-11-01 23:59:00"), "2026-11-02 00:00:00", false, "tomorrow at 00:00"},
	} {
		if got := when(at(t, loc, test.t), test.now, test.seconds); got != test.want {
			t.Errorf("%s at %s: got %q, want %q", test.t, test.now, got, test.want)
		}
	}
	if got := when(time.Time{}, monday, false); got != "-" {
		t.Errorf("zero time: got %q", got)
	}
	// The time is in the zone of the reader, not of the job.
	if got, want := when(at(t, time.UTC, "2026-11-24 03:00:00"), monday, false), "today at 22:00"; got != want {
		t.Errorf("from UTC: got %q, want %q", got, want)
	}
}

func TestTimeStyles(t *testing.T) {
	loc := zone(t)
	now := at(t, loc, "2026-11-23 16:00:00")
	for _, test := range []struct {
		style   timeStyle
		t       string
		seconds bool
		want    string
	}{
		{hours12, "2026-11-24 00:00:00", false, "tomorrow at 12:00am"},
		{hours12, "2026-11-25 16:35:07", true, "Wednesday at 4:35:07pm"},
		{hours24, "2026-11-24 00:00:00", false, "tomorrow at 00:00"},
		{hours24, "2026-12-24 16:35:07", true, "Dec 24 at 16:35:07"},
		{iso, "2026-11-24 00:00:00", false, "2026-11-24 00:00"},
		{iso, "2026-11-24 16:35:07", true, "2026-11-24 16:35:07"},
	} {
		if got := test.style.when(at(t, loc, test.t), now, test.seconds); got != test.want {
			t.Errorf("%s, %s: got %q, want %q", test.t, test.style, got, test.want)
		}
	}
	const text = "every day at 00:00 and 16:05; Monday at 12:00:30; run 24:99"
	if got, want := hours12.rewrite(text), "every day at 12:00am and 4:05pm; Monday at 12:00:30pm; run 24:99"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := hours24.rewrite(text); got != text {
		t.Errorf("got %q", got)
	}
}

// TestStyleOf checks that JOBSD_TIME overrides LC_ALL, which overrides LC_TIME, which overrides LANG.
func TestStyleOf(t *testing.T) {
	for env, want := range map[string]timeStyle{
		"":                                     hours24,
		"LANG=C":                               hours24,
		"LANG=C.UTF-8":                         hours24,
		"LANG=POSIX":                           hours24,
		"LANG=de_DE.UTF-8":                     hours24,
		"LANG=en_GB.UTF-8":                     hours24,
		"LANG=en_US.UTF-8":                     hours12,
		"LANG=en_US":                           hours12,
		"LANG=en_AU.UTF-8@mod":                 hours12,
		"LANG=fr_CA.UTF-8":                     hours24,
		"LANG=en_US.UTF-8 LC_TIME=de_DE.UTF-8": hours24,
		"LC_TIME=de_DE LC_ALL=en_US":           hours12,
		"LC_ALL=C LC_TIME=en_US LANG=en_US":    hours24,
		"LANG=en_US.UTF-8 JOBSD_TIME=24h":      hours24,
		"LANG=de_DE.UTF-8 JOBSD_TIME=12h":      hours12,
		"LANG=de_DE.UTF-8 JOBSD_TIME=iso":      iso,
		"LANG=en_US.UTF-8 JOBSD_TIME=nonsense": hours12,
	} {
		vars := map[string]string{}
		for _, v := range strings.Fields(env) {
			name, value, _ := strings.Cut(v, "=")
			vars[name] = value
		}
		getenv := func(name string) string { return vars[name] }
		if got := styleOf(getenv); got != want {
			t.Errorf("%q: got %s, want %s", env, got, want)
		}
		var b strings.Builder
		warnTimeStyle(&b, getenv)
		if said := b.Len() > 0; said != strings.Contains(env, "nonsense") {
			t.Errorf("%q: said %q", env, b.String())
		}
	}
}

func TestLeft(t *testing.T) {
	now := time.Date(2026, 11, 23, 16, 0, 0, 0, time.UTC)
	for d, want := range map[string]string{
		"-1s": "", "0s": "", "300ms": "in 1s", "11s": "in 11s", "11400ms": "in 11s", "59400ms": "in 59s", "59600ms": "in 1m",
		"90s": "in 2m", "59m29s": "in 59m", "59m31s": "in 1h", "119m": "in 2h", "23h29m": "in 23h", "23h31m": "in 1d", "80h": "in 3d",
	} {
		d, err := time.ParseDuration(d)
		if err != nil {
			t.Fatal(err)
		}
		if got := left(now.Add(d), now); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
	if got := left(time.Time{}, now); got != "" {
		t.Errorf("never: got %q", got)
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

package schedule

import (
	"slices"
	"testing"
	"time"
)

// checkKeys checks rules for all keys: a mistake has a position and a reason, and there is no schedule. A schedule has
// a slot, the slot is later than the base, and the schedule prints keys with the same meaning.
func checkKeys(t *testing.T, k Keys, loc *time.Location) {
	s, errs := Parse(k, loc, now)
	for _, err := range errs {
		if err.Key == "" || err.Reason == "" || err.Fix == "" || len(err.Error()) > 500 {
			t.Fatalf("%+v", err)
		}
	}
	if (s == nil) != (len(errs) > 0) {
		t.Fatalf("%v and %v", s, errs)
	}
	if s == nil {
		return
	}
	roundTrip(t, s, loc)
	next := s.Next(now)
	switch {
	case s.Kind() == Clock && !next.After(now):
		t.Fatalf("%s is accepted but due at %s", s, next)
	case s.Kind() == At && !next.IsZero() && (!next.After(now) || !s.Next(next).IsZero()):
		t.Fatalf("%s is due at %s", s, next)
	}
	if s.Kind() == Clock {
		if n, first, last := s.CountAfter(now, next, 10); n != 1 || first != next || !last.Equal(next) {
			t.Fatalf("%s: %d slots from %s to %s, want one at %s", s, n, first, last, next)
		}
		s.Explain(next)
	}
}

func fuzzKey(f *testing.F, key string) {
	ny := location(f, "America/New_York")
	f.Fuzz(func(t *testing.T, value string) { checkKeys(t, keysOf(key, value), ny) })
}

func FuzzStartAt(f *testing.F) { fuzzKey(f, "start_at") }

func FuzzDays(f *testing.F) { fuzzKey(f, "days") }

func FuzzCron(f *testing.F) { fuzzKey(f, "cron") }

func FuzzEvery(f *testing.F) { fuzzKey(f, "every") }

func FuzzAt(f *testing.F) { fuzzKey(f, "at") }

func FuzzTimezone(f *testing.F) { fuzzKey(f, "timezone") }

// FuzzUnion combines two expressions and a time of day. Their order must not matter.
func FuzzUnion(f *testing.F) {
	lord := location(f, "Australia/Lord_Howe")
	f.Fuzz(func(t *testing.T, a, b string) {
		k := Keys{Cron: []string{a, b}}
		checkKeys(t, k, lord)
		s, errs := Parse(k, lord, now)
		slices.Reverse(k.Cron)
		r, errs2 := Parse(k, lord, now)
		if len(errs) != len(errs2) || s != nil && s.String() != r.String() {
			t.Fatalf("%s but in the other order %s", s, r)
		}
	})
}

// FuzzDuration checks that a duration is not negative and prints a text that reads back the same.
func FuzzDuration(f *testing.F) {
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if again, err := ParseDuration(FormatDuration(d)); d < 0 || err != nil || again != d {
			t.Fatalf("%q is %v, prints as %q, which reads as %v, %v", text, d, FormatDuration(d), again, err)
		}
		if std, err := time.ParseDuration(text); err == nil && std != d {
			t.Fatalf("%q is %v, but %v to package time", text, d, std)
		}
	})
}

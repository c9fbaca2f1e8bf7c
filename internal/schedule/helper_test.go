package schedule

import (
	"testing"
	"time"
)

// now is the time at which the tests take place.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func ptr(s string) *string { return &s }

// must parses valid keys, now.
func must(t testing.TB, k Keys, loc *time.Location) *Schedule {
	t.Helper()
	s, errs := Parse(k, loc, now)
	if errs != nil {
		t.Fatal(errs)
	}
	return s
}

func startAt(times ...string) Keys { return Keys{StartAt: times} }

func cronKeys(lines ...string) Keys { return Keys{Cron: lines} }

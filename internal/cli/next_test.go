package cli

import (
	"slices"
	"strings"
	"testing"
	"time"

	"jobsd/internal/schedule"
	"jobsd/statefile"
)

func TestSlots(t *testing.T) {
	loc := zone(t)
	from := at(t, loc, "2026-11-23 16:00:00")
	every, once := ref("1h"), ref("2026-12-24 18:00")
	for _, test := range []struct {
		name string
		keys schedule.Keys
		due  string // the next run that the daemon knows, "" for none
		from time.Time
		n    int
		want []string
	}{
		{"clock", schedule.Keys{StartAt: []string{"4:35am"}}, "", from, 2,
			[]string{"2026-11-24T04:35:00-05:00", "2026-11-25T04:35:00-05:00"}},
		{"clock, whatever the daemon knows", schedule.Keys{StartAt: []string{"4:35am"}}, "2026-12-01 04:35:00", from, 1,
			[]string{"2026-11-24T04:35:00-05:00"}},
		{"over a clock change", schedule.Keys{StartAt: []string{"noon"}}, "", at(t, loc, "2026-10-31 13:00:00"), 1,
			[]string{"2026-11-01T12:00:00-05:00"}},
		{"once", schedule.Keys{At: once}, "", from, 3, []string{"2026-12-24T18:00:00-05:00"}},
		{"once, past", schedule.Keys{At: once}, "", at(t, loc, "2026-12-24 18:00:00"), 3, nil},
		{"interval", schedule.Keys{Every: every}, "", from, 2,
			[]string{"2026-11-23T17:00:00-05:00", "2026-11-23T18:00:00-05:00"}},
		{"interval of a known job", schedule.Keys{Every: every}, "2026-11-23 16:20:00", from, 2,
			[]string{"2026-11-23T16:20:00-05:00", "2026-11-23T17:20:00-05:00"}},
		{"interval of a known job, later", schedule.Keys{Every: every}, "2026-11-23 16:20:00",
			at(t, loc, "2026-11-25 00:00:00"), 1, []string{"2026-11-25T00:20:00-05:00"}},
		{"interval of a known job, due now", schedule.Keys{Every: every}, "2026-11-23 16:00:00", from, 1,
			[]string{"2026-11-23T17:00:00-05:00"}},
		{"none", schedule.Keys{}, "", from, 2, nil},
	} {
		s, errs := schedule.Parse(test.keys, loc, from)
		if errs != nil {
			t.Fatal(errs)
		}
		var due time.Time
		if test.due != "" {
			due = at(t, loc, test.due)
		}
		var got []string
		for slot := range slots(s, due, test.from) {
			if len(got) == test.n {
				break
			}
			got = append(got, slot.Format(time.RFC3339))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
}

func TestWriteNext(t *testing.T) {
	loc := zone(t)
	now := at(t, loc, "2026-11-23 16:00:00")
	on := func(times ...string) []statefile.Time {
		next := []statefile.Time{}
		for _, s := range times {
			next = append(next, statefile.At(at(t, loc, s)))
		}
		return next
	}
	fall := on("2026-11-24 04:35:00", "2026-11-24 18:00:00")
	var b strings.Builder
	writeNext(&b, false, []preview{
		{Job: "web", Next: on("2026-11-23 18:00:00", "2026-11-24 18:00:00"), note: "also at boot"},
		{Job: "asked", Next: on(), note: "only when asked"},
		{Job: "backup", Next: fall, Explain: []remark{{fall[1], "the first of two"}}},
		{Job: "once", Next: on()},
		{Job: "tick", Next: on("2026-11-23 16:00:07")},
	}, 0, now)
	const want = `
next run           exactly                    job
today at 16:00:07  2026-11-23T16:00:07-05:00  tick
today at 18:00     2026-11-23T18:00:00-05:00  web     also at boot
tomorrow at 04:35  2026-11-24T04:35:00-05:00  backup
tomorrow at 18:00  2026-11-24T18:00:00-05:00  backup  the first of two
tomorrow at 18:00  2026-11-24T18:00:00-05:00  web     also at boot
-                  -                          asked   only when asked
-                  -                          once    no longer due
`
	same(t, b.String(), want[1:])
}

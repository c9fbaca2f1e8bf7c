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
		due  string // what the daemon knows, "" for nothing
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
		{"once, gone", schedule.Keys{At: once}, "", at(t, loc, "2026-12-24 18:00:00"), 3, nil},
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
	}, now)
	const want = `
next run            exactly                    job
today at 4:00:07pm  2026-11-23T16:00:07-05:00  tick
today at 6:00pm     2026-11-23T18:00:00-05:00  web     also at boot
tomorrow at 4:35am  2026-11-24T04:35:00-05:00  backup
tomorrow at 6:00pm  2026-11-24T18:00:00-05:00  backup  the first of two
tomorrow at 6:00pm  2026-11-24T18:00:00-05:00  web     also at boot
-                   -                          asked   only when asked
-                   -                          once    not due any more
`
	same(t, b.String(), want[1:])
}

func TestWriteStatus(t *testing.T) {
	s, now := state(t)
	s.Daemon = statefile.Daemon{PID: 1234, StartedAt: statefile.At(now.Add(-time.Hour)), Version: "0.1.0",
		Machine: "laptop", UncleanRestarts: 1, Degraded: []string{"cannot write the journal: no space left on device"},
		Reload: statefile.Reload{At: statefile.At(now), Errors: []string{"a.toml:4:9: no"}}}
	var b strings.Builder
	writeStatus(&b, false, s, true, "/var/lib/jobsd", now)
	const want = `
daemon:    runs, pid 1234, since today at 3:00pm (2026-11-23T15:00:00-05:00)
version:   0.1.0
machine:   laptop
state:     /var/lib/jobsd
jobs:      12 (1 running, 1 failing, 1 in a crash loop, 1 stale, 1 disabled, 1 elsewhere)
reloaded:  today at 4:00pm (2026-11-23T16:00:00-05:00)
crashes:   1 unclean restart
degraded:  cannot write the journal: no space left on device
refused:   a.toml:4:9: no
`
	same(t, b.String(), want[1:])
	for name, change := range map[string]func(){
		"degraded": func() { s.Daemon.Degraded = nil },
		"refused":  func() { s.Daemon.Reload.Errors = nil },
		"stale":    func() { delete(s.Jobs, "broken") },
	} {
		if well(s, true) {
			t.Errorf("well, although %s", name)
		}
		change()
	}
	if !well(s, true) || well(s, false) {
		t.Error("well is not well, or a dead daemon is")
	}
}

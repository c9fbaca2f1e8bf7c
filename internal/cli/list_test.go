package cli

import (
	"maps"
	"strings"
	"testing"
	"time"

	"jobsd/statefile"
)

func ref[T any](v T) *T { return &v }

func exited(code int, start time.Time, took time.Duration) *statefile.Run {
	return &statefile.Run{Run: 42, Outcome: statefile.OutcomeExited, ExitCode: &code, Reason: statefile.ReasonSchedule, Attempt: 1,
		Slot: statefile.At(start), StartedAt: statefile.At(start), EndedAt: statefile.At(start.Add(took)),
		Duration: statefile.Seconds(took)}
}

// state returns a state with a job for each thing that list shows.
func state(t *testing.T) (*statefile.State, time.Time) {
	loc := zone(t)
	now := at(t, loc, "2026-11-23 16:00:00")
	on := func(s string) statefile.Time { return statefile.At(at(t, loc, s)) }
	ran := func(code int) *statefile.Run {
		return exited(code, on("2026-11-23 04:47:00").Time(), 59100*time.Millisecond)
	}
	with := func(change func(*statefile.Run)) *statefile.Run {
		r := ran(0)
		r.ExitCode = nil
		change(r)
		return r
	}
	next := on("2026-11-24 04:35:00")
	return &statefile.State{Jobs: map[string]*statefile.Job{
		"backup": {NextRun: next, LastRun: ran(0)},
		"asked":  {},
		"broken": {NextRun: next, LastRun: ran(3), ConsecutiveFailures: 4, Stale: true, Error: ref("a.toml:4:9: no")},
		"killed": {LastRun: with(func(r *statefile.Run) { r.Outcome, r.Signal = statefile.OutcomeSignaled, ref("KILL") })},
		"slow": {LastRun: with(func(r *statefile.Run) {
			r.Outcome, r.Duration = statefile.OutcomeTimeout, statefile.Seconds(2*time.Hour)
		})},
		"stopped": {LastRun: with(func(r *statefile.Run) { r.Outcome = statefile.OutcomeStopped }), Disabled: true},
		"gone":    {LastRun: with(func(r *statefile.Run) { r.Outcome = statefile.OutcomeLost }), Elsewhere: true},
		"nofile": {LastRun: with(func(r *statefile.Run) {
			r.Outcome, r.StartedAt = statefile.OutcomeStartError, statefile.Time{}
		}), Held: true},
		"web": {LastRun: ran(1), CrashLoop: true, NextTry: on("2026-11-23 16:04:12"), Deaths: []statefile.Death{
			{At: on("2026-11-23 14:59:00")}, {At: on("2026-11-23 15:02:00")}, {At: on("2026-11-23 15:59:00")}}},
		"busy": {NextRun: next, LastRun: ran(0), Skipped: 3, Running: []statefile.Running{
			{Run: 43, State: statefile.RunRunning, StartedAt: on("2026-11-23 15:55:48")},
			{Run: 44, State: statefile.RunPending, Why: ref(statefile.WhyOverlap)},
		}},
		"makeup": {LastRun: with(func(r *statefile.Run) { r.Missed, r.ExitCode = 3, ref(0) }), Missed: 2},
		"tick": {NextRun: on("2026-11-23 16:00:05"), LastRun: exited(0, on("2026-11-23 15:59:55").Time(), 30*time.Millisecond),
			Missed: 7},
	}}, now
}

// show prints the list of a running daemon for a terminal of that width.
func show(b *strings.Builder, s *statefile.State, now time.Time, width int, o listOptions) {
	(&listing{s, now, true, o}).writeIn(b, false, width)
}

func TestList(t *testing.T) {
	s, now := state(t)
	s.Daemon.Reload.Errors = []string{`a.toml:4:9: cmdd: unknown key: did you mean "cmd"?`}
	var b strings.Builder
	show(&b, s, now, 0, listOptions{})
	const want = `
job      next run                   last run                 status  time
asked    -                          -                             -  -
backup   tomorrow at 04:35  in 13h  today at 04:47                0  59.1s
broken   tomorrow at 04:35  in 13h  today at 04:47                3  59.1s  stale, failed 4 times
busy     tomorrow at 04:35  in 13h  today at 15:55          running  4m12s  waits: overlap, skipped 3
gone     -                          today at 04:47             lost  59.1s  elsewhere
killed   -                          today at 04:47             KILL  59.1s
makeup   -                          today at 04:47                0  59.1s  missed 3, ran 1
nofile   -                          today at 04:47      start error  -      held
slow     -                          today at 04:47          timeout  2h00m
stopped  -                          today at 04:47          stopped  59.1s  disabled
tick     today at 16:00:05  in 5s   today at 15:59:55             0  0.0s   missed 7
web      -                          today at 04:47       crash loop  59.1s  crash loop: 2 restarts in 1 h, next try in 4m12s

stale: its file is refused; the daemon uses the last good version
elsewhere: its machines do not include this machine, so it never runs here
held: somebody stopped this service; "jobsd start" starts it again
crash loop: it keeps dying; the daemon waits longer before each restart
overlap: the previous run has not ended

refused: a.toml:4:9: cmdd: unknown key: did you mean "cmd"?
`
	same(t, b.String(), want[1:])
}

// TestListOne checks the exact table of the manual.
func TestListOne(t *testing.T) {
	s, now := state(t)
	s.Jobs = map[string]*statefile.Job{"backup": s.Jobs["backup"]}
	var b strings.Builder
	show(&b, s, now, 0, listOptions{})
	const want = `
job      next run                   last run            status  time
backup   tomorrow at 04:35  in 13h  today at 04:47           0  59.1s
`
	same(t, b.String(), want[1:])
}

// TestListTerminal checks that no line is wider than the terminal, even with long names and notes, and that names that
// differ at either end can still be distinguished.
func TestListTerminal(t *testing.T) {
	s, now := state(t)
	long := strings.Repeat("x", 55)
	s.Jobs[long+"-disk-one"] = s.Jobs["web"]
	s.Jobs[long+"-disk-two"] = s.Jobs["tick"]
	s.Jobs["web"].Schedule = "Monday to Friday at 04:35, also at boot and after backup and sync"
	for _, long := range []bool{false, true} {
		var b strings.Builder
		show(&b, s, now, 80, listOptions{long: long})
		for line := range strings.SplitSeq(b.String(), "\n") {
			if len(line) > 80 {
				t.Errorf("%d characters: %q", len(line), line)
			}
		}
		for _, want := range []string{"..k-one ", "..k-two ", "\n    "} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("no %q in\n%s", want, b.String())
			}
		}
	}
	var b strings.Builder
	show(&b, s, now, 0, listOptions{})
	if !strings.Contains(b.String(), long+"-disk-one ") || strings.Contains(b.String(), "\n    ") {
		t.Errorf("a pipe gets\n%s", b.String())
	}
}

func TestListSortNext(t *testing.T) {
	s, now := state(t)
	maps.DeleteFunc(s.Jobs, func(name string, _ *statefile.Job) bool {
		return name != "asked" && name != "backup" && name != "gone" && name != "tick"
	})
	l := listing{s, now, true, listOptions{sort: "next"}}
	if got := strings.Join(l.names(), " "); got != "tick backup asked gone" {
		t.Error(got)
	}
}

// TestListLong checks that --long shows the schedule, with its times in the style of the reader.
func TestListLong(t *testing.T) {
	t.Setenv("JOBSD_TIME", "12h")
	s, now := state(t)
	s.Jobs = map[string]*statefile.Job{"backup": s.Jobs["backup"]}
	s.Jobs["backup"].Schedule, s.Jobs["backup"].Stale = "every day at 04:35", true
	var b strings.Builder
	show(&b, s, now, 0, listOptions{long: true})
	const want = `
job      next run                     last run              status  time   schedule
backup   tomorrow at 4:35am   in 13h  today at 4:47am            0  59.1s  every day at 4:35am; stale

stale: its file is refused; the daemon uses the last good version
`
	same(t, b.String(), want[1:])
}

func TestListDead(t *testing.T) {
	s, now := state(t)
	var b strings.Builder
	(&listing{s, now, false, listOptions{}}).writeIn(&b, false, 0)
	if strings.Contains(b.String(), "in 13h") {
		t.Errorf("a next run is announced without a daemon:\n%s", b.String())
	}
}

func TestChoose(t *testing.T) {
	for _, test := range []struct{ patterns, want, err string }{
		{"", "backup tick web", ""},
		{"web", "web", ""},
		{"*k* web", "backup tick web", ""},
		{"b*", "backup", ""},
		{"wbe", "", `no job is called "wbe"`},
		{"x*", "", `no job matches "x*"`},
		{"[", "", `"[" is not a pattern of job names: syntax error in pattern`},
	} {
		s := &statefile.State{Jobs: map[string]*statefile.Job{"backup": {}, "tick": {}, "web": {}}}
		err := choose(s, strings.Fields(test.patterns))
		switch {
		case err != nil && err.Error() != test.err, err == nil && test.err != "":
			t.Errorf("%q: got error %v, want %q", test.patterns, err, test.err)
		case err == nil && strings.Join(names(s), " ") != test.want:
			t.Errorf("%q: got %v, want %s", test.patterns, names(s), test.want)
		}
	}
}

func TestListInk(t *testing.T) {
	s, now := state(t)
	for name, want := range map[string]string{
		"backup": "backup   tomorrow at 04:35  today at 04:47           0  59.1s\n",
		"broken": "\x1b[31m3\x1b[0m  59.1s  \x1b[33mstale, failed 4 times\x1b[0m\n",
		"busy":   "\x1b[32mrunning\x1b[0m",
		"web":    "\x1b[31mcrash loop\x1b[0m",
	} {
		one := &statefile.State{Jobs: map[string]*statefile.Job{name: s.Jobs[name]}}
		var b strings.Builder
		(&listing{one, now, false, listOptions{}}).write(&b, true)
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s: got %q, want %q in it", name, b.String(), want)
		}
	}
}

func TestEnding(t *testing.T) {
	run := func(outcome statefile.Outcome) *statefile.Run { return &statefile.Run{Outcome: outcome} }
	core := run(statefile.OutcomeSignaled)
	core.Signal, core.Core = ref("SEGV"), true
	stopped := run(statefile.OutcomeStopped)
	stopped.By = ref("uid 1000")
	lost := run(statefile.OutcomeLost)
	lost.LostStage = ref(statefile.LostIntent)
	chdir := run(statefile.OutcomeStartError)
	chdir.StartError = &statefile.StartError{Stage: "chdir", Errno: "ENOENT", Path: "/srv", Text: "cannot start: no /srv"}
	for want, r := range map[string]*statefile.Run{
		"signal SEGV after 0.0s (core dumped)": core,
		"stopped by uid 1000 after 0.0s":       stopped,
		"lost, last known: intent":             lost,
		"cannot start: no /srv":                chdir,
		"timeout after 0.0s":                   run(statefile.OutcomeTimeout),
	} {
		if got := ending(r); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func same(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got:\n%s\nwant:\n%s\ngot, quoted: %q", got, want, got)
	}
}

// TestNotesDelayed checks that a hundred delayed starts do not make a line of a hundred notes.
func TestNotesDelayed(t *testing.T) {
	_, now := state(t)
	j := &statefile.Job{}
	for n := range uint64(100) {
		j.DelayedStarts = append(j.DelayedStarts, statefile.DelayedStart{Run: n + 1, Due: statefile.At(now.Add(time.Duration(100-n) * time.Minute))})
	}
	if got := notes(j, now); got != "run 100 starts today at 16:01, and 99 more delayed starts" {
		t.Error(got)
	}
	j.DelayedStarts = j.DelayedStarts[:1]
	if got := notes(j, now); got != "run 1 starts today at 17:40" {
		t.Error(got)
	}
}

package cli

import (
	"maps"
	"strings"
	"testing"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

var machineSite = &site{Dirs: jobfile.Dirs{State: "/var/lib/jobsd"}, config: &jobfile.Config{Heartbeat: &jobfile.Heartbeat{Every: 5 * time.Minute}}}

func TestWriteStatus(t *testing.T) {
	s, now := state(t)
	s.Daemon = statefile.Daemon{PID: 1234, StartedAt: statefile.At(now.Add(-time.Hour)), Version: "0.1.0",
		Machine: "laptop", UncleanRestarts: 1, Degraded: []string{"cannot write the journal: no space left on device"},
		DisabledBy: &statefile.DisabledBy{Who: "uid 4294967290", When: statefile.At(now), Reason: "moving house"},
		Reload:     statefile.Reload{At: statefile.At(now), Errors: []string{"a.toml:4:9: no"}}}
	var b strings.Builder
	writeStatus(&b, false, 0, s, health(s, true, now), machineSite, now)
	const want = `
daemon:    running, pid 1234, since today at 15:00 (2026-11-23T15:00:00-05:00)
uptime:    1h00m
version:   0.1.0
machine:   laptop
state:     /var/lib/jobsd
jobs:      12 (1 running, 1 failing, 1 in a crash loop, 1 stale, 1 disabled, 1 elsewhere)
next:      tick, today at 16:00 (2026-11-23T16:00:05-05:00)
reloaded:  today at 16:00 (2026-11-23T16:00:00-05:00)
heartbeat: every 5m
crashes:   1 unclean restart
disabled:  all jobs, by uid 4294967290, today at 16:00: moving house
degraded:  cannot write the journal: no space left on device
refused:   a.toml:4:9: no
failed:    broken: exited 3 after 59.1s, today at 04:47 (stale, failed 4 times)
failed:    web (crash loop: 2 restarts in 1 h, next try in 4m12s)
`
	same(t, b.String(), want[1:])
}

// TestStatusFits checks that no line is wider than the terminal, and that continued lines are indented.
func TestStatusFits(t *testing.T) {
	s, now := state(t)
	s.Daemon.Degraded = []string{"mail: cannot start: " + strings.Repeat("a long word ", 12)}
	var b strings.Builder
	writeStatus(&b, false, 80, s, health(s, true, now), machineSite, now)
	for line := range strings.Lines(b.String()) {
		if len(line) > 81 {
			t.Errorf("%d characters: %q", len(line)-1, line)
		}
	}
	if !strings.Contains(b.String(), "\n           a long word") {
		t.Errorf("the second line of a fact is not below the first:\n%s", &b)
	}
}

// TestFailedText checks that each problem of a job is named only once, and that a stop does not count as a failure.
func TestFailedText(t *testing.T) {
	_, now := state(t)
	for want, j := range map[string]*statefile.Job{
		`x: cannot start: "x" is not in PATH (/usr/bin), today at 16:00`: {ConsecutiveFailures: 1,
			LastRun: &statefile.Run{Outcome: statefile.OutcomeStartError, EndedAt: statefile.At(now),
				StartError: &statefile.StartError{Text: `cannot start: "x" is not in PATH (/usr/bin)`}}},
		"x: failed once, then stopped by root (uid 0), today at 16:00": {ConsecutiveFailures: 1,
			LastRun: &statefile.Run{Outcome: statefile.OutcomeStopped, By: new("root (uid 0)"), EndedAt: statefile.At(now)}},
		"x: failed 3 times, then stopped, today at 16:00": {ConsecutiveFailures: 3,
			LastRun: &statefile.Run{Outcome: statefile.OutcomeStopped, EndedAt: statefile.At(now)}},
	} {
		if got := failedText("x", j, now); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestBrief checks that the line for monitoring has each kind of problem, and shortens long lists of names.
func TestBrief(t *testing.T) {
	_, now := state(t)
	d := func(degraded, refused []string) *statefile.Daemon {
		return &statefile.Daemon{PID: 7, Degraded: degraded, Reload: statefile.Reload{Errors: refused}}
	}
	many := strings.Fields("a b c d e f g h i j k l")
	for want, r := range map[string]statusResult{
		"no daemon is running; the last one had pid 7":                 {Failed: []string{"a"}, Daemon: d(nil, nil)},
		"degraded: no disk; 1 job with a problem: a; refused: x: bad":  {Alive: true, Failed: []string{"a"}, Daemon: d([]string{"no disk"}, []string{"x: bad"})},
		"refused: x: bad and 2 more":                                   {Alive: true, Daemon: d(nil, []string{"x: bad", "y", "z"})},
		"12 jobs with a problem: a, b, c, d, e, f, g, h, i and 3 more": {Alive: true, Failed: many, Daemon: d(nil, nil)},
		"well: 1 job": {Alive: true, Well: true, Daemon: d(nil, nil)},
	} {
		if got := r.brief(&statefile.State{Jobs: map[string]*statefile.Job{"a": {}}}, now); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestHealth checks that each single problem makes the status not well.
func TestHealth(t *testing.T) {
	s, now := state(t)
	maps.DeleteFunc(s.Jobs, func(_ string, j *statefile.Job) bool { return unwell(j) })
	if r := health(s, true, now); !r.Well {
		t.Fatalf("nothing is wrong, but %+v", r)
	}
	if health(s, false, now).Well {
		t.Error("well, although no daemon runs")
	}
	for name, j := range map[string]*statefile.Job{
		"failed":         {ConsecutiveFailures: 1},
		"crash loop":     {CrashLoop: true},
		"late":           {Late: true},
		"slow":           {Slow: true},
		"stale":          {Stale: true},
		"unkillable":     {Unkillable: true},
		"internal error": {InternalError: true},
		"notify error":   {NotifyError: new("no mailer")},
	} {
		s.Jobs["x"] = j
		if r := health(s, true, now); r.Well || len(r.Failed) != 1 {
			t.Errorf("well, although %s: %+v", name, r)
		}
	}
	s.Jobs["x"] = &statefile.Job{ConsecutiveFailures: 1, Disabled: true}
	if !health(s, true, now).Well {
		t.Error("not well, although somebody has looked at it")
	}
	s.Jobs["x"] = &statefile.Job{Slow: true, Disabled: true}
	if !health(s, true, now).Well {
		t.Error("not well, although the slow job is disabled")
	}
	delete(s.Jobs, "x")
	s.Daemon.Degraded = []string{"disk"}
	if health(s, true, now).Well {
		t.Error("well, although degraded")
	}
	s.Daemon.Degraded, s.Daemon.Reload.Errors = nil, []string{"a.toml: no"}
	if health(s, true, now).Well {
		t.Error("well, although a file is refused")
	}
}

package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/statefile"
)

const statusHelp = `jobsd status - tell how the daemon fares

usage: jobsd status [--json]

Exits 1 if something is wrong: no daemon runs, it is degraded, or a job file is refused.

  --json   the daemon object of the state file, see jobsd-state(5), with "alive": whether that daemon runs
`

func (a *app) status() *cobra.Command {
	return takes(a.reader("status", statusHelp, func([]string) error { return a.doStatus(time.Now()) }), 0, 0, "")
}

func (a *app) doStatus(now time.Time) error {
	s, state, err := a.state()
	if codeOf(err) == exitNoDaemon {
		return a.neverRan(err)
	}
	if err != nil {
		return err
	}
	d := &state.Daemon
	lives := alive(d)
	if a.json {
		err = a.printJSON(struct {
			Alive bool `json:"alive"`
			*statefile.Daemon
		}{lives, d})
	} else {
		writeStatus(a.out, paletteFor(a.out), state, lives, s.State, now)
	}
	if err == nil && !well(state, lives) {
		err = notWell
	}
	return err
}

// neverRan is the status where no daemon has left a state file: what is wrong, like all that status finds.
func (a *app) neverRan(err error) error {
	if !a.json {
		return fail(exitFailed, hintFor(err), "%w", err)
	}
	if err := a.printJSON(map[string]bool{"alive": false}); err != nil {
		return err
	}
	return notWell
}

func well(state *statefile.State, lives bool) bool {
	stale := func(j *statefile.Job) bool { return j.Stale }
	return lives && len(state.Daemon.Degraded) == 0 && len(state.Daemon.Reload.Errors) == 0 &&
		!slices.ContainsFunc(slices.Collect(maps.Values(state.Jobs)), stale)
}

func writeStatus(w io.Writer, p palette, state *statefile.State, lives bool, dir string, now time.Time) {
	d := &state.Daemon
	say := func(key string, i ink, format string, args ...any) {
		fmt.Fprintf(w, "%-10s %s\n", key+":", p.paint(i, fmt.Sprintf(format, args...)))
	}
	if lives {
		say("daemon", green, "runs, pid %d, since %s", d.PID, exactly(d.StartedAt, now))
	} else {
		say("daemon", red, "does not run; the last one was pid %d", d.PID)
	}
	say("version", "", "%s", d.Version)
	say("machine", "", "%s", d.Machine)
	say("state", "", "%s", dir)
	say("jobs", "", "%s", jobTotals(state))
	say("reloaded", "", "%s", exactly(d.Reload.At, now))
	if d.UncleanRestarts > 0 {
		say("crashes", yellow, "%s", count(int(d.UncleanRestarts), "unclean restart"))
	}
	if by := d.DisabledBy; by != nil {
		say("disabled", yellow, "all jobs, by %s, %s%s", by.Who, exactly(by.When, now), prefixed(": ", by.Reason))
	}
	for _, what := range d.Degraded {
		say("degraded", red, "%s", what)
	}
	for _, e := range d.Reload.Errors {
		say("refused", red, "%s", e)
	}
}

// jobTotals counts the jobs and those that stand out: "12 (2 running, 1 failing, 1 stale)".
func jobTotals(state *statefile.State) string {
	var words []string
	add := func(what string, is func(*statefile.Job) bool) {
		n := 0
		for _, j := range state.Jobs {
			if is(j) {
				n++
			}
		}
		if n > 0 {
			words = append(words, fmt.Sprintf("%d %s", n, what))
		}
	}
	add("running", func(j *statefile.Job) bool { return newest(j.Running) != nil })
	add("failing", func(j *statefile.Job) bool { return j.ConsecutiveFailures > 0 })
	add("in a crash loop", func(j *statefile.Job) bool { return j.CrashLoop })
	add("stale", func(j *statefile.Job) bool { return j.Stale })
	add("disabled", func(j *statefile.Job) bool { return j.Disabled })
	add("elsewhere", func(j *statefile.Job) bool { return j.Elsewhere })
	if len(words) == 0 {
		return fmt.Sprint(len(state.Jobs))
	}
	return fmt.Sprintf("%d (%s)", len(state.Jobs), strings.Join(words, ", "))
}

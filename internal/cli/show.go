package cli

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/statefile"
)

const showHelp = `jobsd show - everything about one job

usage: jobsd show [--json] JOB

  --json   the job's object of the state file, see jobsd-state(5), and "name"
`

func (a *app) show() *cobra.Command {
	do := func(args []string) error { return a.doShow(args[0], time.Now()) }
	cmd := takes(a.reader("show JOB", showHelp, do), 1, 1, "job")
	cmd.ValidArgsFunction = a.completeJob
	return cmd
}

func (a *app) doShow(name string, now time.Time) error {
	_, state, err := a.state()
	if err != nil {
		return err
	}
	j, err := a.job(state, name)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(struct {
			Name string `json:"name"`
			*statefile.Job
		}{name, j})
	}
	writeJob(a.out, paletteFor(a.out), name, j, now)
	a.warnDead(&state.Daemon)
	return nil
}

// writeJob prints a line for each thing that is known of the job.
func writeJob(w io.Writer, p palette, name string, j *statefile.Job, now time.Time) {
	say := func(key string, i ink, format string, args ...any) {
		fmt.Fprintf(w, "%-13s %s\n", key+":", p.paint(i, fmt.Sprintf(format, args...)))
	}
	say("job", "", "%s", name)
	say("file", "", "%s", cmp.Or(j.File, none))
	say("state", "", "%s", j.State)
	if n := notes(j, now); n != "" {
		say("notes", yellow, "%s", n)
	}
	if d := j.DisabledBy; d != nil {
		say("disabled", "", "%s", disabledText(d, now))
	}
	if j.Error != nil {
		say("error", red, "%s", *j.Error)
	}
	if j.NotifyError != nil {
		say("notify error", red, "%s", *j.NotifyError)
	}
	say("next run", "", "%s", exactly(j.NextRun, now))
	if !j.NextTry.IsZero() {
		say("next try", "", "%s", exactly(j.NextTry, now))
	}
	for _, l := range j.Later {
		say("later", "", "run %d, %s, asked for by %s", l.Run, exactly(l.Due, now), person(l.By))
	}
	for _, r := range j.Running {
		say("running", green, "%s", runningText(r, now))
	}
	if r := j.LastRun; r != nil {
		say("last run", outcomeInk(j), "%s", runText(r, now))
		memory := ""
		if r.MaxRSS > 0 { // else it is not known
			memory = ", memory " + size(r.MaxRSS)
		}
		say("resources", "", "user %s, system %s%s", length(time.Duration(r.UserCPU)), length(time.Duration(r.SystemCPU)), memory)
	}
	say("last success", "", "%s", exactly(j.LastSuccess, now))
	say("so far", "", "%s", totals(j))
	for _, d := range j.Deaths {
		say("died", "", "%s: %s after %s", exactly(d.At, now), deathWord(d), length(time.Duration(d.RanFor)))
	}
}

func runningText(r statefile.Running, now time.Time) string {
	words := []string{fmt.Sprintf("run %d %s", r.Run, r.State)}
	if r.Why != nil {
		words[0] += ": " + *r.Why
	}
	if r.PID != nil {
		words = append(words, fmt.Sprintf("pid %d", *r.PID))
	}
	if !r.StartedAt.IsZero() {
		words = append(words, fmt.Sprintf("since %s, %s ago", exactly(r.StartedAt, now), elapsed(r.StartedAt.Time, now)))
	}
	words = append(words, cause(r.Reason, r.Attempt))
	if r.Adopted {
		words = append(words, "adopted")
	}
	if r.OldDefinition {
		words = append(words, "old definition")
	}
	if r.Error != nil {
		words = append(words, *r.Error)
	}
	return strings.Join(words, ", ")
}

func runText(r *statefile.Run, now time.Time) string {
	return fmt.Sprintf("run %d, %s, %s: %s", r.Run, exactly(statefile.Time{Time: startOf(r)}, now),
		cause(r.Reason, r.Attempt), ending(r))
}

// cause says why a run was started.
func cause(reason string, attempt int) string {
	if attempt > 1 {
		return fmt.Sprintf("%s, attempt %d", reason, attempt)
	}
	return reason
}

// ending says in a few words how a run ended.
func ending(r *statefile.Run) string {
	after := " after " + length(time.Duration(r.Duration))
	switch r.Outcome {
	case "exited":
		return "exited " + outcomeWord(r) + after
	case "signaled":
		if r.Core {
			after += " (core dumped)"
		}
		return "signal " + outcomeWord(r) + after
	case "stopped":
		return "stopped" + prefixed(" by ", text(r.By)) + after
	case "start_error":
		switch e := r.StartError; {
		case e != nil && e.Text != "":
			return e.Text
		case e != nil: // of an older version
			return fmt.Sprintf("cannot start: %s%s: %s", e.Stage, prefixed(" ", printable(e.Path)), e.Errno)
		}
	case "lost":
		return "lost" + prefixed(", last known: ", text(r.LostStage))
	}
	return r.Outcome + after
}

// printable shows what a terminal would not, or would obey, as the carriage return in an interpreter named by a DOS file.
func printable(path string) string {
	if q := strconv.Quote(path); q[1:len(q)-1] != path {
		return q
	}
	return path
}

func totals(j *statefile.Job) string {
	return fmt.Sprintf("%s, %s (%d in a row), %d skipped, %d missed", count(int(j.Runs), "run"),
		count(int(j.Failures), "failure"), j.ConsecutiveFailures, j.Skipped, j.Missed)
}

func deathWord(d statefile.Death) string {
	return outcomeWord(&statefile.Run{Outcome: d.Outcome, ExitCode: d.ExitCode, Signal: d.Signal})
}

// prefixed is s behind prefix, "" if s is.
func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// size says bytes in the largest decimal unit that leaves a whole number before the point.
func size(bytes int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v := float64(bytes)
	for v >= 1000 && len(units) > 1 {
		v, units = v/1000, units[1:]
	}
	if units[0] == "B" {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", v, units[0])
}

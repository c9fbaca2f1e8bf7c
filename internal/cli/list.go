package cli

import (
	"fmt"
	"io"
	"maps"
	"os/user"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/statefile"
)

const listHelp = `jobsd list - all jobs: next run, last run and how it ended

usage: jobsd list [--failed] [--json]

  status   exit code, signal name, timeout, stopped, start error or lost of the
           last run; running, stopping, draining of one that lives; crash loop
           of a service that keeps dying
  time     how long it took, or has taken

Behind the row stand words that matter: stale (its file is refused, the last
good version is in force), elsewhere (this machine is not one of its machines),
disabled, held, unkillable, internal error; what was skipped or missed; why it
waits; when it starts because somebody asked for that. Above the table stands
what was disabled, by whom and why, below it the refused files, each with its
error.

  --failed  only jobs that are not well: whose last run failed, if nobody has
            disabled them since, in a crash loop, stale, unkillable, set aside
  --json    the jobs object of the state file, see jobsd-state(5)
`

func (a *app) list() *cobra.Command {
	var failed bool
	cmd := a.reader("list", listHelp, func([]string) error { return a.doList(failed, time.Now()) })
	cmd.Flags().BoolVar(&failed, "failed", false, "")
	return takes(cmd, 0, 0, "")
}

func (a *app) doList(failed bool, now time.Time) error {
	_, state, err := a.state()
	if err != nil {
		return err
	}
	if failed {
		maps.DeleteFunc(state.Jobs, func(_ string, j *statefile.Job) bool { return !unwell(j) })
	}
	if a.json {
		return a.printJSON(state.Jobs)
	}
	writeList(a.out, paletteFor(a.out), state, now)
	a.warnDead(&state.Daemon)
	a.warnUnloaded(&state.Daemon)
	return nil
}

// unwell tells whether a person should look at a job.
func unwell(j *statefile.Job) bool {
	failed := j.ConsecutiveFailures > 0 && !j.Disabled // else somebody has looked
	return failed || j.CrashLoop || j.Stale || j.Unkillable || j.InternalError || j.NotifyError != nil
}

// warnDead says that what has been printed is the past.
func (a *app) warnDead(d *statefile.Daemon) {
	if !alive(d) {
		fmt.Fprintln(a.err, "jobsd: no daemon is running; this is how the last one left things")
	}
}

// names returns the names of all jobs, sorted.
func names(state *statefile.State) []string { return slices.Sorted(maps.Keys(state.Jobs)) }

func writeList(w io.Writer, p palette, state *statefile.State, now time.Time) {
	columns := []column{
		{head: "job", width: 7},
		{head: "next run", width: len("tomorrow at 12:35am")},
		{head: "last run", width: len("friday at 12:35am")},
		{head: "status", right: true},
		{head: "time"},
		{},
	}
	var rows [][]cell
	for _, name := range names(state) {
		rows = append(rows, listRow(name, state.Jobs[name], now))
	}
	writeDisabled(w, p, state, now)
	writeTable(w, p, columns, rows)
	writeErrors(w, p, state.Daemon.Reload.Errors)
}

// disabledMost is how many disabled jobs list tells the reason of.
const disabledMost = 10

// writeDisabled prints what a person has disabled.
func writeDisabled(w io.Writer, p palette, state *statefile.State, now time.Time) {
	var lines []string
	add := func(what string, by *statefile.DisabledBy) {
		if by != nil {
			lines = append(lines, fmt.Sprintf("disabled: %s, %s", what, disabledText(by, now)))
		}
	}
	add("all jobs", state.Daemon.DisabledBy)
	for _, name := range names(state) {
		add(name, state.Jobs[name].DisabledBy)
	}
	if n := len(lines) - disabledMost; n > 1 {
		lines = append(lines[:disabledMost], fmt.Sprintf("disabled: %d more jobs", n))
	}
	for _, line := range lines {
		fmt.Fprintln(w, p.paint(yellow, line))
	}
	if len(lines) > 0 {
		fmt.Fprintln(w)
	}
}

// disabledText says who disabled something, when and why: "by root, today at 4:35pm: moving house".
func disabledText(by *statefile.DisabledBy, now time.Time) string {
	return fmt.Sprintf("by %s, %s%s", person(by.Who), when(by.When.Time, now, false), prefixed(": ", by.Reason))
}

// person is how people call who the daemon knows as a number.
func person(who string) string {
	id, ok := strings.CutPrefix(who, "uid ")
	if u, err := user.LookupId(id); ok && err == nil {
		return u.Username
	}
	return who
}

// writeErrors prints what the last reload refused.
func writeErrors(w io.Writer, p palette, errs []string) {
	if len(errs) > 0 {
		fmt.Fprintln(w)
	}
	for _, e := range errs {
		fmt.Fprintln(w, p.paint(red, "refused: "+e))
	}
}

func listRow(name string, j *statefile.Job, now time.Time) []cell {
	seconds := subMinute(j)
	status, last, took := standing(j, now)
	return []cell{
		{text: name},
		{text: when(j.NextRun.Time, now, seconds)},
		{text: when(last, now, seconds)},
		status,
		{text: took},
		{notes(j, now), yellow},
	}
}

// subMinute says whether the job runs so often that its times need seconds.
func subMinute(j *statefile.Job) bool {
	if j.LastRun == nil || j.NextRun.IsZero() {
		return false
	}
	last := j.LastRun.Slot
	if last.IsZero() {
		last = j.LastRun.EndedAt
	}
	return j.NextRun.Sub(last.Time).Abs() < time.Minute
}

// standing is the status of a job's newest run, when it started and how long it took or has taken.
func standing(j *statefile.Job, now time.Time) (status cell, last time.Time, took string) {
	if r := newest(j.Running); r != nil {
		return cell{r.State, green}, r.StartedAt.Time, elapsed(r.StartedAt.Time, now)
	}
	status = cell{none, ""}
	took = none
	if r := j.LastRun; r != nil {
		status, last = cell{outcomeWord(r), outcomeInk(j)}, startOf(r)
		if !r.StartedAt.IsZero() {
			took = length(time.Duration(r.Duration))
		}
	}
	if j.CrashLoop {
		status = cell{"crash loop", red}
	}
	return status, last, took
}

// newest returns the youngest run that lives, nil if none does.
func newest(running []statefile.Running) *statefile.Running {
	for i := range slices.Backward(running) {
		if running[i].State != "pending" {
			return &running[i]
		}
	}
	return nil
}

// elapsed is how long ago t was; the clock may have been set back since.
func elapsed(t, now time.Time) string {
	if t.IsZero() {
		return none
	}
	return length(now.Sub(t))
}

// startOf is when a run started or, if it never did, when that became clear.
func startOf(r *statefile.Run) time.Time {
	if r.StartedAt.IsZero() {
		return r.EndedAt.Time
	}
	return r.StartedAt.Time
}

func outcomeWord(r *statefile.Run) string {
	switch {
	case r.Outcome == "exited" && r.ExitCode != nil:
		return strconv.Itoa(*r.ExitCode)
	case r.Outcome == "signaled" && r.Signal != nil:
		return *r.Signal
	case r.Outcome == "start_error":
		return "start error"
	}
	return r.Outcome
}

func outcomeInk(j *statefile.Job) ink {
	if j.ConsecutiveFailures > 0 {
		return red
	}
	return ""
}

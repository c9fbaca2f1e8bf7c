package cli

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"jobsd/statefile"
)

const listHelp = `jobsd list - list all jobs: next run, last run and how it ended

usage: jobsd list [--failed] [--sort next|name] [--long] [--json] [JOB...]

Lists each JOB, a name or a pattern such as "web*"; without one, all jobs.

  next run  when the job is due, and how far away that is
  status    how the last run ended: exit code, signal name, timeout, stopped,
            start error or lost; of a live run: running, stopping or draining;
            crash loop if a service keeps dying
  time      how long the run took, or has taken so far

Words after a row, or below it, show what else matters; those that are not
obvious are explained below the table. Disabled jobs are listed above the table,
with who disabled them and why. Refused files are listed below it, each with its
error.
`

// listOptions says what list shows and how.
type listOptions struct {
	failed bool
	long   bool
	sort   string
}

func (a *app) list() *cobra.Command {
	o := listOptions{sort: "name"}
	return a.verb(listHelp, a.jobs(0), func(args []string) error { return a.doList(args, o, time.Now()) },
		opt("failed", nothing, &o.failed, `list only jobs with a problem: the last run failed and nobody has disabled the job since, or the
			job is late, slow, in a crash loop, stale, unkillable or set aside, or a notification was not delivered`),
		opt("sort", kind{value: "WORD", words: []string{"name", "next"}}, &o.sort, `sort by name, which is the default, or by next: the
			soonest next run first`),
		opt("long", nothing, &o.long, "also print the schedule of each job in words"),
		a.jsonOption("print the jobs object of the state file, see jobsd-state(5)"),
		paragraph(`Times are written as usual in your locale (LC_ALL, LC_TIME, LANG), or as JOBSD_TIME says: 12h, 24h or iso.`))
}

func (a *app) doList(patterns []string, o listOptions, now time.Time) error {
	s, state, err := a.state()
	if err != nil {
		return err
	}
	if err := choose(state, patterns); err != nil {
		return err
	}
	chosen := len(state.Jobs)
	if o.failed {
		maps.DeleteFunc(state.Jobs, func(_ string, j *statefile.Job) bool { return !unwell(j) })
	}
	if a.json {
		return a.printJSON(state.Jobs)
	}
	if len(state.Jobs) == 0 {
		fmt.Fprintln(a.out, s.nothingListed(chosen))
	}
	l := listing{state, now, alive(&state.Daemon), o}
	l.write(a.out, paletteFor(a.out))
	a.tellWhose(s)
	a.warnDead(s, &state.Daemon)
	a.warnUnloaded(&state.Daemon)
	return nil
}

// choose removes from state all jobs that the words do not name. Without words it keeps all. Each word must name a job.
func choose(state *statefile.State, words []string) error {
	if len(words) == 0 {
		return nil
	}
	known := names(state)
	jobs, err := expandIn(words, func() ([]string, error) { return known, nil })
	chosen := map[string]*statefile.Job{}
	for _, name := range jobs {
		if chosen[name] = state.Jobs[name]; chosen[name] == nil {
			return noJob(name, known)
		}
	}
	state.Jobs = chosen
	return err
}

// nothingListed says why there is no job to show; chosen is the number of jobs before --failed.
func (s *site) nothingListed(chosen int) string {
	switch chosen {
	case 0:
		return s.noJobs()
	case 1:
		return "the job has no problem"
	}
	return fmt.Sprintf("none of the %d jobs has a problem", chosen)
}

// unwell reports whether a person should look at a job.
func unwell(j *statefile.Job) bool {
	failed := j.ConsecutiveFailures > 0 && !j.Disabled // somebody who disables a job knows about its failure
	return failed || j.Late || isSlow(j) || j.CrashLoop || j.Stale || j.Unkillable || j.InternalError || j.NotifyError != nil
}

// warnDead prints a warning if the output is not current because its daemon does not run.
func (a *app) warnDead(s *site, d *statefile.Daemon) {
	switch {
	case alive(d):
	case s.held():
		fmt.Fprintln(a.err, "jobsd: the daemon is starting; this is what the previous daemon last wrote")
	default:
		fmt.Fprintln(a.err, "jobsd: no daemon is running; this is what the last daemon wrote")
	}
}

// names returns the names of all jobs, sorted.
func names(state *statefile.State) []string { return slices.Sorted(maps.Keys(state.Jobs)) }

// listing prints the table of list.
type listing struct {
	state *statefile.State
	now   time.Time
	lives bool // whether the daemon runs; otherwise no next run will start
	listOptions
}

func (l *listing) write(w io.Writer, p palette) { l.writeIn(w, p, terminalWidth(w)) }

// writeIn prints for a terminal of that width; 0: there is no terminal.
func (l *listing) writeIn(w io.Writer, p palette, width int) {
	style := styleOf(os.Getenv)
	columns := []column{
		{head: "job", width: 7, shrink: true},
		{head: "next run", width: style.wide("tomorrow")},
		{width: len("in 13h")}, // how far away the next run is
		{head: "last run", width: style.wide("yesterday")},
		{head: "status", right: true},
		{head: "time"},
		{below: true},
	}
	if l.long {
		columns[len(columns)-1].head = "schedule"
	}
	var rows [][]cell
	for _, name := range l.names() {
		rows = append(rows, l.row(name))
	}
	writeDisabled(w, p, l.state, l.now)
	if len(rows) > 0 {
		writeTableIn(w, p, width, columns, rows)
	}
	writeLegend(w, p, l.state)
	writeErrors(w, p, l.state.Daemon.Reload.Errors)
}

// names returns the names of the jobs in their order. Jobs without a next run come last.
func (l *listing) names() []string {
	all := names(l.state)
	if l.sort == "next" {
		slices.SortStableFunc(all, func(a, b string) int {
			x, y := l.state.Jobs[a].NextRun, l.state.Jobs[b].NextRun
			if x.IsZero() || y.IsZero() {
				return y.Time().Compare(x.Time())
			}
			return x.Time().Compare(y.Time())
		})
	}
	return all
}

// disabledMost is the number of disabled jobs that list describes one by one.
const disabledMost = 10

// writeDisabled prints which jobs people have disabled.
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
	until := ""
	if !by.Until.IsZero() {
		until = ", until " + when(by.Until.Time(), now, false)
	}
	return fmt.Sprintf("by %s, %s%s%s", by.Who, when(by.When.Time(), now, false), until, prefixed(": ", by.Reason))
}

// writeErrors prints the files that the last reload refused.
func writeErrors(w io.Writer, p palette, errs []string) {
	if len(errs) > 0 {
		fmt.Fprintln(w)
	}
	for _, e := range errs {
		fmt.Fprintln(w, p.paint(red, "refused: "+e))
	}
}

func (l *listing) row(name string) []cell {
	j := l.state.Jobs[name]
	seconds := subMinute(j)
	status, last, took := standing(j, l.now)
	away := ""
	if l.lives {
		away = left(j.NextRun.Time(), l.now)
	}
	about := cell{notes(j, l.now), yellow}
	if l.long {
		about.text = joined(inStyle(j.Schedule), about.text)
	}
	return []cell{
		{text: name},
		{text: when(j.NextRun.Time(), l.now, seconds)},
		{text: away},
		{text: when(last, l.now, seconds)},
		status,
		{text: took},
		about,
	}
}

// subMinute reports whether the job runs so often that its times need seconds.
func subMinute(j *statefile.Job) bool {
	if j.LastRun == nil || j.NextRun.IsZero() {
		return false
	}
	last := j.LastRun.Slot
	if last.IsZero() {
		last = j.LastRun.EndedAt
	}
	return j.NextRun.Time().Sub(last.Time()).Abs() < time.Minute
}

// standing returns the status of a job's newest run, when it started and how long it took or has taken so far.
func standing(j *statefile.Job, now time.Time) (status cell, last time.Time, took string) {
	if r := newest(j.Running); r != nil {
		return cell{string(r.State), green}, r.StartedAt.Time(), elapsed(r.StartedAt.Time(), now)
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

// newest returns the newest live run, nil if there is none.
func newest(running []statefile.Running) *statefile.Running {
	for i := range slices.Backward(running) {
		if running[i].State != statefile.RunPending {
			return &running[i]
		}
	}
	return nil
}

// elapsed is how long ago t was, "-" for the zero time. It is 0 if the clock was set back since.
func elapsed(t, now time.Time) string {
	if t.IsZero() {
		return none
	}
	return length(now.Sub(t))
}

// startOf is when a run started or, if it never started, when it ended.
func startOf(r *statefile.Run) time.Time {
	if r.StartedAt.IsZero() {
		return r.EndedAt.Time()
	}
	return r.StartedAt.Time()
}

func outcomeWord(r *statefile.Run) string {
	switch {
	case r.Outcome == statefile.OutcomeExited && r.ExitCode != nil:
		return strconv.Itoa(*r.ExitCode)
	case r.Outcome == statefile.OutcomeSignaled && r.Signal != nil:
		return *r.Signal
	case r.Outcome == statefile.OutcomeStartError:
		return "start error"
	}
	return string(r.Outcome)
}

func outcomeInk(j *statefile.Job) ink {
	if j.ConsecutiveFailures > 0 {
		return red
	}
	return ""
}

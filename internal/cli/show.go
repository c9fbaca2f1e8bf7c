package cli

import (
	"cmp"
	"fmt"
	"io"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/internal/machine"
	"jobsd/internal/plain"
	"jobsd/statefile"
)

const showHelp = `jobsd show - show everything about a job

usage: jobsd show [--json] JOB...

Prints what the job file says, if you may read it: the schedule in words,
command, user, directory, limits and notifications, and only the names of
variables. Then prints the state of the job, its next five runs, its current
runs, and how its last ten runs ended.

A JOB may be a pattern such as 'web-*'.
`

func (a *app) show() *cobra.Command {
	return a.verb(showHelp, a.jobs(1), func(args []string) error { return a.doShow(args, time.Now()) },
		a.jsonOption(`print the job's object of the state file, see jobsd-state(5), with "name"; for several jobs or a pattern, an array
			of these`))
}

// namedJob is a job as show prints it with --json.
type namedJob struct {
	Name string `json:"name"`
	*statefile.Job
}

func (a *app) doShow(words []string, now time.Time) error {
	s, state, err := a.state()
	if err != nil {
		return err
	}
	if err := choose(state, words); err != nil {
		return err
	}
	if a.json {
		var all []namedJob
		for _, name := range names(state) {
			all = append(all, namedJob{name, state.Jobs[name]})
		}
		if len(words) == 1 && !isPattern(words[0]) {
			return a.printJSON(all[0])
		}
		return a.printJSON(all)
	}
	for i, name := range names(state) {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		s.portrait(name, state.Jobs[name], alive(&state.Daemon), now).write(a.out, paletteFor(a.out), terminalWidth(a.out))
	}
	a.warnDead(s, &state.Daemon)
	a.warnUnloaded(&state.Daemon)
	return nil
}

const (
	nextShown     = 5  // future runs
	outcomesShown = 10 // runs that ended, and slots that were missed or skipped
)

// portrait has everything that show prints about a job.
type portrait struct {
	name     string
	job      *statefile.Job
	lives    bool // whether the daemon runs
	now      time.Time
	def      *jobfile.Definition // from its file; nil if it cannot be read
	owner    user.User           // the user of the daemon
	noDef    string              // why def is nil
	then     []statefile.Time    // the runs after the next one
	outcomes []event
	noEvents string // why outcomes cannot be read
}

func (s *site) portrait(name string, j *statefile.Job, lives bool, now time.Time) *portrait {
	v := &portrait{name: name, job: j, lives: lives, now: now}
	v.def, v.noDef = s.definition(name, j)
	uid := strconv.Itoa(s.daemonUser())
	v.owner = user.User{Username: "uid " + uid}
	if u, err := user.LookupId(uid); err == nil {
		v.owner = *u
	}
	if v.def != nil && !j.NextRun.IsZero() {
		w := window{from: j.NextRun.Time, number: nextShown - 1}
		v.then = s.foresight(w, false).preview(v.def).Next
	}
	var err error
	if v.outcomes, err = s.events(name); err != nil {
		v.noEvents = err.Error()
	}
	if n := len(v.outcomes) - outcomesShown; n > 0 {
		v.outcomes = v.outcomes[n:]
	}
	return v
}

// keyWidth is the width of the column with the names of facts.
const keyWidth = 13

// write prints a line for each fact about the job, for a terminal of that width; 0: there is no terminal.
func (v *portrait) write(w io.Writer, p palette, width int) {
	for _, f := range v.facts() {
		key := f.key + ":"
		for _, line := range fitted(f.text, width-keyWidth-1) {
			fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("%-*s %s", keyWidth, key, p.paint(f.ink, line)), " "))
			key = ""
		}
	}
	switch {
	case v.noEvents != "":
		fmt.Fprintf(w, "\nits last runs cannot be shown: %s\n", v.noEvents)
	case len(v.outcomes) > 0:
		fmt.Fprintln(w)
		writeHistory(w, p, v.outcomes, v.now)
	}
}

// fitted returns the lines of a text, and breaks lines that are longer than width if width is above 0. A line that fits
// keeps its blanks, because they may matter in a script. Control characters become visible.
func fitted(text string, width int) (lines []string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		line = visibly(line)
		if width > 0 && utf8.RuneCountInString(line) > width {
			lines = append(lines, plain.Wrap(line, width)...)
		} else {
			lines = append(lines, line)
		}
	}
	return lines
}

// visibly writes control characters like Go, and a tab as blanks.
func visibly(text string) string { return plain.Line(strings.ReplaceAll(text, "\t", "    ")) }

func (v *portrait) facts() (facts []fact) {
	j := v.job
	add := func(key string, i ink, format string, args ...any) {
		facts = append(facts, fact{key, fmt.Sprintf(format, args...), i})
	}
	if facts = []fact{{key: "job", text: v.name}}; j.Description != "" {
		add("description", "", "%s", j.Description)
	}
	if j.Schedule != "" {
		add("schedule", "", "%s", inStyle(j.Schedule))
	}
	if v.def != nil {
		facts = append(facts, definedFacts(v.def, &v.owner)...)
	} else {
		add("definition", yellow, "%s", v.noDef)
	}
	add("file", "", "%s", cmp.Or(j.File, none)+sealed(j.File))
	add("state", "", "%s", stateText(j.State))
	if n := notes(j, v.now); n != "" {
		add("notes", yellow, "%s", n)
	}
	for _, l := range legend {
		switch {
		case !l.is(j):
		case l.more != nil:
			add(l.word, red, "%s", l.means+prefixed(": ", l.more(j)))
		default:
			add(l.word, yellow, "%s", l.means)
		}
	}
	if d := j.DisabledBy; d != nil {
		add("disabled", "", "%s", disabledText(d, v.now))
	}
	if j.Error != nil && !j.InternalError {
		add("error", red, "%s", *j.Error)
	}
	return append(append(facts, v.upcoming()...), v.past()...)
}

// upcoming returns the facts about future and current runs.
func (v *portrait) upcoming() (facts []fact) {
	j := v.job
	next := exactly(j.NextRun, v.now)
	if away := left(j.NextRun.Time, v.now); v.lives && away != "" {
		next += ", " + away
	}
	facts = append(facts, fact{key: "next run", text: next})
	var then []string
	for _, t := range v.then {
		then = append(then, when(t.Time, v.now, t.Second() != 0))
	}
	if then != nil {
		facts = append(facts, fact{key: "then", text: strings.Join(then, ", ")})
	}
	if !j.NextTry.IsZero() {
		facts = append(facts, fact{key: "next try", text: exactly(j.NextTry, v.now)})
	}
	for _, l := range j.DelayedStarts {
		facts = append(facts, fact{key: "delayed",
			text: fmt.Sprintf("run %d starts %s, requested by %s", l.Run, exactly(l.Due, v.now), l.By)})
	}
	for _, r := range j.Running {
		facts = append(facts, fact{"running", runningText(r, v.now), green})
	}
	return facts
}

// past returns the facts about runs that ended.
func (v *portrait) past() (facts []fact) {
	j := v.job
	if r := j.LastRun; r != nil {
		memory := ""
		if r.MaxRSS > 0 { // 0 means that it is not known
			memory = ", memory " + size(r.MaxRSS)
		}
		facts = append(facts, fact{"last run", runText(r, v.now), outcomeInk(j)}, fact{key: "resources",
			text: fmt.Sprintf("user %s, system %s%s", length(time.Duration(r.UserCPU)), length(time.Duration(r.SystemCPU)), memory)})
	}
	facts = append(facts, fact{key: "last success", text: exactly(j.LastSuccess, v.now)}, fact{key: "so far", text: totals(j)})
	if v.noEvents == "" {
		return facts // the table of the last runs follows
	}
	for _, d := range j.Deaths {
		facts = append(facts, fact{key: "died",
			text: fmt.Sprintf("%s: %s after %s", exactly(d.At, v.now), deathWord(d), length(time.Duration(d.RanFor)))})
	}
	return facts
}

// stateText returns the word of the state file with its meaning.
func stateText(state string) string {
	means := map[string]string{
		"waiting":      "no next run is planned",
		"needs_arm":    "its next run is being computed",
		"armed":        "it starts by itself at its next run",
		"running":      "a run has not ended",
		"needs_delete": "the job was removed; it disappears when its run ends",
	}[state]
	return state + prefixed(": ", means)
}

func runningText(r statefile.Running, now time.Time) string {
	words := []string{fmt.Sprintf("run %d %s", r.Run, r.State)}
	if r.Why != nil {
		words[0] += ": " + string(*r.Why)
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
func cause(reason statefile.Reason, attempt int) string {
	if attempt > 1 {
		return fmt.Sprintf("%s, attempt %d", reason, attempt)
	}
	return string(reason)
}

// ending returns in a few words how a run ended.
func ending(r *statefile.Run) string {
	after := " after " + length(time.Duration(r.Duration))
	switch r.Outcome {
	case statefile.OutcomeExited:
		return "exited " + outcomeWord(r) + after
	case statefile.OutcomeSignaled:
		if r.Core {
			after += " (core dumped)"
		}
		return "signal " + outcomeWord(r) + after
	case statefile.OutcomeStopped:
		return "stopped" + prefixed(" by ", text(r.By)) + after
	case statefile.OutcomeStartError:
		if e := r.StartError; e != nil {
			return e.Text
		}
	case statefile.OutcomeLost:
		return "lost" + prefixed(", last known: ", text(r.LostStage))
	}
	return string(r.Outcome) + after
}

func totals(j *statefile.Job) string {
	return fmt.Sprintf("%s, %s (%d in a row), %d skipped, %d missed", count(int(j.Runs), "run"),
		count(int(j.Failures), "failure"), j.ConsecutiveFailures, j.Skipped, j.Missed)
}

func deathWord(d statefile.Death) string {
	return outcomeWord(&statefile.Run{Outcome: d.Outcome, ExitCode: d.ExitCode, Signal: d.Signal})
}

// prefixed returns prefix and s, or "" if s is empty.
func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

// size writes a number of bytes with the largest decimal unit in which it is at least 1.
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

// sealed returns a note if a job file is trusted only because of its read-only mount.
func sealed(file string) string {
	if filepath.IsAbs(file) && machine.Sealed(file) {
		return " (trusted because its mount is read-only)"
	}
	return ""
}

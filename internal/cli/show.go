package cli

import (
	"cmp"
	"fmt"
	"io"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/internal/machine"
	"jobsd/statefile"
)

const showHelp = `jobsd show - show everything about a job

usage: jobsd show [--json] JOB...

Prints what the job file says, if you may read it: the schedule in words,
command, user, directory, limits and notifications, and only the names of
variables. Then prints the state of the job, the notifications that are not
delivered yet, its next five runs, its current runs, and how its last ten runs
ended.

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
	unsentShown   = 5  // notifications that are not delivered yet
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
	targets  map[string]*jobfile.Target
	then     []statefile.Time // the runs after the next one
	outcomes []event
	noEvents string                   // why outcomes cannot be read
	unsent   []statefile.Notification // not delivered yet, the oldest first
}

func (s *site) portrait(name string, j *statefile.Job, lives bool, now time.Time) *portrait {
	v := &portrait{name: name, job: j, lives: lives, now: now}
	v.def, v.noDef = s.definition(name, j)
	if s.config != nil {
		v.targets = s.config.Targets
	}
	uid := strconv.Itoa(s.daemonUser())
	v.owner = user.User{Username: "uid " + uid}
	if u, err := user.LookupId(uid); err == nil {
		v.owner = *u
	}
	if v.def != nil && !j.NextRun.IsZero() {
		w := window{from: j.NextRun.Time(), number: nextShown - 1}
		v.then = s.foresight(w, false).preview(v.def).Next
	}
	var err error
	if v.outcomes, err = s.events(name); err != nil {
		v.noEvents = err.Error()
	}
	if all, err := statefile.ReadFacts(s.State); err == nil { // an error is that of the events
		for _, o := range all.Notifications {
			if o.Job == name {
				v.unsent = append(v.unsent, o)
			}
		}
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
	v.facts().write(w, p, keyWidth, width)
	switch {
	case v.noEvents != "":
		fmt.Fprintf(w, "\nits last runs cannot be shown: %s\n", v.noEvents)
	case len(v.outcomes) > 0:
		fmt.Fprintln(w)
		writeHistory(w, p, v.outcomes, v.now)
	}
}

func (v *portrait) facts() (f facts) {
	j := v.job
	if f.add("job", "", "%s", v.name); j.Description != "" {
		f.add("description", "", "%s", j.Description)
	}
	if j.Schedule != "" {
		f.add("schedule", "", "%s", inStyle(j.Schedule))
	}
	if v.def != nil {
		f.addDefined(v.def, &v.owner, v.targets)
	} else {
		f.add("definition", yellow, "%s", v.noDef)
	}
	f.add("file", "", "%s", cmp.Or(j.File, none)+sealed(j.File))
	f.add("state", "", "%s", stateText(j.State))
	if n := noteWords(j, v.now); n != nil {
		f.add("notes", yellow, "%s", n)
	}
	for _, l := range legend {
		switch {
		case !l.is(j):
		case l.more != nil:
			f.add(l.word, red, "%s", l.means+prefixed(": ", l.more(j)))
		default:
			f.add(l.word, yellow, "%s", l.means)
		}
	}
	f.addUnsent(v.unsent, v.now)
	if d := j.DisabledBy; d != nil {
		f.add("disabled", "", "%s", disabledText(d, v.now))
	}
	if j.Error != nil && !j.InternalError {
		f.add("error", red, "%s", *j.Error)
	}
	f.addUpcoming(v)
	f.addPast(v)
	return f
}

// addUpcoming adds the facts about future and current runs.
func (f *facts) addUpcoming(v *portrait) {
	j := v.job
	next := exactly(j.NextRun, v.now)
	if away := left(j.NextRun.Time(), v.now); v.lives && away != "" {
		next += ", " + away
	}
	f.add("next run", "", "%s", next)
	var then phrases
	for _, t := range v.then {
		then.add(true, "%s", when(t.Time(), v.now, t.Time().Second() != 0))
	}
	if then != nil {
		f.add("then", "", "%s", then)
	}
	if !j.NextTry.IsZero() {
		f.add("next try", "", "%s", exactly(j.NextTry, v.now))
	}
	for _, l := range j.DelayedStarts {
		f.add("delayed", "", "run %d starts %s, requested by %s", l.Run, exactly(l.Due, v.now), l.By)
	}
	for _, r := range j.Running {
		f.add("running", green, "%s", runningText(r, v.now))
	}
}

// addPast adds the facts about runs that ended.
func (f *facts) addPast(v *portrait) {
	j := v.job
	if r := j.LastRun; r != nil {
		memory := ""
		if r.MaxRSS > 0 { // 0 means that it is not known
			memory = ", memory " + size(r.MaxRSS)
		}
		f.add("last run", outcomeInk(j), "run %d, %s, %s: %s", r.Run, exactly(statefile.At(startOf(r)), v.now),
			cause(r.Reason, r.Attempt), ending(r))
		f.add("resources", "", "user %s, system %s%s", length(time.Duration(r.UserCPU)), length(time.Duration(r.SystemCPU)), memory)
	}
	f.add("last success", "", "%s", exactly(j.LastSuccess, v.now))
	f.add("so far", "", "%s, %s (%d in a row), %d skipped, %d missed", count(int(j.Runs), "run"), count(int(j.Failures), "failure"),
		j.ConsecutiveFailures, j.Skipped, j.Missed)
	if v.noEvents == "" {
		return // the table of the last runs follows
	}
	for _, d := range j.Deaths {
		how := outcomeWord(&statefile.Run{Outcome: d.Outcome, ExitCode: d.ExitCode, Signal: d.Signal})
		f.add("died", "", "%s: %s after %s", exactly(d.At, v.now), how, length(time.Duration(d.RanFor)))
	}
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
	p := phrases{fmt.Sprintf("run %d %s", r.Run, r.State) + prefixed(": ", string(text(r.Why)))}
	if r.PID != nil {
		p.add(true, "pid %d", *r.PID)
	}
	p.add(!r.StartedAt.IsZero(), "since %s, %s ago", exactly(r.StartedAt, now), elapsed(r.StartedAt.Time(), now))
	p.add(true, "%s", cause(r.Reason, r.Attempt))
	p.add(r.Adopted, "adopted")
	p.add(r.OldDefinition, "old definition")
	p.add(r.Error != nil, "%s", text(r.Error))
	return p.String()
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
		return "lost" + prefixed(", last known: ", string(text(r.LostStage)))
	}
	return string(r.Outcome) + after
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

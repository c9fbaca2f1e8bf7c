package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/plain"
	"jobsd/statefile"
)

const statusHelp = `jobsd status - show how the daemon is doing

usage: jobsd status [--brief | --json]

Prints how long the daemon has run, how many jobs it has and which is due next,
when it read the job files and what it refused, how often it sends a heartbeat,
how often a daemon crashed, and what is wrong now.

Exits with a code for monitoring: 0 if all is well, 5 if no daemon runs, 1 if
anything else is wrong: the daemon is degraded, a job file is refused, or
"jobsd list --failed" shows a job.
`

func (a *app) status() *cobra.Command {
	var brief bool
	return a.verb(statusHelp, arguments{}, a.here(func(s *site, _ []string) error { return a.doStatus(s, brief, time.Now()) }),
		opt("brief", nothing, &brief, "print one line"),
		a.jsonOption(`print the daemon object of the state file, see jobsd-state(5), with "alive": whether that daemon runs, "well":
			whether nothing is wrong, "next": {"job", "at"} or null, "failed": the names of jobs with a problem, and
			"files_changed": whether job files changed since the last reload. If no daemon has ever run, only "alive" and "well"`))
}

func (a *app) doStatus(s *site, brief bool, now time.Time) error {
	if brief && a.json {
		return usage("jobsd help status", "status: --brief cannot be combined with --json")
	}
	state, err := s.newest()
	if codeOf(err) == exitNoDaemon {
		return a.neverRan(err)
	}
	if err != nil {
		return err
	}
	r := health(state, alive(&state.Daemon), now)
	switch {
	case a.json:
		err = a.printJSON(r)
	case brief:
		fmt.Fprintln(a.out, r.brief(state, now))
	default:
		writeStatus(a.out, paletteFor(a.out), terminalWidth(a.out), state, r, s, now)
	}
	if err == nil && !r.Alive {
		return &failure{code: exitNoDaemon}
	}
	return orUnwell(err, !r.Well)
}

// statusResult is the JSON of status.
type statusResult struct {
	Alive  bool     `json:"alive"`
	Well   bool     `json:"well"`
	Next   *nextDue `json:"next"`
	Failed []string `json:"failed"`

	FilesChanged bool `json:"files_changed"`
	*statefile.Daemon
}

type nextDue struct {
	Job string         `json:"job"`
	At  statefile.Time `json:"at"`
}

// health finds what is wrong in the state file.
func health(state *statefile.State, lives bool, now time.Time) statusResult {
	d := &state.Daemon
	r := statusResult{Alive: lives, Failed: []string{}, FilesChanged: unloaded(d), Daemon: d}
	if r.Alive { // the file has the uptime of its last change
		d.Uptime = max(d.Uptime, statefile.Seconds(now.Sub(d.StartedAt.Time())))
	}
	for _, name := range names(state) {
		j := state.Jobs[name]
		if unwell(j) {
			r.Failed = append(r.Failed, name)
		}
		if lives && !j.NextRun.IsZero() && (r.Next == nil || j.NextRun.Time().Before(r.Next.At.Time())) {
			r.Next = &nextDue{name, j.NextRun}
		}
	}
	r.Well = r.Alive && len(d.Degraded)+len(d.Reload.Errors)+len(r.Failed) == 0
	return r
}

// neverRan is the status if there is no state file.
func (a *app) neverRan(err error) error {
	if !a.json {
		return err
	}
	return cmp.Or(a.printJSON(map[string]bool{"alive": false, "well": false}), error(&failure{code: exitNoDaemon}))
}

// brief returns the status in one line: everything that is wrong, the worst first.
func (r *statusResult) brief(state *statefile.State, now time.Time) string {
	d := r.Daemon
	if !r.Alive {
		return fmt.Sprintf("no daemon is running; the last one had pid %d", d.PID)
	}
	var wrong phrases
	wrong.add(len(d.Degraded) > 0, "degraded: %s", strings.Join(d.Degraded, "; "))
	wrong.add(len(r.Failed) > 0, "%s with a problem: %s", count(len(r.Failed), "job"), someOf(r.Failed, failedMost-1))
	wrong.add(len(d.Reload.Errors) > 0, "refused: %s", someOf(d.Reload.Errors, 1))
	if wrong != nil {
		return plain.Line(strings.Join(wrong, "; "))
	}
	text := "well: " + count(len(state.Jobs), "job")
	if r.Next != nil {
		text += fmt.Sprintf(", next %s %s", r.Next.Job, when(r.Next.At.Time(), now, false))
	}
	return text
}

// someOf joins the first words and says how many more there are, if there is more than one more.
func someOf(words []string, most int) string {
	more := len(words) - most
	if more < 2 {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), more)
}

// failedMost is the number of jobs with problems that status names.
const failedMost = 10

// statusKeyWidth is the width of the column with the names of facts.
const statusKeyWidth = 10

// writeStatus prints a line for each fact, for a terminal of that width; 0: there is no terminal.
func writeStatus(w io.Writer, p palette, width int, state *statefile.State, r statusResult, s *site, now time.Time) {
	var f facts
	d := r.Daemon
	if r.Alive {
		f.add("daemon", green, "running, pid %d, since %s", d.PID, exactly(d.StartedAt, now))
		f.add("uptime", "", "%s", length(time.Duration(d.Uptime)))
	} else {
		f.add("daemon", red, "is not running; the last one had pid %d", d.PID)
	}
	f.add("version", "", "%s", d.Version)
	f.add("machine", "", "%s", d.Machine)
	f.add("state", "", "%s", s.State)
	if text := runDirText(d.RunDir); text != "" {
		f.add("run_dir", "", "%s", text)
	}
	f.add("jobs", "", "%s", jobTotals(state))
	if r.Next != nil {
		f.add("next", "", "%s, %s", r.Next.Job, exactly(r.Next.At, now))
	}
	f.add("reloaded", "", "%s", exactly(d.Reload.At, now))
	if r.FilesChanged {
		f.add("changed", yellow, "%s", unloadedText)
	}
	if b := s.config.Heartbeat; b != nil {
		f.add("heartbeat", "", "every %s", span(b.Every))
	}
	if d.UncleanRestarts > 0 {
		f.add("crashes", yellow, "%s", count(int(d.UncleanRestarts), "unclean restart"))
	}
	if by := d.DisabledBy; by != nil {
		f.add("disabled", yellow, "all jobs, %s", disabledText(by, now))
	}
	if d.DroppedLines > 0 {
		f.add("dropped", yellow, "%s of output that standard output did not take", count(int(d.DroppedLines), "line"))
	}
	for _, what := range d.Degraded {
		f.add("degraded", red, "%s", what)
	}
	for _, e := range d.Reload.Errors {
		f.add("refused", red, "%s", e)
	}
	for i, name := range r.Failed {
		if more := len(r.Failed) - i; i == failedMost && more > 1 {
			f.add("failed", red, "%d more jobs", more)
			break
		}
		f.add("failed", red, "%s", failedText(name, state.Jobs[name], now))
	}
	f.write(w, p, statusKeyWidth, width)
}

// failedText says in one line what is wrong with a job.
func failedText(name string, j *statefile.Job, now time.Time) string {
	line, words := name, noteWords(j, now)
	if r := j.LastRun; r != nil && j.ConsecutiveFailures > 0 {
		how, said := ending(r), startError(r)
		if r.Outcome == statefile.OutcomeStopped { // a person stopped it, so this run is no failure
			said = failures(j)
			how = said + ", then stopped" + prefixed(" by ", text(r.By))
		}
		line += fmt.Sprintf(": %s, %s", how, when(r.EndedAt.Time(), now, false))
		words = slices.DeleteFunc(words, func(w string) bool { return w == said })
	}
	return line + inParentheses(strings.Join(words, ", "))
}

// jobTotals counts the jobs, and those in a special state: "12 (2 running, 1 failing, 1 stale)".
func jobTotals(state *statefile.State) string {
	var p phrases
	add := func(what string, is func(*statefile.Job) bool) {
		n := 0
		for _, j := range state.Jobs {
			if is(j) {
				n++
			}
		}
		p.add(n > 0, "%d %s", n, what)
	}
	add("running", func(j *statefile.Job) bool { return newest(j.Running) != nil })
	add("failing", func(j *statefile.Job) bool { return j.ConsecutiveFailures > 0 })
	add("late", func(j *statefile.Job) bool { return j.Late })
	add("slow", isSlow)
	add("in a crash loop", func(j *statefile.Job) bool { return j.CrashLoop })
	add("stale", func(j *statefile.Job) bool { return j.Stale })
	add("disabled", func(j *statefile.Job) bool { return j.Disabled })
	add("elsewhere", func(j *statefile.Job) bool { return j.Elsewhere })
	return fmt.Sprint(len(state.Jobs)) + inParentheses(p.String())
}

package cli

import (
	"fmt"
	"io"

	"jobsd/statefile"
)

// legend explains the words that stand beside jobs and that are not plain, in the order in which notes says them. Where
// the state file has more to say, show prints that under the same word, and the other verbs point there.
var legend = []struct {
	word, means string
	is          func(*statefile.Job) bool
	more        func(*statefile.Job) string
}{
	{"stale", "its file is refused; the last good version stays in force",
		func(j *statefile.Job) bool { return j.Stale }, nil},
	{"elsewhere", "this machine is not one of its machines, so it never runs here",
		func(j *statefile.Job) bool { return j.Elsewhere }, nil},
	{"held", `somebody stopped this service; "jobsd start" starts it again`,
		func(j *statefile.Job) bool { return j.Held }, nil},
	{"unkillable", "a process of it survives even KILL",
		func(j *statefile.Job) bool { return j.Unkillable }, nil},
	{"internal error", "the daemon made a mistake over it",
		func(j *statefile.Job) bool { return j.InternalError }, func(j *statefile.Job) string { return text(j.Error) }},
	{"notify error", "a message about it was not delivered",
		func(j *statefile.Job) bool { return j.NotifyError != nil }, func(j *statefile.Job) string { return text(j.NotifyError) }},
	{"crash loop", "it keeps dying, and the daemon waits longer before each try",
		func(j *statefile.Job) bool { return j.CrashLoop }, nil},
	{"overlap", "the run before it has not ended", waitsFor("overlap"), nil},
	{"draining", "processes of the run before it have not ended", waitsFor("draining"), nil},
	{"lock", "a job with the same lock runs", waitsFor("lock"), nil},
	{"max_running", "as many jobs run as jobsd.toml allows", waitsFor("max_running"), nil},
	{"catch_up", "after a start, missed runs wait for catch_up_delay", waitsFor("catch_up"), nil},
	{"retry", "the last try failed; the next one comes after a pause", waitsFor("retry"), nil},
	{"backoff", "it died early; it starts again after a pause", waitsFor("backoff"), nil},
	{"fork", "the system could not make a process; it is tried again", waitsFor("fork"), nil},
	{"old definition", "it runs as its file said before the last reload",
		func(j *statefile.Job) bool {
			return hasRun(j, func(r *statefile.Running) bool { return r.OldDefinition })
		}, nil},
}

// waitsFor tells whether a run of the job waits for that reason.
func waitsFor(why string) func(*statefile.Job) bool {
	return func(j *statefile.Job) bool {
		return !j.CrashLoop && hasRun(j, func(r *statefile.Running) bool { return r.State == "pending" && text(r.Why) == why })
	}
}

func hasRun(j *statefile.Job, is func(*statefile.Running) bool) bool {
	for i := range j.Running {
		if is(&j.Running[i]) {
			return true
		}
	}
	return false
}

// writeLegend explains below a table the words in it.
func writeLegend(w io.Writer, p palette, state *statefile.State) {
	first := true
	for _, l := range legend {
		for _, j := range state.Jobs {
			if !l.is(j) {
				continue
			}
			if first {
				fmt.Fprintln(w)
			}
			first = false
			line := l.word + ": " + l.means
			if l.more != nil {
				line += `; see "jobsd show"`
			}
			fmt.Fprintln(w, p.paint(faint, line))
			break
		}
	}
}

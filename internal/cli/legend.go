package cli

import (
	"fmt"
	"io"

	"jobsd/statefile"
)

// legend explains the words in the notes of jobs that are not obvious, in the order of the notes. If the state file has
// details, show prints them under the same word, and the other verbs refer to show.
var legend = []struct {
	word, means string
	is          func(*statefile.Job) bool
	more        func(*statefile.Job) string
}{
	{"stale", "its file is refused; the daemon uses the last good version",
		func(j *statefile.Job) bool { return j.Stale }, nil},
	{"elsewhere", "its machines do not include this machine, so it never runs here",
		func(j *statefile.Job) bool { return j.Elsewhere }, nil},
	{"held", `somebody stopped this service; "jobsd start" starts it again`,
		func(j *statefile.Job) bool { return j.Held }, nil},
	{"unkillable", "one of its processes survives even KILL",
		func(j *statefile.Job) bool { return j.Unkillable }, nil},
	{"internal error", "the daemon hit a bug and set the job aside",
		func(j *statefile.Job) bool { return j.InternalError }, func(j *statefile.Job) string { return text(j.Error) }},
	{"notify error", "a notification about it was not delivered",
		func(j *statefile.Job) bool { return j.NotifyError != nil }, func(j *statefile.Job) string { return text(j.NotifyError) }},
	{"crash loop", "it keeps dying; the daemon waits longer before each restart",
		func(j *statefile.Job) bool { return j.CrashLoop }, nil},
	{"overlap", "the previous run has not ended", waitsFor(statefile.WhyOverlap), nil},
	{"draining", "processes of the previous run have not ended", waitsFor(statefile.WhyDraining), nil},
	{"lock", "another job with the same lock is running", waitsFor(statefile.WhyLock), nil},
	{"max_running", "as many jobs are running as jobsd.toml allows", waitsFor(statefile.WhyMaxRunning), nil},
	{"catch_up", "after the daemon starts, catch-up runs wait for catch_up_delay", waitsFor(statefile.WhyCatchUp), nil},
	{"retry", "the last attempt failed; the next one follows after a pause", waitsFor(statefile.WhyRetry), nil},
	{"backoff", "it died early; it is restarted after a pause", waitsFor(statefile.WhyBackoff), nil},
	{"fork", "the system could not create a process; the daemon tries again", waitsFor(statefile.WhyFork), nil},
	{"old definition", "it runs with the definition from before the last reload",
		func(j *statefile.Job) bool {
			return hasRun(j, func(r *statefile.Running) bool { return r.OldDefinition })
		}, nil},
}

// waitsFor reports whether a run of the job is pending for that reason.
func waitsFor(why statefile.Why) func(*statefile.Job) bool {
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

// writeLegend prints, below a table, what its words mean.
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

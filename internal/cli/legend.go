package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"jobsd/statefile"
)

// meaning explains a word in the notes of a job.
type meaning struct {
	word, means string
	is          func(*statefile.Job) bool
	more        func(*statefile.Job) string // details of the state file; nil: none
	awaited     string                      // what a pending run waits for
}

// legend explains the words in the notes of jobs that are not obvious, in the order of the notes. show prints the details
// under the same word, and the other verbs refer to show.
var legend = []meaning{
	{word: "stale", means: "its file is refused; the daemon uses the last good version",
		is: func(j *statefile.Job) bool { return j.Stale }},
	{word: "elsewhere", means: "its machines do not include this machine, so it never runs here",
		is: func(j *statefile.Job) bool { return j.Elsewhere }},
	{word: "held", means: `somebody stopped this service; "jobsd start" starts it again`,
		is: func(j *statefile.Job) bool { return j.Held }},
	{word: "late", means: "it has had no success for longer than success_within allows",
		is: func(j *statefile.Job) bool { return j.Late }},
	{word: "slow", means: "a run took longer than done_within allows, and no later success was in time",
		is: isSlow},
	{word: "unkillable", means: "one of its processes survives even KILL",
		is: func(j *statefile.Job) bool { return j.Unkillable }},
	{word: "internal error", means: "the daemon hit a bug and set the job aside",
		is:   func(j *statefile.Job) bool { return j.InternalError },
		more: func(j *statefile.Job) string { return text(j.Error) }},
	{word: "notify error", means: "a notification about it was not delivered",
		is:   func(j *statefile.Job) bool { return j.NotifyError != nil },
		more: func(j *statefile.Job) string { return text(j.NotifyError) }},
	{word: "crash loop", means: "it keeps dying; the daemon waits longer before each restart",
		is: func(j *statefile.Job) bool { return j.CrashLoop }},
	waitsFor(statefile.WhyOverlap, "the previous run has not ended", "the previous run"),
	waitsFor(statefile.WhyDraining, "processes of the previous run have not ended", "leftover processes of the previous run"),
	waitsFor(statefile.WhyLock, "another job with the same lock is running", "lock"),
	waitsFor(statefile.WhyMaxRunning, "as many jobs are running as jobsd.toml allows", "other jobs, because max_running is reached"),
	waitsFor(statefile.WhyCatchUp, "after the daemon starts, catch-up runs wait for catch_up_delay", "other catch-up runs"),
	waitsFor(statefile.WhyRetry, "the last attempt failed; the next one follows after a pause", "its next attempt"),
	waitsFor(statefile.WhyBackoff, "it died early; it is restarted after a pause", "its next attempt"),
	waitsFor(statefile.WhyFork, "the system could not create a process; the daemon tries again", "the system to allow another process"),
	{word: "old definition", means: "it runs with the definition from before the last reload", is: func(j *statefile.Job) bool {
		return slices.ContainsFunc(j.Running, func(r statefile.Running) bool { return r.OldDefinition })
	}},
}

// waitsFor explains why a run is pending.
func waitsFor(why statefile.Why, means, awaited string) meaning {
	return meaning{word: string(why), means: means, awaited: awaited, is: func(j *statefile.Job) bool {
		return !j.CrashLoop && slices.ContainsFunc(j.Running, func(r statefile.Running) bool {
			return r.State == statefile.RunPending && text(r.Why) == why
		})
	}}
}

// awaited says in words what a pending run waits for.
func awaited(r *statefile.Running) string {
	why := string(text(r.Why))
	if i := slices.IndexFunc(legend, func(m meaning) bool { return m.word == why }); i >= 0 {
		why = legend[i].awaited
	}
	return why + prefixed(" ", text(r.Lock))
}

// writeLegend prints, below a table, what its words mean.
func writeLegend(w io.Writer, p palette, state *statefile.State) {
	blank := "\n"
	for _, m := range legend {
		if !slices.ContainsFunc(slices.Collect(maps.Values(state.Jobs)), m.is) {
			continue
		}
		line := m.word + ": " + m.means
		if m.more != nil {
			line += `; see "jobsd show"`
		}
		fmt.Fprintln(w, blank+p.paint(faint, line))
		blank = ""
	}
}

package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"jobsd/internal/plain"
	"jobsd/statefile"
)

// notes returns the words after a job, "" if there are none.
func notes(j *statefile.Job, now time.Time) string { return noteWords(j, now).String() }

func noteWords(j *statefile.Job, now time.Time) (p phrases) {
	p.add(j.Stale, "stale")
	p.add(j.Elsewhere, "elsewhere")
	p.add(j.Disabled, "disabled")
	p.add(j.Held, "held")
	p.add(j.Late, "late")
	p.add(isSlow(j), "slow")
	p.add(j.Unkillable, "unkillable")
	p.add(j.InternalError, "internal error")
	p.add(j.Error != nil && !j.Stale, "error")
	p.add(j.NotifyError != nil, "notify error")
	p.add(j.CrashLoop, "%s", crashLoop(j, now))
	for _, r := range j.Running {
		why := string(text(r.Why))
		switch text(r.Why) {
		case statefile.WhyRetry, statefile.WhyFork:
			if !j.NextTry.IsZero() {
				why += ", next try in " + length(j.NextTry.Time().Sub(now))
			}
		case statefile.WhyLock:
			why += prefixed(" ", text(r.Lock))
		}
		p.add(r.State == statefile.RunPending && why != "" && !j.CrashLoop, "waits: %s", why)
		p.add(r.OldDefinition, "old definition")
	}
	p.add(startError(j.LastRun) != "" && j.ConsecutiveFailures > 0 && !j.CrashLoop, "%s", startError(j.LastRun))
	p.add(len(j.DelayedStarts) > 0, "%s", nextLater(j.DelayedStarts, now))
	p.add(j.ConsecutiveFailures > 1 && !j.CrashLoop, "%s", failures(j))
	p.add(j.Skipped > 0, "skipped %d", j.Skipped)
	switch {
	case j.LastRun != nil && j.LastRun.Missed > 0:
		p.add(true, "missed %d, ran 1", j.LastRun.Missed)
	case j.Missed > 0:
		p.add(true, "missed %d", j.Missed)
	}
	return p
}

// isSlow reports whether a run of the job took too long and nobody has disabled the job since. A disabled job is never
// late, but it cannot prove that it is fast again.
func isSlow(j *statefile.Job) bool { return j.Slow && !j.Disabled }

// failures returns how often the job has failed in a row, in words.
func failures(j *statefile.Job) string {
	if j.ConsecutiveFailures == 1 {
		return "failed once"
	}
	return fmt.Sprintf("failed %d times", j.ConsecutiveFailures)
}

// startError returns in short why a run could not start. "jobsd show" has the details, such as the PATH.
func startError(r *statefile.Run) string {
	if r == nil || r.StartError == nil {
		return ""
	}
	words, _, _ := strings.Cut(r.StartError.Text, " (")
	return plain.Cut(words, 80)
}

// nextLater says when the first delayed start is due, and how many more there are.
func nextLater(list []statefile.DelayedStart, now time.Time) string {
	if len(list) == 0 {
		return ""
	}
	first := slices.MinFunc(list, func(a, b statefile.DelayedStart) int { return a.Due.Time().Compare(b.Due.Time()) })
	text := fmt.Sprintf("run %d starts %s", first.Run, when(first.Due.Time(), now, false))
	if more := len(list) - 1; more > 0 {
		text += fmt.Sprintf(", and %d more delayed starts", more)
	}
	return text
}

// crashLoop describes a service that keeps dying: "crash loop: 12 restarts in 1 h, next try in 4m00s".
func crashLoop(j *statefile.Job, now time.Time) string {
	n := 0
	for _, d := range j.Deaths {
		if now.Sub(d.At.Time()) <= time.Hour {
			n++
		}
	}
	least := ""
	if n == len(j.Deaths) && n >= 20 { // the state file keeps only 20
		least = "at least "
	}
	s := fmt.Sprintf("crash loop: %s%d restarts in 1 h", least, n)
	if !j.NextTry.IsZero() {
		s += ", next try in " + length(j.NextTry.Time().Sub(now))
	}
	return s
}

// text is what s points to, "" for nil.
func text[S ~string](s *S) S {
	if s == nil {
		return ""
	}
	return *s
}

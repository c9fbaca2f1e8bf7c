package cli

import (
	"fmt"
	"strings"

	"jobsd/statefile"
)

// notes are the words beside a job, "" if there is nothing to say.
func notes(j *statefile.Job) string {
	var words []string
	add := func(say bool, word string) {
		if say {
			words = append(words, word)
		}
	}
	add(j.Stale, "stale")
	add(j.Elsewhere, "elsewhere")
	add(j.Disabled, "disabled")
	add(j.Held, "held")
	add(j.Unkillable, "unkillable")
	add(j.InternalError, "internal error")
	add(j.Error != nil && !j.Stale, "error")
	add(j.NotifyError != nil, "notify error")
	for _, r := range j.Running {
		add(r.State == "pending" && r.Why != nil, "waits: "+text(r.Why))
		add(r.OldDefinition, "old definition")
	}
	add(j.ConsecutiveFailures > 1, fmt.Sprintf("failed %d times", j.ConsecutiveFailures))
	add(j.Skipped > 0, fmt.Sprintf("skipped %d", j.Skipped))
	switch {
	case j.LastRun != nil && j.LastRun.Missed > 0:
		add(true, fmt.Sprintf("missed %d, ran 1", j.LastRun.Missed))
	case j.Missed > 0:
		add(true, fmt.Sprintf("missed %d", j.Missed))
	}
	return strings.Join(words, ", ")
}

// text is what s points to, "" for nil.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

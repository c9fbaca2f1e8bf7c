package statefile

import (
	"slices"
	"strconv"
	"strings"
)

// Words describes the outcome of a run in a few words.
func (r *Run) Words() string {
	s := string(r.Outcome)
	switch {
	case r.StartError != nil && r.StartError.Text != "":
		return r.StartError.Text
	case r.StartError != nil:
		e := r.StartError
		return strings.Join(slices.DeleteFunc([]string{s + ":", e.Stage, e.Path, e.Errno}, func(w string) bool { return w == "" }), " ")
	case r.LostStage != nil:
		return s + " (" + string(*r.LostStage) + ")"
	case r.Outcome == OutcomeExited && r.ExitCode != nil:
		return s + " " + strconv.Itoa(*r.ExitCode)
	case r.Outcome == OutcomeSignaled && r.Signal != nil:
		return s + " " + *r.Signal
	case r.By != nil:
		s += " by " + *r.By
	}
	if r.Signal != nil {
		return s + " (" + *r.Signal + ")"
	}
	if r.ExitCode != nil {
		return s + " (exit code " + strconv.Itoa(*r.ExitCode) + ")"
	}
	return s
}

package core

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"jobsd/statefile"
)

// outcome turns the end of a leader into an outcome.
func (r *run) outcome(x Exited) statefile.Run {
	o := statefile.Run{Outcome: statefile.OutcomeExited, UserCPU: statefile.Seconds(x.User), SystemCPU: statefile.Seconds(x.Sys),
		MaxRSS: x.MaxRSS, Core: x.Core, Leftovers: x.Left}
	switch {
	case x.Unknown && r.stopBy != "":
	case x.Unknown: // it had processes, even if the pid of its leader is unknown
		o.Outcome, o.LostStage = statefile.OutcomeLost, new(statefile.LostStarted)
	case x.Signal != "":
		o.Outcome, o.Signal = statefile.OutcomeSignaled, &x.Signal
	default:
		o.ExitCode = &x.Code
	}
	r.blame(&o)
	return o
}

// lostStage returns what the journal knows of a run that is lost.
func (r *run) lostStage() *statefile.LostStage {
	if r.pid > 0 || r.forked {
		return new(statefile.LostStarted)
	}
	return new(statefile.LostIntent)
}

// blame attributes the end of a run that was stopped to the one that stopped it.
func (r *run) blame(o *statefile.Run) {
	switch r.stopBy {
	case "":
	case "timeout":
		o.Outcome = statefile.OutcomeTimeout
	case "start timeout":
		o.Outcome = statefile.OutcomeStartError
		o.StartError = &statefile.StartError{Stage: "timeout", Errno: "ETIMEDOUT", Text: "cannot start: the start timed out"}
		if r.defined() { // else the job is gone, and with it the name of its program
			o.StartError.Path = r.def.Argv[0]
			o.StartError.Text = "cannot start: the start of " + strconv.Quote(r.def.Argv[0]) + " timed out"
		}
	default:
		o.Outcome, o.StartError, o.By = statefile.OutcomeStopped, nil, new(r.stopBy)
	}
}

// failed reports whether an outcome is a failure. A requested stop is none.
func (r *run) failed(o *statefile.Run) bool {
	switch o.Outcome {
	case statefile.OutcomeStopped:
		return false
	case statefile.OutcomeExited:
		return !slices.Contains(r.def.SuccessCodes, *o.ExitCode)
	}
	return true
}

// startMarker returns the marker line that begins a run in its job's log. Its time has whole seconds, as people write
// times.
func (c *Core) startMarker(r *run) string {
	return "run " + itoa(r.number) + " started " + c.now.Wall.In(r.job.zone()).Format("2006-01-02T15:04:05Z07:00")
}

// outcomeMarker returns the marker line that ends a run in its job's log.
func outcomeMarker(r *run, o *statefile.Run) string {
	s := "run " + itoa(r.number)
	if r.pid > 0 {
		s += " pid " + strconv.Itoa(r.pid)
	}
	s += " " + words(o)
	if o.StartError != nil {
		return s
	}
	return fmt.Sprintf("%s after %.1fs", s, time.Duration(o.Duration).Seconds())
}

// words describes an outcome in a few words.
func words(o *statefile.Run) string { return o.Words() }

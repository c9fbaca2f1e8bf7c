package notify

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"
)

// command runs a command about the newest event of the message. Its text names the other events too, as no other command
// tells anybody about them. There is one attempt, because a command that failed may already have done something.
func (d *deliverer) command(ctx context.Context, m *Message) Result {
	newest := &m.Events[len(m.Events)-1]
	c := *m.Command
	c.Env = withVariables(c.Env, m.variables(newest))
	var input []byte
	if t := d.inputOf(ctx, newest); t != nil {
		input = t.text
	}
	e := d.run(ctx, m, c, input)
	r := Result{Output: string(e.printed)}
	if why := e.failure(); why != "" {
		r.Error = why
		r.Final = !e.exhausted
	}
	return r
}

// inputOf reads the output for the standard input of a command.
func (d *deliverer) inputOf(ctx context.Context, e *Event) *tail {
	reading, cancel := context.WithTimeout(ctx, d.limits.log)
	defer cancel()
	return d.tail(reading, e, maxInput)
}

// variables describes an event to a command.
func (m *Message) variables(e *Event) []string {
	env := []string{"JOBSD_EVENT=" + e.Kind, "JOBSD_EVENT_ID=" + e.ID, "JOBSD_EVENTS=" + strconv.Itoa(len(m.Events)),
		"JOBSD_HOST=" + m.host(), "JOBSD_TEXT=" + m.headlines()}
	if e.Job != "" {
		env = append(env, "JOBSD_JOB="+e.Job)
	}
	if e.RecoveredFrom != nil {
		env = append(env, "JOBSD_RECOVERED_FROM="+strings.Join(e.RecoveredFrom, " "))
	}
	r := e.Run
	if r == nil {
		return env
	}
	env = append(env, "JOBSD_RUN="+strconv.FormatUint(r.Run, 10), "JOBSD_REASON="+string(r.Reason), "JOBSD_ATTEMPT="+strconv.Itoa(r.Attempt))
	if !r.Slot.IsZero() {
		env = append(env, "JOBSD_SLOT="+r.Slot.String())
	}
	if r.Outcome == "" { // it has not ended
		return env
	}
	code, signal := "", ""
	if r.ExitCode != nil {
		code = strconv.Itoa(*r.ExitCode)
	}
	if r.Signal != nil {
		signal = *r.Signal
	}
	return append(env, "JOBSD_OUTCOME="+string(r.Outcome), "JOBSD_EXIT_CODE="+code, "JOBSD_SIGNAL="+signal,
		"JOBSD_DURATION="+strconv.FormatFloat(time.Duration(r.Duration).Seconds(), 'f', 3, 64))
}

// withVariables replaces variables. Of a name that stands there twice, programs disagree about which one counts.
func withVariables(env, with []string) []string {
	names := map[string]bool{}
	for _, pair := range with {
		name, _, _ := strings.Cut(pair, "=")
		names[name] = true
	}
	env = slices.DeleteFunc(slices.Clone(env), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return names[name]
	})
	return append(env, with...)
}

package notify

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// maxEvents is how many events of a message are shown in full.
const maxEvents = 20

// shown returns the events to show in full, and how many others there are.
func (m *Message) shown() (events []Event, more int) {
	n := min(len(m.Events), maxEvents)
	return m.Events[:n], len(m.Events) - n
}

func (m *Message) host() string { return cmp.Or(m.Host, "localhost") }

// title describes the message in one line.
func (m *Message) title() string {
	var heads []string
	for i := range m.Events[:min(len(m.Events), 3)] {
		heads = append(heads, m.Events[i].headline())
	}
	if n := len(m.Events); n > 1 {
		return fmt.Sprintf("%s: %d events: %s", m.host(), n, strings.Join(heads, "; "))
	}
	return m.host() + ": " + heads[0]
}

// headlines describes all events of the message in one line, as far as they are shown.
func (m *Message) headlines() string {
	events, more := m.shown()
	var heads []string
	for i := range events {
		heads = append(heads, events[i].headline())
	}
	if more > 0 {
		heads = append(heads, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(heads, "; ")
}

// headline describes the event in one line.
func (e *Event) headline() string {
	switch e.Kind {
	case "failure":
		return e.Job + " failed" + cmp.Or(e.how(), e.detail())
	case "recovery":
		return e.Job + " " + e.recovery() + cmp.Or(e.detail(), e.how())
	case "success":
		return e.Job + " succeeded" + e.how()
	case "start":
		return e.Job + " has started"
	case "stopped":
		return e.Job + " did not finish" + e.how()
	case "late":
		return e.Job + " is late" + e.detail()
	case "slow":
		return e.Job + " is slow" + e.detail()
	case "crash_loop":
		return e.Job + " is in a crash loop" + e.how()
	}
	return e.Text
}

// recovery says from what the job has recovered.
func (e *Event) recovery() string {
	var states, parts []string
	for _, from := range e.RecoveredFrom {
		if from == "late" || from == "slow" {
			states = append(states, from)
		}
	}
	if len(states) < len(e.RecoveredFrom) || len(states) == 0 {
		parts = append(parts, "has recovered")
	}
	if len(states) > 0 {
		parts = append(parts, "is no longer "+strings.Join(states, " or "))
	}
	return strings.Join(parts, " and ")
}

func (e *Event) detail() string {
	if e.Text == "" {
		return ""
	}
	return ": " + e.Text
}

// how describes the end of the run.
func (e *Event) how() string {
	if e.Run == nil || e.Run.Outcome == "" {
		return ""
	}
	how := ": " + e.Run.Words()
	if !e.Run.StartedAt.IsZero() {
		how += fmt.Sprintf(" after %.1fs", time.Duration(e.Run.Duration).Seconds())
	}
	return how
}

// story describes an event with what a person wants to know before looking at the machine.
func (e *Event) story(host string) string {
	var b strings.Builder
	line := func(key string, value any) { fmt.Fprintf(&b, "%-10s %v\n", key+":", value) }
	fmt.Fprintf(&b, "%s\n\n", e.headline())
	line("host", host)
	if e.Job != "" {
		line("job", e.Job)
	}
	if e.Description != "" {
		line("about", e.Description)
	}
	if r := e.Run; r != nil {
		line("run", r.Run)
		if !r.Slot.IsZero() {
			line("due", r.Slot)
		}
		if !r.StartedAt.IsZero() {
			line("started", r.StartedAt)
		}
		if !r.EndedAt.IsZero() {
			line("ended", r.EndedAt)
		}
		if r.Outcome != "" {
			line("outcome", r.Words())
		}
		if r.Attempt > 1 {
			line("attempt", r.Attempt)
		}
		if e.Kind == "failure" && e.FailuresBefore > 0 {
			line("in a row", e.FailuresBefore+1)
		}
		if r.Missed > 1 {
			line("missed", r.Missed)
		}
	}
	return b.String()
}

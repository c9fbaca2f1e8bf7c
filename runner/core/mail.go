package core

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"jobsd/internal/joblog"
	"jobsd/statefile"
)

// Mail is a mail without the output of the runs, which the disk adds.
type Mail struct {
	From    string // "": the daemon's user
	To      []string
	Subject string
	Date    time.Time
	Parts   []MailPart
}

// MailPart describes one event.
type MailPart struct {
	Text   string
	Job    string // the output of this job's run follows; "": none
	Run    uint64
	Output *joblog.Place // nil: not known
}

func (c *Core) mailOf(to []string, owed []statefile.Notification) *Mail {
	m := &Mail{From: c.loaded.config.Mail.From, To: to, Date: c.now.Wall}
	host := cmp.Or(c.o.Machine, "localhost")
	var heads []string
	for _, o := range owed {
		head := headline(&o)
		heads = append(heads, head)
		p := MailPart{Text: c.story(&o, head, host)}
		if o.Run != nil && o.Kind != "recovery" {
			p.Job, p.Run, p.Output = o.Job, o.Run.Run, o.Run.Output
		}
		m.Parts = append(m.Parts, p)
	}
	m.Subject = fmt.Sprintf("[jobsd] %s: %s", host, heads[0])
	if n := len(heads); n > 1 {
		m.Subject = fmt.Sprintf("[jobsd] %s: %d messages: %s", host, n, strings.Join(heads[:min(n, 3)], "; "))
	}
	return m
}

// headline describes the event in one line.
func headline(o *statefile.Notification) string {
	how := ""
	if o.Run != nil {
		how = ": " + words(o.Run)
		if !o.Run.StartedAt.IsZero() {
			how += " after " + ran(o.Run)
		}
	}
	switch o.Kind {
	case "failure":
		return o.Job + " failed" + how
	case "recovery":
		return o.Job + " has recovered" + how
	case "crash_loop":
		return o.Job + " is in a crash loop" + how
	}
	return o.Text
}

func ran(o *statefile.Run) string { return fmt.Sprintf("%.1fs", time.Duration(o.Duration).Seconds()) }

// story describes an event with what a person wants to know before looking at the machine.
func (c *Core) story(o *statefile.Notification, head, host string) string {
	var b strings.Builder
	line := func(key string, value any) { fmt.Fprintf(&b, "%-10s %v\n", key+":", value) }
	fmt.Fprintf(&b, "%s\n\n", head)
	line("host", host)
	if o.Job != "" {
		line("job", o.Job)
	}
	if r := o.Run; r != nil {
		line("run", r.Run)
		if !r.Slot.IsZero() {
			line("due", r.Slot)
		}
		if !r.StartedAt.IsZero() {
			line("started", r.StartedAt)
		}
		line("ended", r.EndedAt)
		line("outcome", words(r))
		if r.Attempt > 1 {
			line("attempt", r.Attempt)
		}
		if o.Kind == "failure" && o.FailuresBefore > 0 {
			line("in a row", o.FailuresBefore+1)
		}
		if r.Missed > 1 {
			line("missed", r.Missed)
		}
	}
	if o.Kind == "failure" || o.Kind == "crash_loop" {
		fmt.Fprintf(&b, "\njobsd sends no mail about further failures of %s until it recovers.\n", o.Job)
	}
	return b.String()
}

package notify

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"jobsd/internal/plain"
)

// mail gives the message to sendmail.
func (d *deliverer) mail(ctx context.Context, m *Message) Result {
	if len(m.Mail.To) == 0 {
		return Result{Error: "no recipient", Final: true}
	}
	e := d.run(ctx, m, m.Mail.Sendmail, d.formatMail(ctx, m, time.Now()))
	why := e.failure()
	if why == "" {
		return Result{Output: string(e.printed)}
	}
	return Result{Error: why + said(e.printed), Output: string(e.printed)}
}

// said adds to an error what a mailer said about it, in one line.
func said(printed []byte) string {
	text := strings.TrimSpace(string(printable(printed, 0)))
	if text == "" {
		return ""
	}
	return ": " + plain.Cut(strings.ReplaceAll(text, "\n", "; "), 300)
}

// formatMail formats a mail according to RFC 5322.
func (d *deliverer) formatMail(ctx context.Context, m *Message, now time.Time) []byte {
	ctx, cancel := context.WithTimeout(ctx, d.limits.log)
	defer cancel()
	var b bytes.Buffer
	head := func(name, value string) { writeHeader(&b, name, value) }
	if m.Mail.From != "" {
		head("From", m.Mail.From)
	}
	head("To", strings.Join(m.Mail.To, ", "))
	head("Subject", subject("[jobsd] "+m.title()))
	head("Date", now.Format(time.RFC1123Z))
	head("Message-ID", m.messageID())
	head("Auto-Submitted", "auto-generated") // RFC 3834: machines must not reply
	head("MIME-Version", "1.0")
	head("Content-Type", "text/plain; charset=utf-8")
	head("Content-Transfer-Encoding", "8bit")
	events, more := m.shown()
	for i := range events {
		e := &events[i]
		b.WriteByte('\n')
		if i > 0 {
			b.WriteString(strings.Repeat("-", 72) + "\n\n")
		}
		b.Write(printable([]byte(e.story(m.host())), longestLine))
		if e.Kind == "failure" || e.Kind == "crash_loop" {
			fmt.Fprintf(&b, "\njobsd sends no mail about further failures of %s until it recovers.\n", e.Job)
		}
		if t := d.tail(ctx, e, maxTail); t != nil {
			t.writeTo(&b, e)
		}
	}
	if more > 0 {
		fmt.Fprintf(&b, "\n%s\n\nand %d more\n", strings.Repeat("-", 72), more)
	}
	return b.Bytes()
}

// writeTo writes the end of the output of one run.
func (t *tail) writeTo(b *bytes.Buffer, e *Event) {
	text := printable(t.text, longestLine)
	switch {
	case t.err != nil:
		fmt.Fprintf(b, "\n%s.\n", strings.TrimSuffix(string(printable([]byte(t.err.Error()), longestLine)), "."))
		return
	case len(text) == 0:
		b.WriteString("\nIt wrote no output.\n")
		return
	case t.cut:
		fmt.Fprintf(b, "\nThe end of its output (jobsd logs --run %d %s shows all of it):\n\n", e.Output.Run, e.Job)
	default:
		b.WriteString("\nIts output:\n\n")
	}
	b.Write(text)
	if text[len(text)-1] != '\n' {
		b.WriteByte('\n')
	}
}

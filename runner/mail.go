package runner

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"jobsd/internal/joblog"
	"jobsd/internal/plain"
	"jobsd/runner/core"
)

// maxTail is how much of the end of a run's output a mail includes: enough for the error, but not too much for a
// mailbox.
const maxTail = 8 << 10

// writeMail writes a mail into a file without a name, for the mailer to read. With a file instead of a pipe, neither
// side waits for the other.
func (d *disk) writeMail(m *core.Mail) (*os.File, error) {
	f, err := os.CreateTemp(d.stateDir, ".mail*")
	if err != nil { // the disk may be full, which the mail may be about
		f, err = os.CreateTemp("", "jobsd-mail*")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write a mail: %w", err)
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = f.Write(d.formatMail(m))
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot write a mail: %w", err)
	}
	return f, nil
}

// formatMail formats a mail according to RFC 5322.
func (d *disk) formatMail(m *core.Mail) []byte {
	var b bytes.Buffer
	head := func(name, value string) { writeHeader(&b, name, value) }
	if m.From != "" {
		head("From", m.From)
	}
	head("To", strings.Join(m.To, ", "))
	head("Subject", subject(m.Subject))
	head("Date", m.Date.Format(time.RFC1123Z))
	head("Auto-Submitted", "auto-generated") // RFC 3834: machines must not reply
	head("MIME-Version", "1.0")
	head("Content-Type", "text/plain; charset=utf-8")
	head("Content-Transfer-Encoding", "8bit")
	for i, p := range m.Parts {
		b.WriteByte('\n')
		if i > 0 {
			b.WriteString(strings.Repeat("-", 72) + "\n\n")
		}
		b.Write(printableText([]byte(p.Text)))
		if p.Job != "" {
			d.writeTail(&b, p)
		}
	}
	return b.Bytes()
}

// writeTail writes the end of the output of one run, and of no other run in the log.
func (d *disk) writeTail(b *bytes.Buffer, p core.MailPart) {
	if p.Output == nil {
		b.WriteString("\njobsd has no output of it.\n")
		return
	}
	text, cut, err := joblog.Tail(joblog.Path(d.logDir, p.Job), p.Run, *p.Output, maxTail)
	text = printableText(text)
	switch {
	case errors.Is(err, joblog.ErrStdout):
		b.WriteString("\nIts output went to the standard output of the daemon, not to a log.\n")
		return
	case err != nil:
		fmt.Fprintf(b, "\njobsd cannot read its output: %v\n", err)
		return
	case len(text) == 0:
		b.WriteString("\nIt wrote no output.\n")
		return
	case cut:
		fmt.Fprintf(b, "\nThe end of its output (jobsd logs --run %d %s shows all of it):\n\n", p.Run, p.Job)
	default:
		b.WriteString("\nIts output:\n\n")
	}
	b.Write(text)
	if text[len(text)-1] != '\n' {
		b.WriteByte('\n')
	}
}

// printableText turns any bytes into what a mail may contain: UTF-8 without control characters, in lines of at most 998
// bytes (RFC 5322, 2.1.1).
func printableText(text []byte) []byte {
	var b []byte
	length := 0
	for _, r := range string(bytes.ToValidUTF8(text, []byte("?"))) {
		switch {
		case r == '\n':
			length = -1
		case r == '\r':
			continue
		case r != '\t' && plain.Hidden(r):
			r = '?'
		}
		if length+utf8.RuneLen(r) > 990 {
			b, length = append(b, '\n'), 0
		}
		b = utf8.AppendRune(b, r)
		length += max(1, utf8.RuneLen(r))
	}
	return b
}

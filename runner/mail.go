package runner

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
	"jobsd/runner/core"
	"jobsd/statefile"
)

// maxTail is how much of the end of a run's output a mail includes: enough for the error, but not too much for a
// mailbox.
const maxTail = 8 << 10

// span is the place of a run's output in its job's log, counted across rotations.
type span struct {
	job        string
	start, end int64
	own        bool // it is in its own file until the run has ended
	hasMarker  bool // it begins with the start marker, which this daemon wrote
	open       bool // its leader has ended, but the output is still open
}

// outputs knows where the output is of all runs that a notification may be about: the live ones, the last one of each
// job, and those of owed notifications. The core does not know offsets. The disk keeps them.
type outputs struct {
	runs     map[uint64]span   // by run
	last     map[string]uint64 // by job
	notified map[uint64]uint64 // run by notification
}

func newOutputs(facts *statefile.Facts) *outputs {
	o := &outputs{runs: map[uint64]span{}, last: map[string]uint64{}, notified: map[uint64]uint64{}}
	for name, j := range facts.Jobs {
		for _, l := range j.Live {
			o.runs[l.Run] = span{job: name, start: l.LogOffset, own: l.OwnLog, open: l.Open}
		}
		if r := j.LastRun; r != nil {
			o.place(r.Run, name, j.LogStart, j.LogEnd)
			o.last[name] = r.Run
		}
	}
	for _, n := range facts.Notifications {
		if n.Run != nil {
			o.place(n.Run.Run, n.Job, n.LogStart, n.LogEnd)
			o.notified[n.ID] = n.Run.Run
		}
	}
	return o
}

// place records where the output of an ended run is.
func (o *outputs) place(run uint64, job string, start, end int64) {
	s := o.runs[run]
	s.job, s.start, s.end = job, start, end
	o.runs[run] = s
}

func (o *outputs) began(run uint64, s span) { o.runs[run] = s }

// emptied makes the output of a run begin at the start of the live log, and forgets the output of other runs there.
func (o *outputs) emptied(run uint64, base int64) {
	job := o.runs[run].job
	for other, s := range o.runs {
		switch {
		case s.job != job || s.own:
			continue
		case other == run:
			s.start = base
		default:
			s.start, s.end = min(s.start, base), min(s.end, base)
		}
		o.runs[other] = s
	}
}

// ended completes the record of an outcome and its owed notifications.
func (o *outputs) ended(r *statefile.Ended) {
	run := r.Outcome.Run
	s := o.runs[run]
	s.job, s.end, s.open = r.Job, r.LogEnd, r.Open
	o.runs[run] = s
	r.LogStart = s.start
	previous := o.last[r.Job]
	o.last[r.Job] = run
	o.addNotifications(r.Notifications)
	o.drop(previous)
}

// closed completes the record of where the output of an ended run is.
func (o *outputs) closed(r *statefile.Output) {
	s := o.runs[r.Run]
	s.job, s.end, s.open = r.Job, r.LogEnd, false
	o.runs[r.Run] = s
	r.LogStart = s.start
	o.drop(r.Run)
}

func (o *outputs) addNotifications(list []statefile.Notification) {
	for i := range list {
		if r := list[i].Run; r != nil {
			o.notified[list[i].ID] = r.Run
			list[i].LogStart, list[i].LogEnd = o.runs[r.Run].start, o.runs[r.Run].end
		}
	}
}

func (o *outputs) delivered(r *statefile.Delivery) {
	if r.WillRetry {
		return
	}
	for _, id := range r.IDs {
		run := o.notified[id]
		delete(o.notified, id)
		o.drop(run)
	}
}

// drop forgets a run that no notification needs.
func (o *outputs) drop(run uint64) {
	s, ok := o.runs[run]
	if !ok || s.open || o.last[s.job] == run {
		return
	}
	for _, other := range o.notified {
		if other == run {
			return
		}
	}
	delete(o.runs, run)
}

// complete fills in the offsets of a checkpoint.
func (o *outputs) complete(facts *statefile.Facts) {
	for _, j := range facts.Jobs {
		for i := range j.Live {
			s := o.runs[j.Live[i].Run]
			j.Live[i].LogOffset, j.Live[i].OwnLog = s.start, s.own
		}
		if j.LastRun != nil {
			s := o.runs[j.LastRun.Run]
			j.LogStart, j.LogEnd = s.start, s.end
		}
	}
	for i := range facts.Notifications {
		if r := facts.Notifications[i].Run; r != nil {
			facts.Notifications[i].LogStart, facts.Notifications[i].LogEnd = o.runs[r.Run].start, o.runs[r.Run].end
		}
	}
}

// note follows the entries that are appended to the journal.
func (o *outputs) note(r statefile.Record) {
	switch r := r.(type) {
	case *statefile.Delivery:
		o.delivered(r)
	case *statefile.Dropped:
		o.addNotifications(r.Notifications)
	case *statefile.Stable:
		o.addNotifications(r.Notifications)
	}
}

// writeMail writes a mail into a file without a name, for the mailer to read. With a file instead of a pipe, neither
// side waits for the other.
func (d *disk) writeMail(l *core.Mail) (*os.File, error) {
	f, err := os.CreateTemp(d.stateDir, ".mail*")
	if err != nil { // the disk may be full, which the mail may be about
		f, err = os.CreateTemp("", "jobsd-mail*")
	}
	if err != nil {
		return nil, fmt.Errorf("cannot write a mail: %w", err)
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = f.Write(d.formatMail(l))
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
func (d *disk) formatMail(l *core.Mail) []byte {
	var b bytes.Buffer
	head := func(name, value string) { writeHeader(&b, name, value) }
	if l.From != "" {
		head("From", l.From)
	}
	head("To", strings.Join(l.To, ", "))
	head("Subject", subject(l.Subject))
	head("Date", l.Date.Format(time.RFC1123Z))
	head("Auto-Submitted", "auto-generated") // RFC 3834: machines must not reply
	head("MIME-Version", "1.0")
	head("Content-Type", "text/plain; charset=utf-8")
	head("Content-Transfer-Encoding", "8bit")
	for i, p := range l.Parts {
		b.WriteByte('\n')
		if i > 0 {
			b.WriteString(strings.Repeat("-", 72) + "\n\n")
		}
		b.Write(printableText([]byte(p.Text)))
		if p.Job != "" {
			d.writeTail(&b, d.outputs.notified[p.Notification])
		}
	}
	return b.Bytes()
}

// writeTail writes the end of the output of one run, and of no other run in the log.
func (d *disk) writeTail(b *bytes.Buffer, run uint64) {
	s := d.outputs.runs[run]
	text, cut, err := d.tail(s)
	switch {
	case err != nil:
		fmt.Fprintf(b, "\njobsd cannot read its output: %v\n", err)
		return
	case len(text) == 0:
		b.WriteString("\nIt wrote no output.\n")
		return
	case cut:
		fmt.Fprintf(b, "\nThe end of its output (jobsd logs --run %d %s shows all of it):\n\n", run, s.job)
	default:
		b.WriteString("\nIts output:\n\n")
	}
	b.Write(text)
	if text[len(text)-1] != '\n' {
		b.WriteByte('\n')
	}
}

// tail reads the last lines of a run's output. It ignores output that was rotated away.
func (d *disk) tail(s span) (text []byte, cut bool, err error) {
	base := d.base[s.job]
	from := max(s.start, base, s.end-maxTail)
	if from >= s.end {
		return nil, false, nil
	}
	f, err := os.OpenFile(d.logPath(s.job), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, false, err
	}
	defer f.Close()
	text = make([]byte, s.end-from)
	n, err := f.ReadAt(text, from-base)
	if err != nil && err != io.EOF {
		return nil, false, err
	}
	text = text[:n]
	if cut = from > s.start; cut {
		if i := bytes.IndexByte(text, '\n'); i >= 0 && i < len(text)-1 {
			text = text[i+1:]
		}
	}
	return printableText(withoutMarkers(text)), cut, nil
}

// withoutMarkers removes the marker lines.
func withoutMarkers(text []byte) []byte {
	var keep [][]byte
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("== ")) {
			keep = append(keep, line)
		}
	}
	return bytes.Join(keep, nil)
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

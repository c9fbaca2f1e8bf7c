package recorder

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"jobsd/internal/joblog"
	"jobsd/internal/plain"
)

// console writes the output of all jobs to standard output, one line for each line. A line that the recorder gets in
// pieces stays here until its end comes.
type console struct {
	outlet *outlet
	lines  map[uint64]*unfinished // by run
	held   int                    // bytes in them

	said   string    // the trouble of standard output that the daemon knows
	saidAt time.Time // when the daemon got to know the number of lost lines
}

// unfinished is the beginning of a line.
type unfinished struct {
	text      []byte
	continues bool // the line was too long, and what came before is written
}

func newConsole() *console { return &console{lines: map[uint64]*unfinished{}} }

// turnTo makes another file the standard output. The lines for the old one are still written there.
func (c *console) turnTo(o *outlet) {
	o.start(c.outlet)
	c.outlet = o
}

// drain waits until all lines are written, unless nobody takes them.
func (c *console) drain() {
	if c.outlet != nil {
		c.outlet.drain()
	}
}

// reportAfter is the time between two reports of the number of lost lines.
const reportAfter = time.Minute

// report returns the message about lines that standard output does not take, if there is something new. Busy: there may
// be something new soon.
func (c *console) report() (m Message, news, busy bool) {
	if c.outlet == nil {
		return m, false, false
	}
	lost, why, busy := c.outlet.trouble()
	text := ""
	if why != nil {
		text = why.Error()
	}
	now := time.Now()
	if text == c.said && (lost == 0 || text != "" && now.Sub(c.saidAt) < reportAfter) {
		return m, false, busy
	}
	c.outlet.reported(lost)
	c.said, c.saidAt = text, now
	return Message{Kind: Dropped, Text: text, Number: lost}, true, busy
}

// drained reports whether all lines are written, as far as somebody takes them.
func (c *console) drained() bool { return c.outlet == nil || c.outlet.drained() }

// write adds output of a run, which may begin and end in the middle of a line.
func (c *console) write(r *run, text []byte) {
	if c.outlet == nil || r.log.Stdout == "" {
		return
	}
	for line := range bytes.Lines(text) {
		if part, whole := bytes.CutSuffix(line, []byte("\n")); whole {
			c.finish(r, part)
		} else {
			c.keep(r, part)
		}
	}
}

// finish writes a line whose last part has come.
func (c *console) finish(r *run, part []byte) {
	if c.lines[r.number] == nil && len(part) <= maxLine {
		c.put(r, part, false)
		return
	}
	c.keep(r, part)
	c.end(r)
}

// keep adds a part to the unfinished line of a run. If the line is too long, or all unfinished lines need too much
// memory, it writes what it has.
func (c *console) keep(r *run, part []byte) {
	u := c.lines[r.number]
	if u == nil {
		u = &unfinished{}
		c.lines[r.number] = u
	}
	for len(u.text)+len(part) > maxLine {
		n := maxLine - len(u.text)
		for k := 1; k < utf8.UTFMax && n > 0 && !utf8.RuneStart(part[n]); k++ { // do not cut a character
			n--
		}
		c.add(u, part[:n])
		c.piece(r, u)
		part = part[n:]
	}
	if c.add(u, part); c.held > maxHeld {
		c.piece(r, u)
	}
}

func (c *console) add(u *unfinished, part []byte) {
	u.text = append(u.text, part...)
	c.held += len(part)
}

// piece writes a part of a line that continues.
func (c *console) piece(r *run, u *unfinished) {
	c.put(r, u.text, u.continues)
	c.held -= len(u.text)
	u.text, u.continues = nil, true
}

// end writes the unfinished line of a run.
func (c *console) end(r *run) {
	u := c.lines[r.number]
	if u == nil {
		return
	}
	if len(u.text) > 0 || !u.continues {
		c.piece(r, u)
	}
	delete(c.lines, r.number)
}

func (c *console) put(r *run, line []byte, continues bool) {
	now := time.Now()
	if r.log.Stdout == "json" {
		out := appendHead(nil, r.log.job, r.label, now)
		out = appendJSON(append(out, `,"text":`...), line)
		if continues {
			out = append(out, `,"continues":true`...)
		}
		c.outlet.put(append(out, "}\n"...))
		return
	}
	out := append(appendLabel(nil, r.log.job, r.label), " "...)
	if continues {
		out[len(out)-1] = '+'
		out = append(out, ' ')
	}
	if r.log.Timestamps {
		out = append(out, joblog.Stamp(now)...)
	}
	shown, rest := plain.Screen(line)
	c.outlet.put(append(append(append(out, shown...), plain.Line(string(rest))...), '\n'))
}

// marker writes a marker. No output of a job can look like one, because a space or a plus follows its label.
func (c *console) marker(l *logFile, label, text string) {
	switch {
	case c.outlet == nil:
	case l.Stdout == "json":
		out := appendHead(nil, l.job, label, time.Now())
		c.outlet.put(append(appendJSON(append(out, `,"event":`...), []byte(text)), "}\n"...))
	case l.Stdout == "text":
		c.outlet.put(appendMarker(appendLabel(nil, l.job, label), text))
	}
}

// appendLabel appends what stands in front of a line as text: the job and, if there is one, its run or the notification
// of which a command writes.
func appendLabel(out []byte, job, label string) []byte {
	out = append(out, job...)
	if label != "" {
		out = append(append(append(out, '['), label...), ']')
	}
	return out
}

// appendHead appends the beginning of a JSON object.
func appendHead(out []byte, job, label string, at time.Time) []byte {
	out = appendJSON(append(out, `{"job":`...), []byte(job))
	switch _, err := strconv.ParseUint(label, 10, 64); {
	case label == "":
		out = append(out, `,"run":null`...)
	case err != nil:
		out = appendJSON(append(out, `,"run":null,"notify":`...), []byte(label))
	default:
		out = append(append(out, `,"run":`...), label...)
	}
	return appendJSON(append(out, `,"at":`...), []byte(strings.TrimSpace(joblog.Stamp(at))))
}

// appendJSON appends a JSON string. It escapes all that must not be shown unchanged; a byte that is no UTF-8 becomes the
// replacement character.
func appendJSON(out, text []byte) []byte {
	out = append(out, '"')
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case r == '"' || r == '\\':
			out = append(out, '\\', byte(r))
		case r == '\t':
			out = append(out, `\t`...)
		case r == utf8.RuneError && size == 1, plain.Hidden(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return append(out, '"')
}

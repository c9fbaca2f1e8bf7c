package cli

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/joblog"
)

const logsHelp = `jobsd logs - print the output of jobs

usage: jobsd logs [-f] [-n NUMBER] [--since TIME] [--grep TEXT] [--raw] JOB...
       jobsd logs [-n NUMBER] [--grep TEXT] [--raw] --run NUMBER JOB
       jobsd logs [-n NUMBER] [--since TIME] [--grep TEXT] --json JOB...

Prints the job's log, including rotated parts that are still kept. Lines that
begin with == are markers of the daemon. The logs of several jobs are merged,
with the name of the job in front of each line: run by run, in the order in
which the runs started, and with -f line by line as they arrive. On a terminal,
control characters other than colours are made visible; a file or a pipe gets
them unchanged.
`

type logsOptions struct {
	follow, raw bool
	lines       int
	run         uint64
	since       time.Time
	grep        string
}

// all stands for every line.
const all = math.MinInt

func (a *app) logs() *cobra.Command {
	o := logsOptions{lines: all}
	do := func(s *site, args []string) error {
		args, err := s.expand(args)
		switch {
		case err != nil:
			return err
		case o.follow && (a.json || o.run > 0):
			return usage("jobsd help logs", "-f cannot be combined with --json or --run")
		case o.raw && a.json:
			return usage("jobsd help logs", "--raw cannot be combined with --json")
		case o.run > 0 && !o.since.IsZero():
			return usage("jobsd help logs", "--run cannot be combined with --since")
		case o.run > 0 && len(args) > 1:
			return usage("jobsd help logs", "--run takes one job")
		case o.lines < 0 && o.lines != all:
			return usage("", "-n %d is negative", o.lines)
		case o.lines == all && o.follow:
			o.lines = 10
		}
		if f, ok := fileOf(a.out); ok && o.raw {
			a.out = f
		}
		if len(args) > 1 {
			return a.doMerged(s, args, o)
		}
		return a.doLogs(s, args[0], o)
	}
	return a.verb(logsHelp, a.jobs(1), a.here(do),
		opt("follow", nothing, &o.follow, "follow the log until interrupted; begin with the last 10 lines").short("f"),
		opt("number", aNumber, &o.lines, "print only the last NUMBER lines; with -f, 0 prints only new ones").short("n"),
		opt("run", aNumber, &o.run, "print only the output of this run"),
		opt("since", aTime, func(text string) (err error) { o.since, err = pastInstant("--since", text, time.Now()); return err },
			`print only runs that started at this time or later: a duration before now such as 2h, or a time such as 16:00, "yesterday 4pm" or "2026-11-23 16:00"`),
		opt("grep", aText, &o.grep, "print only lines that contain TEXT; with -n, those of the last NUMBER lines"),
		opt("raw", nothing, &o.raw, "print control characters unchanged on a terminal"),
		a.jsonOption(`print an array of lines: {"job", "run": its number or null between runs, "text"}`))
}

func (a *app) doLogs(s *site, name string, o logsOptions) error {
	log, err := a.openKnown(s, name)
	if err != nil {
		return err
	}
	defer log.Close()
	a.mentionStdout(log, o.run)
	from, to := log.since(o.since), log.Size()
	var r *logRun
	if o.run > 0 {
		if r, err = a.runIn(log, o.run); err != nil {
			return err
		}
		from, to = r.from, r.to
	}
	if from, err = log.lastLines(from, to, o.lines); err != nil {
		return err
	}
	out := a.out
	if r != nil {
		out = log.only(out, r, from)
	}
	lines := &grepper{w: out, text: []byte(o.grep)}
	switch {
	case a.json:
		return a.printPieces([]piece{{source: &source{log: log}, from: from, to: to}}, o)
	case o.follow:
		return a.follow(log, from, lines)
	}
	if err := log.print(lines, from, to); err != nil {
		return err
	}
	return lines.end()
}

// since returns the offset at which the first run begins that started at a time or later.
func (l *jobLog) since(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	from := l.Size()
	for _, r := range l.runs {
		if r.found && !r.at.Before(t) {
			from = min(from, r.from)
		}
	}
	return from
}

// mentionStdout says that the newest output of a job is not in its log.
func (a *app) mentionStdout(log *jobLog, run uint64) {
	n := len(log.runs)
	for n > 0 && log.runs[n-1].place == nil {
		n--
	}
	if n > 0 && run == 0 && log.runs[n-1].place.Stdout {
		fmt.Fprintf(a.err, "jobsd: the output of %s goes to the standard output of the daemon, not to its log\n", log.name)
	}
}

// openKnown opens the log of a job. If there is no log, the state file must have the job.
func (a *app) openKnown(s *site, name string) (*jobLog, error) {
	log, err := s.openJobLog(name)
	if err == nil && log.Empty() {
		err = s.mustKnow(name)
	}
	return log, err
}

// runIn returns the part of a log that a run wrote, as far as the log still has it.
func (a *app) runIn(log *jobLog, number uint64) (*logRun, error) {
	r := log.run(number)
	switch {
	case r == nil:
		hint := "jobsd history " + log.name + " shows its runs"
		return nil, fail(exitNoJob, hint, "job %q has no run %d in the journal", log.name, number)
	case r.place == nil: // it has written nothing yet, or its output is discarded
		r.from, r.to = log.Size(), log.Size()
	case r.place.Stdout:
		hint := "read it where the output of the daemon goes, for instance with docker logs or journalctl"
		return nil, fail(exitFailed, hint, "the output of run %d of %s went to the standard output of the daemon, not to a log", number, log.name)
	case !r.found:
		if !log.rest(r) {
			return nil, fail(exitFailed, "its log file was removed, emptied or rotated away", "the output of run %d of %s is gone", number, log.name)
		}
		fmt.Fprintf(a.err, "jobsd: the beginning of the output of run %d of %s is gone\n", number, log.name)
	}
	return r, nil
}

// logLine is a line as JSON.
type logLine struct {
	Job  string  `json:"job"`
	Run  *uint64 `json:"run"`
	Text string  `json:"text"`
}

// lines returns the lines between two offsets; with a run, only those of the run.
func (l *jobLog) lines(from, to int64, only uint64) ([]logLine, error) {
	lines := []logLine{} // no null in the output
	r := bufio.NewReader(l.Reader(from, to))
	var alive []*logRun
	picks := map[uint64]*joblog.Lines{}
	for {
		text, err := r.ReadBytes('\n')
		if len(text) > 0 {
			alive = l.aliveAt(from, alive[:0])
			run, own := l.writer(alive, picks, bytes.TrimSuffix(text, []byte("\n")), from)
			if only == 0 || run != nil && *run == only {
				lines = append(lines, logLine{l.name, run, string(own)})
			}
			from += int64(len(text))
		}
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the log: %w", err)
		}
	}
}

// aliveAt appends the runs whose output has an offset between its markers.
func (l *jobLog) aliveAt(offset int64, list []*logRun) []*logRun {
	for i := range l.runs {
		if r := &l.runs[i]; r.found && r.from <= offset && offset < r.to {
			list = append(list, r)
		}
	}
	return list
}

// writer returns the run that wrote the line at an offset, nil if none of these did, and the line without its label.
func (l *jobLog) writer(alive []*logRun, picks map[uint64]*joblog.Lines, line []byte, at int64) (run *uint64, text []byte) {
	text = line
	for _, r := range alive {
		lines := picks[r.number]
		if lines == nil {
			lines = l.LinesOf(*r.place, r.number)
			picks[r.number] = lines
		}
		if own, ok := lines.Own(line, at); ok {
			run, text = &r.number, own
		}
	}
	return run, text
}

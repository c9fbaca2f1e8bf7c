package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"
)

const logsHelp = `jobsd logs - print the output of jobs

usage: jobsd logs [-f] [-n NUMBER] [--json] JOB...
       jobsd logs [-n NUMBER] [--json] --run NUMBER JOB

Prints the job's log, including rotated parts that are still kept. Lines that
begin with == are markers of the daemon. The logs of several jobs are merged,
with the name of the job in front of each line: run by run, in the order in
which the runs started, and with -f line by line as they arrive. On a terminal,
control characters other than colours are made visible; a file or a pipe gets
them unchanged.
`

type logsOptions struct {
	follow bool
	lines  int
	run    uint64
}

// all stands for every line.
const all = math.MinInt

func (a *app) logs() *cobra.Command {
	o := logsOptions{lines: all}
	do := func(s *site, args []string) error {
		switch {
		case o.follow && (a.json || o.run > 0):
			return usage("jobsd help logs", "-f cannot be combined with --json or --run")
		case o.run > 0 && len(args) > 1:
			return usage("jobsd help logs", "--run takes one job")
		case o.lines < 0 && o.lines != all:
			return usage("", "-n %d is negative", o.lines)
		case o.lines == all && o.follow:
			o.lines = 10
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
		a.jsonOption(`print an array of lines: {"job", "run": its number or null between runs, "offset": where the line begins in the log,
			counted across rotations, "text"}`))
}

func (a *app) doLogs(s *site, name string, o logsOptions) error {
	log, err := a.openKnown(s, name)
	if err != nil {
		return err
	}
	defer log.close()
	if r := log.run(o.run); r != nil && r.own {
		if log, err = log.ownOf(o.run); err != nil {
			return err
		}
		defer log.close()
		o.run = 0
	}
	from, to := log.from(), log.to()
	if o.run > 0 {
		if from, to, err = a.extent(log, name, o.run); err != nil {
			return err
		}
	}
	if from, err = log.lastLines(from, to, o.lines); err != nil {
		return err
	}
	switch {
	case a.json:
		return a.printPieces([]piece{{source: &source{log: log}, from: from, to: to}})
	case o.follow:
		return a.follow(log, from)
	}
	return log.print(a.out, from, to)
}

// openKnown opens the log of a job. If there is no log, the state file must have the job.
func (a *app) openKnown(s *site, name string) (*jobLog, error) {
	log, err := s.openJobLog(name)
	if err == nil && log.empty() {
		err = s.mustKnow(name)
	}
	return log, err
}

// extent returns where the output of a run begins and ends, as far as the log still has it.
func (a *app) extent(log *jobLog, name string, run uint64) (from, to int64, err error) {
	r := log.run(run)
	if r == nil {
		hint := "jobsd history " + name + " shows its runs"
		return 0, 0, fail(exitNoJob, hint, "job %q has no run %d in the journal", name, run)
	}
	if r.from < log.from() {
		fmt.Fprintf(a.err, "jobsd: the beginning of the output of run %d has been rotated away\n", run)
	}
	return max(r.from, log.from()), max(min(r.to, log.to()), log.from()), nil
}

// logLine is a line as JSON.
type logLine struct {
	Job    string  `json:"job"`
	Run    *uint64 `json:"run"`
	Offset int64   `json:"offset"`
	Text   string  `json:"text"`
}

func (l *jobLog) lines(from, to int64) ([]logLine, error) {
	lines := []logLine{} // no null in the output
	r := bufio.NewReader(l.reader(from, to))
	for {
		text, err := r.ReadString('\n')
		if text != "" {
			lines = append(lines, logLine{l.name, l.runAt(from), from, strings.TrimSuffix(text, "\n")})
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

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

const logsHelp = `jobsd logs - what a job wrote

usage: jobsd logs [-f] [-n NUMBER] [--json] JOB...
       jobsd logs [-n NUMBER] [--json] --run NUMBER JOB

Prints the job's log with what has been rotated away but kept. Lines that begin
with == are the daemon's. The logs of several jobs are printed as one, the name
of the job in front of each line: run by run, in the order of their starts, and
with -f as the lines come. A terminal gets control characters written out,
except for colours; a file or a pipe gets them as they are.

  -f            go on as the job writes, until interrupted; begins with the
                last 10 lines
  -n NUMBER     only the last so many lines; 0 with -f: only what is new
  --run NUMBER  only what that run wrote
  --json        an array of lines: {"job", "run": its number or null between
                runs, "offset": where it begins in the log, counted on over
                rotations, "text"}
`

type logsOptions struct {
	follow bool
	lines  int
	run    uint64
}

// all is every line.
const all = -1

func (a *app) logs() *cobra.Command {
	var o logsOptions
	var cmd *cobra.Command
	do := func(args []string) error {
		set := cmd.Flags().Changed
		switch {
		case o.follow && (a.json || o.run > 0):
			return usage("jobsd help logs", "-f goes with neither --json nor --run")
		case o.run > 0 && len(args) > 1:
			return usage("jobsd help logs", "--run goes with one job only")
		case set("number") && o.lines < 0:
			return usage("", "-n %d is negative", o.lines)
		case !set("number") && o.follow:
			o.lines = 10
		}
		if len(args) > 1 {
			return a.doMerged(args, o)
		}
		return a.doLogs(args[0], o)
	}
	cmd = takes(a.reader("logs JOB...", logsHelp, do), 1, math.MaxInt, "job")
	fs := cmd.Flags()
	fs.BoolVarP(&o.follow, "follow", "f", false, "")
	fs.IntVarP(&o.lines, "number", "n", all, "")
	fs.Uint64Var(&o.run, "run", 0, "")
	cmd.ValidArgsFunction = a.completeJobs
	return cmd
}

func (a *app) doLogs(name string, o logsOptions) error {
	s, err := a.site()
	if err != nil {
		return err
	}
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
		return a.printLines(log, from, to)
	case o.follow:
		return a.follow(log, from)
	}
	return log.print(a.out, from, to)
}

// openKnown opens the log of a job. One that has never written must be known.
func (a *app) openKnown(s *site, name string) (*jobLog, error) {
	log, err := s.openJobLog(name)
	if err == nil && log.empty() {
		err = s.mustKnow(name)
	}
	return log, err
}

// extent is where a run wrote, as far as that is still there.
func (a *app) extent(log *jobLog, name string, run uint64) (from, to int64, err error) {
	r := log.run(run)
	if r == nil {
		hint := "jobsd history " + name + " shows its runs"
		return 0, 0, fail(exitNoJob, hint, "job %q has no run %d in the journal", name, run)
	}
	if r.from < log.from() {
		fmt.Fprintf(a.err, "jobsd: what run %d wrote first has been rotated away\n", run)
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

func (a *app) printLines(log *jobLog, from, to int64) error {
	lines, err := log.lines(from, to)
	if err != nil {
		return err
	}
	return a.printJSON(lines)
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

package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

const logsHelp = `jobsd logs - what a job wrote

usage: jobsd logs [-f] [-n NUMBER] [--run NUMBER] [--json] JOB

Prints the job's log with what has been rotated away but kept. Lines that begin with == are the daemon's.

  -f            go on as the job writes, until interrupted; begins with the last 10 lines
  -n NUMBER     only the last so many lines; 0 with -f: only what is new
  --run NUMBER  only what that run wrote
  --json        an array of lines: {"run": its number or null between runs, "offset": where it begins in the log,
                counted on over rotations, "text"}
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
		case set("number") && o.lines < 0:
			return usage("", "-n %d is negative", o.lines)
		case !set("number") && o.follow:
			o.lines = 10
		}
		return a.doLogs(args[0], o)
	}
	cmd = takes(a.reader("logs JOB", logsHelp, do), 1, 1, "job")
	fs := cmd.Flags()
	fs.BoolVarP(&o.follow, "follow", "f", false, "")
	fs.IntVarP(&o.lines, "number", "n", all, "")
	fs.Uint64Var(&o.run, "run", 0, "")
	cmd.ValidArgsFunction = a.completeJob
	return cmd
}

func (a *app) doLogs(name string, o logsOptions) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	log, err := s.openJobLog(name)
	if err != nil {
		return err
	}
	defer log.close()
	if log.empty() {
		if err := s.mustKnow(name); err != nil {
			return err
		}
	}
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

// extent is where a run wrote, as far as that is still there.
func (a *app) extent(log *jobLog, name string, run uint64) (from, to int64, err error) {
	r := log.run(run)
	if r == nil {
		hint := "jobsd history " + name + " shows its runs"
		return 0, 0, fail(exitFailed, hint, "job %q has no run %d in the journal", name, run)
	}
	if r.from < log.from() {
		fmt.Fprintf(a.err, "jobsd: what run %d wrote first has been rotated away\n", run)
	}
	return max(r.from, log.from()), max(min(r.to, log.to()), log.from()), nil
}

// logLine is a line as JSON.
type logLine struct {
	Run    *uint64 `json:"run"`
	Offset int64   `json:"offset"`
	Text   string  `json:"text"`
}

func (a *app) printLines(log *jobLog, from, to int64) error {
	lines := []logLine{} // no null in the output
	r := bufio.NewReader(log.reader(from, to))
	for {
		text, err := r.ReadString('\n')
		if text != "" {
			lines = append(lines, logLine{log.runAt(from), from, strings.TrimSuffix(text, "\n")})
			from += int64(len(text))
		}
		if errors.Is(err, io.EOF) {
			return a.printJSON(lines)
		}
		if err != nil {
			return fmt.Errorf("cannot read the log: %w", err)
		}
	}
}

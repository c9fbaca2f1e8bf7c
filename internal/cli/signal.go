package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/control"
	"jobsd/spawn"
)

const signalHelp = `jobsd signal - send a signal to running jobs

usage: jobsd signal [--run NUMBER] [--group] [--json] JOB... SIGNAL

Sends the signal, such as HUP or USR1, to the first process of each run. What
the signal does depends on the job: many services reload their settings on HUP.
To stop a job, use "jobsd stop". A JOB may be a pattern such as 'web-*'.

  --run NUMBER  signal only this run, of one job
  --group       signal all processes in the process group of the run
  --json        print {"runs": the numbers of the runs that got the signal}
`

func (a *app) signal() *cobra.Command {
	var r control.Request
	cmd := takes(a.reader("signal JOB... SIGNAL", signalHelp, func(args []string) error {
		last := len(args) - 1
		return a.doSignal(args[:last], args[last], r)
	}), 2, many, "job or signal")
	cmd.Flags().Uint64Var(&r.Run, "run", 0, "")
	cmd.Flags().BoolVar(&r.Group, "group", false, "")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		jobs, directive := a.completeJobs(cmd, args, word)
		if len(args) > 0 {
			jobs = append(jobs, "HUP", "INT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT", "WINCH")
		}
		return jobs, directive
	}
	return cmd
}

func (a *app) doSignal(words []string, signal string, r control.Request) error {
	r.Verb, r.Signal = control.Signal, strings.TrimPrefix(strings.ToUpper(signal), "SIG")
	if spawn.SignalNumber(r.Signal) == 0 {
		return usage("use a name such as HUP, USR1 or TERM; kill -l lists all", "signal: no signal is called %q", signal)
	}
	s, jobs, err := a.someJobs(words, r.Run)
	if err != nil {
		return err
	}
	runs, err := a.askForRuns(s, jobs, r, func(job string, runs []uint64, _ bool) {
		fmt.Fprintf(a.out, "sent %s to %s of %s\n", r.Signal, runsText(runs), job)
	})
	if a.json && runs != nil {
		if err := a.printJSON(runsResult{runs}); err != nil {
			return err
		}
	}
	return err
}

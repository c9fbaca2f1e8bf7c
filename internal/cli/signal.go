package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/control"
)

const signalHelp = `jobsd signal - send a signal to running jobs

usage: jobsd signal [--run NUMBER] [--group] [--json] JOB... SIGNAL

Sends the signal, such as HUP or USR1, to the first process of each run. What
the signal does depends on the job: many services reload their settings on HUP.
To stop a job, use "jobsd stop". A JOB may be a pattern such as 'web-*'.
`

func (a *app) signal() *cobra.Command {
	o := order{Request: control.Request{Verb: control.Signal}}
	takes := arguments{2, many, "job or signal", func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		jobs, directive := a.completeJobs(cmd, args, word)
		if len(args) > 0 {
			jobs = append(jobs, "HUP", "INT", "TERM", "KILL", "USR1", "USR2", "STOP", "CONT", "WINCH")
		}
		return jobs, directive
	}}
	tell := func(x answer) {
		fmt.Fprintf(a.out, "sent %s to %s of %s\n", o.Signal, runsText(x.Runs), x.job)
	}
	return a.verb(signalHelp, takes, func(args []string) error {
		last := len(args) - 1
		o.Signal = strings.TrimPrefix(strings.ToUpper(args[last]), "SIG")
		return a.sendToRuns(&o, args[:last], tell)
	},
		o.runOption("signal only this run, of one job"),
		opt("group", nothing, &o.Group, "signal all processes in the process group of the run"),
		a.jsonOption(`print {"runs": the numbers of the runs that got the signal}`))
}

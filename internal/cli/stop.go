package cli

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/control"
)

const stopHelp = `jobsd stop - stop the runs of jobs

usage: jobsd stop [--run NUMBER | --for DURATION | --until TIME] [--json] JOB...

Sends the stop signal of each job and, after its stop_timeout, KILL. Waits until
all processes of the runs are gone and prints which runs it stopped. An
interrupt ends only the waiting. A service stays stopped until it is started or
the machine boots; other jobs run again when they are due. A JOB may be a
pattern such as 'web-*'.
`

func (a *app) stop() *cobra.Command {
	o := order{Request: control.Request{Verb: control.Stop}}
	tell := func(x answer) {
		if len(x.Runs) == 0 {
			fmt.Fprintf(a.out, "%s was not running\n", x.job)
		} else {
			fmt.Fprintf(a.out, "stopped %s of %s\n", runsText(x.Runs), x.job)
		}
		switch {
		case !o.Until.IsZero():
			fmt.Fprintf(a.out, "%s is disabled until %s\n", x.job, when(o.Until, time.Now(), false))
		case x.state != nil && x.state.Held:
			fmt.Fprintf(a.out, "%s stays stopped until it is started: jobsd start %s\n", x.job, x.job)
		}
	}
	return a.verb(stopHelp, a.jobs(1), func(words []string) error { return a.sendToRuns(&o, words, tell) },
		o.runOption("stop only this run, of one job"),
		o.forOption("also disable the job for this long, such as 2h. A service starts again after that time"),
		o.untilOption("also disable the job until"),
		a.jsonOption(`print {"runs": their numbers}`))
}

// runsResult is the JSON of stop and signal.
type runsResult struct {
	Runs []uint64 `json:"runs"`
}

// runsAtOnce limits how many requests stop and signal have open at the same time. The daemon has 64 connections for all
// clients.
const runsAtOnce = 16

// sendToRuns sends the request of stop or signal, and prints the runs that the answers are about, with tell or as JSON.
func (a *app) sendToRuns(o *order, words []string, tell func(answer)) error {
	s, jobs, err := a.address(o, words)
	if err != nil {
		return err
	}
	answers, err := a.send(s, jobs, o, runsAtOnce)
	result := runsResult{[]uint64{}} // no null in the output
	for _, x := range answers {
		result.Runs = append(result.Runs, x.Runs...)
		if !a.json {
			tell(x)
		}
	}
	if a.json && answers != nil {
		return cmp.Or(a.printJSON(result), err)
	}
	return err
}

// runsText returns the numbers of runs in words: "run 7", "runs 7, 8".
func runsText(runs []uint64) string {
	if len(runs) == 1 {
		return fmt.Sprintf("run %d", runs[0])
	}
	return "runs " + strings.Trim(strings.ReplaceAll(fmt.Sprint(runs), " ", ", "), "[]")
}

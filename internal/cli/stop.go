package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/control"
)

const stopHelp = `jobsd stop - stop the runs of a job

usage: jobsd stop [--run NUMBER] [--json] JOB

Has the daemon send the job's stop signal and, after its stop_timeout, KILL.
Returns when nothing is left of the runs and prints which they were. An
interrupt ends the waiting only. A service stays down until it is started again
or the machine boots; other jobs run again when they are due.

  --run NUMBER  only that run
  --json        {"runs": their numbers}
`

func (a *app) stop() *cobra.Command {
	var run uint64
	cmd := takes(a.reader("stop JOB", stopHelp, func(args []string) error { return a.doStop(args[0], run) }), 1, 1, "job")
	cmd.Flags().Uint64Var(&run, "run", 0, "")
	cmd.ValidArgsFunction = a.completeJob
	return cmd
}

// stopResult is what stop prints.
type stopResult struct {
	Runs []uint64 `json:"runs"`
}

func (a *app) doStop(name string, run uint64) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	r := control.Request{Verb: control.Stop, Job: name, Run: run}
	client, answer, err := s.ask(r)
	if err != nil {
		return err
	}
	defer client.Close()
	for !answer.Last {
		if answer, err = client.Next(); err != nil {
			return s.refused(err, r)
		}
	}
	s.seen(answer)
	if a.json {
		return a.printJSON(stopResult{append([]uint64{}, answer.Runs...)}) // no null in the output
	}
	fmt.Fprintln(a.out, stopped(answer.Runs))
	return nil
}

// stopped says which runs were stopped.
func stopped(runs []uint64) string {
	switch len(runs) {
	case 0:
		return "nothing ran"
	case 1:
		return fmt.Sprintf("stopped run %d", runs[0])
	}
	return "stopped runs " + strings.Trim(strings.ReplaceAll(fmt.Sprint(runs), " ", ", "), "[]")
}

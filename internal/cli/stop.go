package cli

import (
	"fmt"
	"strings"
	"sync"
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

  --run NUMBER    stop only this run, of one job
  --for DURATION  also disable the job for this long, such as 2h. A service
                  starts again after that time
  --until TIME    also disable the job until a time such as 18:00,
                  "tomorrow 4pm", "now + 1h" or "2026-12-24 18:00"
  --json          print {"runs": their numbers}
`

func (a *app) stop() *cobra.Command {
	var run uint64
	var until untilFlags
	cmd := takes(a.reader("stop JOB...", stopHelp, func(args []string) error { return a.doStop(args, run, &until) }), 1, many, "job")
	until.add(cmd.Flags())
	cmd.Flags().Uint64Var(&run, "run", 0, "")
	cmd.ValidArgsFunction = a.completeJobs
	return cmd
}

// runsResult is the JSON of stop and signal.
type runsResult struct {
	Runs []uint64 `json:"runs"`
}

func (a *app) doStop(words []string, run uint64, until *untilFlags) error {
	end, err := until.instant("stop", time.Now())
	if err == nil && run != 0 && !end.IsZero() {
		err = usage("jobsd help stop", "stop: --run cannot be combined with --for or --until")
	}
	if err != nil {
		return err
	}
	s, jobs, err := a.someJobs(words, run)
	if err != nil {
		return err
	}
	runs, err := a.askForRuns(s, jobs, control.Request{Verb: control.Stop, Run: run, Until: end}, func(job string, runs []uint64, held bool) {
		if len(runs) == 0 {
			fmt.Fprintf(a.out, "%s was not running\n", job)
		} else {
			fmt.Fprintf(a.out, "stopped %s of %s\n", runsText(runs), job)
		}
		switch {
		case !end.IsZero():
			fmt.Fprintf(a.out, "%s is disabled until %s\n", job, when(end, time.Now(), false))
		case held:
			fmt.Fprintf(a.out, "%s stays stopped until it is started: jobsd start %s\n", job, job)
		}
	})
	if a.json && runs != nil {
		if err := a.printJSON(runsResult{runs}); err != nil {
			return err
		}
	}
	return err
}

// someJobs returns the jobs that words name. With the number of a run, there must be exactly one job.
func (a *app) someJobs(words []string, run uint64) (*site, []string, error) {
	s, err := a.site()
	if err != nil {
		return nil, nil, err
	}
	jobs, err := s.expand(words)
	if err == nil && run != 0 && len(jobs) > 1 {
		err = usage("name one job", "--run %d needs exactly one job, but got %d", run, len(jobs))
	}
	return s, jobs, err
}

// askForRuns sends a request for each of the jobs and waits for the answers. It calls tell for each answer, with the runs
// that it is about and whether the job is now a service that stays stopped. It returns all of these runs, nil if there was
// no answer.
func (a *app) askForRuns(s *site, jobs []string, r control.Request, tell func(job string, runs []uint64, held bool)) ([]uint64, error) {
	var lock sync.Mutex
	unwritten := false
	answers := map[string]control.Response{}
	ask := func(job string) error {
		r := r
		r.Job = job
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
		written := s.seen(answer)
		lock.Lock()
		defer lock.Unlock()
		unwritten = unwritten || !written
		answers[job] = answer
		return nil
	}
	var all []uint64
	err := a.together(jobs, ask, func(job string) {
		all = append(append([]uint64{}, all...), answers[job].Runs...) // no null in the output
		if !a.json {
			j := s.known()[job]
			tell(job, answers[job].Runs, j != nil && j.Held)
		}
	})
	a.tellUnwritten(unwritten)
	return all, err
}

// runsText returns the numbers of runs in words: "run 7", "runs 7, 8".
func runsText(runs []uint64) string {
	if len(runs) == 1 {
		return fmt.Sprintf("run %d", runs[0])
	}
	return "runs " + strings.Trim(strings.ReplaceAll(fmt.Sprint(runs), " ", ", "), "[]")
}

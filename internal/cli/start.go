package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/control"
	"jobsd/spawn"
	"jobsd/statefile"
)

const startHelp = `jobsd start - start jobs now

usage: jobsd start [--in DURATION] [--json] JOB... [-- ARGUMENT...]
       jobsd start --wait [--json] JOB [-- ARGUMENT...]

Starts a run of each job, in addition to its schedule, and prints the number of
the run. The arguments are added to the commands of the jobs for these runs. A
job that is disabled or was stopped starts too; a job whose overlap or machines
forbid it is refused. If the run has to wait, for a lock or for max_running, the
output says so. A JOB may be a pattern such as 'web-*'.
`

const restartHelp = `jobsd restart - stop the runs of jobs and start the jobs again

usage: jobsd restart [--for DURATION | --until TIME] [--json] JOB...
                     [-- ARGUMENT...]
       jobsd restart --wait [--json] JOB [-- ARGUMENT...]

Starts the new run when all processes of the old runs are gone. Everything else
works as with "jobsd start".
`

const startJSON = `print {"job", "run", "outcome"}; outcome is like last_run in jobsd-state(5), null without --wait; for several
	jobs or a pattern, an array of these`

func (a *app) start() *cobra.Command {
	o := &order{Request: control.Request{Verb: control.Start}}
	return a.starter(startHelp, o,
		o.waitOption(`print the output of the run, and exit with its exit code: 128 plus the signal number if a signal ended it, 1 if
			it has no exit code. An interrupt ends only the waiting, not the run`),
		o.delayOption("in", &o.In, `delay the start by this long, such as 90s, 10m or 2h30m. The daemon remembers the delayed start
			over restarts and reboots; "jobsd list" shows it and "jobsd stop" cancels it. When it is due, the daemon decides
			whether the run is allowed`),
		a.jsonOption(startJSON))
}

func (a *app) restart() *cobra.Command {
	o := &order{Request: control.Request{Verb: control.Restart}}
	return a.starter(restartHelp, o,
		o.waitOption("print the output of the new run, and exit with its exit code"),
		o.forOption("stop the job now and start it again after this long, such as 2h"),
		o.untilOption("stop the job now and start it again at"),
		a.jsonOption(startJSON))
}

func (a *app) starter(help string, o *order, options ...option) (cmd *cobra.Command) {
	cmd = a.verb(help, a.jobs(0), func(args []string) error {
		if dash := cmd.ArgsLenAtDash(); dash >= 0 {
			args, o.Args = args[:dash], args[dash:]
		}
		if err := jobsOr(o.Verb, "", false, args); err != nil {
			return err
		}
		return a.doStart(args, o)
	}, options...)
	return cmd
}

// startResult is the JSON of start.
type startResult struct {
	Job     string         `json:"job"`
	Run     uint64         `json:"run"`
	Outcome *statefile.Run `json:"outcome"`
}

func (a *app) doStart(words []string, o *order) error {
	s, jobs, err := a.address(o, words)
	if err != nil {
		return err
	}
	if o.Wait {
		o.Job = jobs[0]
		return a.startAndWait(s, o.Request)
	}
	answers, err := a.send(s, jobs, o, 1)
	results := []startResult{}
	for _, x := range answers {
		results = append(results, startResult{Job: x.job, Run: x.Run})
		if !a.json {
			fmt.Fprintln(a.out, startedText(x.state, x.job, x.Run))
		}
	}
	switch {
	case !a.json:
	case len(words) > 1 || isPattern(words[0]):
		return cmp.Or(a.printJSON(results), err)
	case len(results) == 1:
		return a.printJSON(results[0])
	}
	return err
}

// startedText says what happened to a start: the run may have started, wait, or be delayed.
func startedText(j *statefile.Job, job string, run uint64) string {
	text := fmt.Sprintf("started run %d of %s", run, job)
	if j == nil {
		return text
	}
	for _, r := range j.Running {
		if r.Run == run && r.State == statefile.RunPending && r.Why != nil {
			return text + " (waiting for " + awaited(&r) + ")"
		}
	}
	for _, l := range j.DelayedStarts {
		if l.Run == run {
			return fmt.Sprintf("run %d of %s starts %s", run, job, when(l.Due.Time(), time.Now(), true))
		}
	}
	return text
}

// startAndWait starts one job and prints its output until its outcome is known.
func (a *app) startAndWait(s *site, r control.Request) error {
	interrupt := make(chan os.Signal, 1)
	signal.Notify(interrupt, os.Interrupt) // before anybody can see the run
	defer signal.Stop(interrupt)
	client, answer, err := s.ask(r)
	if err != nil {
		return err
	}
	defer client.Close()
	result := startResult{Job: r.Job, Run: answer.Run}
	if !a.json {
		fmt.Fprintf(a.err, "run %d\n", answer.Run) // standard output is the job's
	}
	if result.Outcome, err = a.await(s, client, r, answer.Run, interrupt); err != nil {
		return err
	}
	if a.json {
		err = a.printJSON(result)
	}
	if code := exitOf(result.Outcome); err == nil && code != 0 {
		if result.Outcome.Outcome != statefile.OutcomeExited {
			fmt.Fprintf(a.err, "jobsd: run %d: %s\n", answer.Run, ending(result.Outcome))
		}
		err = &failure{code: code}
	}
	return err
}

// waitResult is how the waiting ended.
type waitResult struct {
	outcome *statefile.Run
	err     error
}

// await prints the output of the run until the daemon sends its outcome.
func (a *app) await(s *site, client *control.Client, r control.Request, run uint64, interrupt <-chan os.Signal) (*statefile.Run, error) {
	over := make(chan waitResult, 1)
	go func() {
		var f waitResult
		var refused *control.Error
		answer, err := client.Next()
		switch {
		case err == nil:
			s.seen(answer)
			err = json.Unmarshal(answer.Outcome, &f.outcome)
			if err != nil || f.outcome == nil {
				f.err = fmt.Errorf("cannot read how run %d ended: %v", run, err)
			}
		case errors.As(err, &refused):
			f.err = err
		default: // the daemon has ended, or was upgraded
			f.outcome, f.err = s.awaitOutcome(r.Job, run, err)
		}
		over <- f
	}()
	t := &tail{app: a, site: s, job: r.Job, run: run}
	defer t.close()
	for {
		select {
		case <-interrupt:
			fate := "continues; to stop it"
			if j := s.known()[r.Job]; j != nil && isDelayed(j, run) {
				fate = "is a delayed start; to cancel it"
			}
			fmt.Fprintf(a.err, "jobsd: run %d %s: jobsd stop --run %d %s\n", run, fate, run, r.Job)
			return nil, &failure{code: 128 + int(spawn.SignalNumber("INT"))}
		case f := <-over:
			if f.err != nil {
				return nil, lostContact(run, f.err, s, r)
			}
			if !a.json {
				err := t.finish()
				return f.outcome, err
			}
			return f.outcome, nil
		case <-t.tick():
			if !a.json {
				if err := t.more(); err != nil {
					return nil, err
				}
			}
		}
	}
}

// successorTime is how long await waits for a new daemon to adopt the run.
const successorTime = 10 * time.Second

// awaitOutcome waits for the outcome of a run in the state file or the journal. It returns err if no daemon runs any longer.
func (s *site) awaitOutcome(job string, run uint64, err error) (*statefile.Run, error) {
	tick := time.NewTicker(followPoll)
	defer tick.Stop()
	for seen := time.Now(); ; <-tick.C {
		state, broken := s.state()
		if broken != nil {
			return nil, broken
		}
		if alive(&state.Daemon) {
			seen = time.Now()
		}
		switch j := state.Jobs[job]; {
		case j != nil && j.LastRun != nil && j.LastRun.Run == run:
			return j.LastRun, nil
		case j != nil && isOpen(j, run) && time.Since(seen) < successorTime:
			continue
		}
		known := alive(&state.Daemon) && state.Daemon.Reload.Done > 0 // then a run that is not in the journal has no outcome
		for entry := range statefile.History(s.State, job) {
			switch r := entry.Record.(type) {
			case *statefile.Ended:
				if r.Outcome.Run == run {
					return &r.Outcome, nil
				}
			case *statefile.Dropped:
				if r.Run == run {
					return nil, &control.Error{Code: control.Refused, Text: fmt.Sprintf("run %d does not start: %s", run, r.Why)}
				}
			}
		}
		if known || time.Since(seen) > successorTime {
			return nil, err
		}
	}
}

// isOpen reports whether a run is pending or live, or a delayed start.
func isOpen(j *statefile.Job, run uint64) bool {
	return slices.ContainsFunc(j.Running, func(r statefile.Running) bool { return r.Run == run }) || isDelayed(j, run)
}

func isDelayed(j *statefile.Job, run uint64) bool {
	return slices.ContainsFunc(j.DelayedStarts, func(l statefile.DelayedStart) bool { return l.Run == run })
}

// lostContact returns the error for a run whose outcome is not known.
func lostContact(run uint64, err error, s *site, r control.Request) error {
	var e *control.Error
	if errors.As(err, &e) {
		return s.refused(err, r)
	}
	return fail(exitNoDaemon, fmt.Sprintf("jobsd logs --run %d %s shows more", run, r.Job), "lost contact with run %d: %w",
		run, err)
}

// exitOf returns the exit code for an outcome.
func exitOf(r *statefile.Run) int {
	switch {
	case r.ExitCode != nil && r.Outcome == statefile.OutcomeExited:
		return *r.ExitCode
	case r.Signal != nil && r.Outcome == statefile.OutcomeSignaled:
		return 128 + int(spawn.SignalNumber(*r.Signal))
	}
	return exitFailed
}

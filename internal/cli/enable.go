package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/control"
)

const enableHelp = `jobsd enable - let disabled jobs run again

usage: jobsd enable [--json] JOB...
       jobsd enable --all [--json]

Slots that passed while a job was disabled do not count as missed and get no
catch-up run. A job with enabled = false in its file stays disabled, and the
output says so. --all does not enable jobs that were disabled by name.

  --all   end "jobsd disable --all"
  --json  print {"jobs", "all"}: the enabled jobs, and whether --all was given
`

const disableHelp = `jobsd disable - keep jobs from running until they are enabled

usage: jobsd disable [--reason TEXT] [--for DURATION | --until TIME] [--json]
                     JOB...
       jobsd disable --all [--reason TEXT] [--for DURATION | --until TIME]
                     [--json]

Keeps a job from starting by itself, also after restarts and reboots; "jobsd
start" still starts it. A running job continues, but a service is stopped.
Slots that pass do not count as missed. The state file and "jobsd list" show who
disabled the job, when and why.

  --all           disable all jobs, also those that are added later
  --reason TEXT   store a reason for others to read. Without it, an earlier
                  reason is kept
  --for DURATION  disable only for this long, such as 2h; then the daemon
                  enables the job by itself
  --until TIME    disable only until a time such as 18:00, "tomorrow 4pm",
                  "now + 1h" or "2026-12-24 18:00"
  --json          print {"jobs", "all"}: the disabled jobs, and whether --all
                  was given
`

func (a *app) enable() *cobra.Command {
	return a.abler(control.Enable, "enabled", enableHelp)
}

func (a *app) disable() *cobra.Command {
	return a.abler(control.Disable, "disabled", disableHelp)
}

func (a *app) abler(name, done, help string) *cobra.Command {
	var r control.Request
	var until untilFlags
	cmd := a.reader(name+" JOB...", help, func(words []string) (err error) {
		r.Verb = name
		if r.Until, err = until.instant(name, time.Now()); err != nil {
			return err
		}
		s, err := a.site()
		if err != nil {
			return err
		}
		jobs, err := s.expand(words)
		if err != nil {
			return err
		}
		if !r.Until.IsZero() {
			done += " until " + when(r.Until, time.Now(), false)
		}
		changed := ableResult{Jobs: []string{}, All: r.All}
		var last control.Response
		defer func() { // wait only once: with ten thousand jobs the state file takes a while
			if a.tellUnseen(s, last); name == control.Enable {
				a.tellHeld(s, jobs)
			}
		}()
		able := func(what string) error {
			answer, err := s.able(r)
			if err == nil {
				last = answer
				if !r.All {
					changed.Jobs = append(changed.Jobs, what)
				}
				if !a.json {
					fmt.Fprintf(a.out, "%s: %s\n", what, done)
				}
			}
			return err
		}
		if r.All {
			err = able("all jobs")
		} else {
			err = a.each(jobs, func(job string) error {
				r.Job = job
				return able(job)
			})
		}
		if a.json && (err == nil || len(changed.Jobs) > 0) {
			if err := a.printJSON(changed); err != nil {
				return err
			}
		}
		return err
	})
	cmd.Flags().BoolVar(&r.All, "all", false, "")
	if name == control.Disable {
		cmd.Flags().StringVar(&r.Reason, "reason", "", "")
		until.add(cmd.Flags())
	}
	cmd.Args = func(_ *cobra.Command, args []string) error {
		switch hint := "jobsd help " + name; {
		case r.All && len(args) > 0:
			return usage(hint, "%s: --all cannot be combined with job names", name)
		case !r.All && len(args) == 0:
			return usage(hint, "%s: no job given", name)
		}
		return nil
	}
	cmd.ValidArgsFunction = a.completeJobs
	return cmd
}

// ableResult is the JSON of enable and disable.
type ableResult struct {
	Jobs []string `json:"jobs"`
	All  bool     `json:"all"`
}

func (s *site) able(r control.Request) (control.Response, error) {
	client, answer, err := s.ask(r)
	if err == nil {
		client.Close()
	}
	return answer, err
}

// tellHeld prints which of the enabled jobs still do not run because they are held.
func (a *app) tellHeld(s *site, jobs []string) {
	known := s.known()
	for _, job := range jobs {
		if j := known[job]; j != nil && j.Held {
			fmt.Fprintf(a.err, "jobsd: %s stays held because it was stopped; start it with: jobsd start %s\n", job, job)
		}
	}
}

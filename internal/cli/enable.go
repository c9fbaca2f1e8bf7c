package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/control"
)

const enableHelp = `jobsd enable - let jobs run again that were disabled

usage: jobsd enable [--json] JOB...
       jobsd enable --all [--json]

What passed while a job was disabled is not missed and not made up for. It
cannot override enabled = false in a job file, and says so; nor does --all
enable what was disabled by name.

  --all   end jobsd disable --all
  --json  {"jobs", "all"}: the jobs that were enabled, and whether all were
`

const disableHelp = `jobsd disable - keep jobs from running until they are enabled

usage: jobsd disable [--reason TEXT] [--for DURATION | --until TIME] [--json]
                     JOB...
       jobsd disable --all [--reason TEXT] [--for DURATION | --until TIME]
                     [--json]

Nothing of the job starts of its own accord any more, over restarts and
reboots; jobsd start still does. What runs goes on, but a service is stopped.
Slots that pass are not missed. Who did it, when and why stands in the state
file, and above jobsd list.

  --all           all jobs, those too that are added later
  --reason TEXT   for others to read. Without it, a reason that was given
                  before stays
  --for DURATION  only for so long, such as 2h; the daemon enables it by itself
  --until TIME    only until a time such as 18:00, "tomorrow 4pm", "now + 1h" or
                  "2026-12-24 18:00"
  --json          {"jobs", "all"}: the jobs that were disabled, and whether all
                  were
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
		defer func() { // once: with ten thousand jobs the state file takes its time
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
			return usage(hint, "%s: either --all or jobs", name)
		case !r.All && len(args) == 0:
			return usage(hint, "%s: which job?", name)
		}
		return nil
	}
	cmd.ValidArgsFunction = a.completeJobs
	return cmd
}

// ableResult is what enable and disable print.
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

// tellHeld says what else keeps a job from running that was enabled.
func (a *app) tellHeld(s *site, jobs []string) {
	known := s.known()
	for _, job := range jobs {
		if j := known[job]; j != nil && j.Held {
			fmt.Fprintf(a.err, "jobsd: %s stays held, as it was stopped: jobsd start %s\n", job, job)
		}
	}
}

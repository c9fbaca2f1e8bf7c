package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"jobsd/internal/control"
)

const enableHelp = `jobsd enable - let jobs run again that were disabled

usage: jobsd enable JOB...
       jobsd enable --all

What passed while a job was disabled is not missed and not made up for. It
cannot override enabled = false in a job file, and says so; nor does --all
enable what was disabled by name.

  --all  end jobsd disable --all
`

const disableHelp = `jobsd disable - keep jobs from running until they are enabled

usage: jobsd disable [--reason TEXT] JOB...
       jobsd disable [--reason TEXT] --all

Nothing of the job starts of its own accord any more, over restarts and
reboots; jobsd start still does. What runs goes on, but a service is stopped.
Slots that pass are not missed. Who did it, when and why stands in the state
file, and above jobsd list.

  --all          all jobs, those too that are added later
  --reason TEXT  for others to read
`

func (a *app) enable() *cobra.Command {
	return a.abler(control.Enable, "enabled", enableHelp)
}

func (a *app) disable() *cobra.Command {
	return a.abler(control.Disable, "disabled", disableHelp)
}

func (a *app) abler(name, done, help string) *cobra.Command {
	var r control.Request
	cmd := verb(name+" JOB...", help, func(jobs []string) error {
		r.Verb = name
		s, err := a.site()
		if err != nil {
			return err
		}
		var last control.Response
		defer func() { // once: with ten thousand jobs the state file takes its time
			if s.seen(last); name == control.Enable {
				a.tellHeld(s, jobs)
			}
		}()
		able := func(what string) error {
			answer, err := s.able(r)
			if err == nil {
				last = answer
				fmt.Fprintf(a.out, "%s: %s\n", what, done)
			}
			return err
		}
		if r.All {
			return able("all jobs")
		}
		return a.each(jobs, func(job string) error {
			r.Job = job
			return able(job)
		})
	})
	cmd.Flags().BoolVar(&r.All, "all", false, "")
	if name == control.Disable {
		cmd.Flags().StringVar(&r.Reason, "reason", "", "")
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

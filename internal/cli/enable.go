package cli

import (
	"cmp"
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
`

func (a *app) enable() *cobra.Command {
	o := order{Request: control.Request{Verb: control.Enable}}
	return a.verb(enableHelp, a.jobs(0), func(words []string) error { return a.able(&o, words) },
		o.allOption(`end "jobsd disable --all"`),
		a.jsonOption(`print {"jobs", "all"}: the enabled jobs, and whether --all was given`))
}

func (a *app) disable() *cobra.Command {
	o := order{Request: control.Request{Verb: control.Disable}}
	return a.verb(disableHelp, a.jobs(0), func(words []string) error { return a.able(&o, words) },
		o.allOption("disable all jobs, also those that are added later"),
		opt("reason", aText, &o.Reason, "store a reason for others to read. Without it, an earlier reason is kept"),
		o.forOption("disable only for this long, such as 2h; then the daemon enables the job by itself"),
		o.untilOption("disable the job only until"),
		a.jsonOption(`print {"jobs", "all"}: the disabled jobs, and whether --all was given`))
}

// ableResult is the JSON of enable and disable.
type ableResult struct {
	Jobs []string `json:"jobs"`
	All  bool     `json:"all"`
}

// able enables or disables jobs.
func (a *app) able(o *order, words []string) error {
	if err := jobsOr(o.Verb, "--all", o.All, words); err != nil {
		return err
	}
	s, jobs, err := a.address(o, words)
	if err != nil {
		return err
	}
	done := o.Verb + "d"
	if !o.Until.IsZero() {
		done += " until " + when(o.Until, time.Now(), false)
	}
	result := ableResult{Jobs: []string{}, All: o.All}
	answers, err := a.send(s, jobs, o, 1)
	for _, x := range answers {
		if !o.All {
			result.Jobs = append(result.Jobs, x.job)
		}
		if !a.json {
			fmt.Fprintf(a.out, "%s: %s\n", cmp.Or(x.job, "all jobs"), done)
		}
		if o.Verb == control.Enable && x.state != nil && x.state.Held {
			fmt.Fprintf(a.err, "jobsd: %s stays held because it was stopped; start it with: jobsd start %s\n", x.job, x.job)
		}
	}
	if a.json && answers != nil {
		return cmp.Or(a.printJSON(result), err)
	}
	return err
}

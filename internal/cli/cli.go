// Package cli is the command line, with one file for each verb. It reads files and prints. It talks to the daemon only
// over the control socket and with signals.
package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/runner"
)

const rootHelp = `jobsd - run jobs at set times, at intervals, at boot, or all the time

usage: jobsd [options] VERB [options] [arguments]

examples
  jobsd add backup --start-at 4:35am -- backup b2 save
  jobsd list
  jobsd logs -f backup

the daemon
  run         run the jobs of the jobs directory; --background returns at once
  start       start jobs now
  stop        stop the runs of jobs
  restart     stop the runs of jobs and start the jobs again
  signal      send a signal to running jobs
  disable     keep jobs from running until they are enabled
  enable      let disabled jobs run again
  reload      make the daemon read its job files again, and print what changed
  upgrade     switch the daemon to the installed program; jobs keep running
  status      show how the daemon is doing

job files
  add         make a job, or add a job file
  remove      remove jobs
  edit        change a job file in an editor
  import      make job files from crontabs, anacrontabs and systemd timers

verbs that only read and need no daemon
  list        list all jobs: next run, last run and how it ended
  show        show everything about a job
  logs        print the output of jobs
  history     list the runs of a job
  next        list when jobs will run
  check       look for mistakes in job files
  schema      print a JSON Schema of job files, for editors

about jobsd
  version     print the version; so do --version, -V and -v
  man         show jobsd(8), jobs.d(5), jobsd-state(5) or jobsd-control(7)
  completion  print a completion script for a shell
  help        show the help of a verb

where things are
  --root DIR       keep jobs.d, state, log, run and jobsd.toml in DIR
                   (environment: JOBSD_ROOT)
  --user           use your own jobsd, in the XDG directories
  --system         use the machine's jobsd: /etc/jobs.d, /var/lib/jobsd,
                   /var/log/jobsd, /run/jobsd
  --config FILE    read FILE as jobsd.toml, the settings of the daemon
  --jobs-dir DIR   read the job files in DIR
  --state-dir DIR  keep the state file and the journal in DIR
  --log-dir DIR    keep the logs in DIR
  --run-dir DIR    keep the pid file and the control socket in DIR

"jobsd help VERB" shows more. Exit codes: 0 success, 1 failed, 2 wrong usage,
3 no such job, 4 not permitted, 5 no daemon, 6 state directory held by another
daemon, 7 state written by a newer jobsd.
`

// app has what the verbs share: the output, and the options that may stand before or after any verb.
type app struct {
	out, err io.Writer
	places   places
	json     bool
	asked    bool // an option asked for the version
	handover *runner.Handover
}

// Main runs the command line args, without the program's name, and returns the exit code.
func Main(args []string) int {
	handover := runner.TakeOver() // first, because until then a signal can end this process
	a := &app{out: onScreen(os.Stdout), err: onScreen(os.Stderr), handover: handover}
	warnTimeStyle(a.err, os.Getenv)
	root := a.command()
	root.SetArgs(args)
	return report(a.err, inFront(root, root.Execute()))
}

func (a *app) command() *cobra.Command {
	root := &cobra.Command{
		Use:               "jobsd",
		Long:              rootHelp,
		Args:              cobra.ArbitraryArgs,
		RunE:              a.noVerb,
		ValidArgsFunction: cobra.NoFileCompletions,
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetHelpTemplate(helpTemplate)
	root.SetFlagErrorFunc(wrongOption)
	root.TraverseChildren = true // an option in front of a verb does not belong to the verb: --user means something else to add
	a.places.flags(root)
	a.versionFlags(root.Flags())
	root.AddCommand(a.run(), a.start(), a.stop(), a.restart(), a.signal(), a.enable(), a.disable(), a.reload(), a.status(),
		a.list(), a.show(), a.logs(), a.history(), a.next(), a.check(), a.schema(), a.add(), a.remove(),
		a.edit(), a.imports(), a.upgrade(), a.candidate(), a.version(), a.man(), a.completion())
	root.SetHelpCommand(a.help())
	for _, cmd := range append(root.Commands(), root) {
		explain(cmd)
	}
	return root
}

// helpTemplate prints our texts unchanged.
const helpTemplate = `{{.Long | trimTrailingWhitespaces}}
`

func (a *app) noVerb(cmd *cobra.Command, args []string) error {
	if a.asked {
		return a.doVersion()
	}
	if len(args) == 0 {
		fmt.Fprint(a.err, rootHelp)
		return &failure{code: exitUsage}
	}
	var verbs []string
	for _, c := range visible(cmd) {
		verbs = append(verbs, c.Name())
	}
	hint := "jobsd help"
	if v := jobfile.Nearest(args[0], verbs); v != "" {
		hint = fmt.Sprintf("did you mean %q?", v)
	}
	return usage(hint, "no verb is called %q", args[0])
}

// verb makes a command from its usage line, its help and its function. The first line of the help has the summary.
func verb(use, help string, do func(args []string) error) *cobra.Command {
	summary, _, _ := strings.Cut(help, "\n")
	_, summary, _ = strings.Cut(summary, " - ")
	return &cobra.Command{
		Use:                   use,
		Short:                 summary,
		Long:                  help,
		DisableFlagsInUseLine: true,
		RunE:                  func(_ *cobra.Command, args []string) error { return do(args) },
		ValidArgsFunction:     cobra.NoFileCompletions,
	}
}

// reader makes a verb with --json.
func (a *app) reader(use, help string, do func(args []string) error) *cobra.Command {
	cmd := verb(use, help, do)
	cmd.Flags().BoolVar(&a.json, "json", false, "print JSON")
	return cmd
}

// many stands for any number of arguments.
const many = math.MaxInt

// takes makes a verb refuse fewer than least and more than most arguments. The kind of the arguments is for the messages.
func takes(cmd *cobra.Command, least, most int, kind string) *cobra.Command {
	cmd.Args = func(_ *cobra.Command, args []string) error {
		hint := "jobsd help " + cmd.Name()
		switch {
		case len(args) < least:
			return usage(hint, "%s: no %s given", cmd.Name(), kind)
		case len(args) > most && most == 0:
			return usage(hint, "%s takes no arguments, but got %q", cmd.Name(), args[0])
		case len(args) > most:
			return usage(hint, "%s takes one %s, but also got %q", cmd.Name(), kind, args[most])
		}
		return nil
	}
	return cmd
}

// printJSON prints v as one indented document.
func (a *app) printJSON(v any) error {
	enc := json.NewEncoder(a.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("cannot print: %w", err)
	}
	return nil
}

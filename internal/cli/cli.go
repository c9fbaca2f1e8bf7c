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

	"jobsd/runner"
)

const rootHelp = `jobsd - run jobs at set times, at intervals, at boot, or all the time

usage: jobsd [options] VERB [options] [arguments]

examples
  jobsd add backup --start-at 4:35am -- backup b2 save
  jobsd list
  jobsd logs -f backup
`

const rootHelpEnd = `"jobsd help VERB" shows more. Exit codes: 0 success, 1 failed, 2 wrong usage,
3 no such job, 4 not permitted, 5 no daemon, 6 state directory held by another
daemon, 7 state written by a newer jobsd.
`

// group is a part of the list of verbs in the help.
type group struct {
	title string
	verbs []*cobra.Command
}

func (g group) rows() (rows []row) {
	for _, cmd := range g.verbs {
		rows = append(rows, row{cmd.Name(), cmd.Short})
	}
	return rows
}

// addVerbs adds the verbs, and returns the list of them for the help.
func (a *app) addVerbs(root, help *cobra.Command) string {
	groups := []group{
		{"the daemon", []*cobra.Command{a.run(), a.start(), a.stop(), a.restart(), a.signal(), a.disable(), a.enable(), a.reload(),
			a.upgrade(), a.status()}},
		{"job files", []*cobra.Command{a.add(), a.remove(), a.edit(), a.imports()}},
		{"notifications", []*cobra.Command{a.notify()}},
		{"verbs that only read and need no daemon", []*cobra.Command{a.list(), a.show(), a.logs(), a.history(), a.next(), a.check(),
			a.schema()}},
		{"about jobsd", []*cobra.Command{a.version(), a.man(), a.completion(), help}},
	}
	var all []row
	for _, g := range groups {
		all = append(all, g.rows()...)
		root.AddCommand(g.verbs...)
	}
	root.AddCommand(a.candidate())
	text, column := "", columnOf(all)
	for _, g := range groups {
		text += "\n" + g.title + "\n" + layOut(column, g.rows())
	}
	return text
}

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
	help := a.help()
	root.SetHelpCommand(help)
	root.Long = rootHelp + a.addVerbs(root, help)
	places := a.places.options()
	for _, o := range places {
		o.declare(root, root.PersistentFlags())
	}
	for _, o := range a.versionOptions() {
		o.declare(root, root.Flags())
	}
	root.Long += "\nwhere things are\n" + layOutOptions(places) + "\n" + rootHelpEnd
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
		fmt.Fprint(a.err, cmd.Long)
		return &failure{code: exitUsage}
	}
	var verbs []string
	for _, c := range visible(cmd) {
		verbs = append(verbs, c.Name())
	}
	return usage(nearest(args[0], verbs, "jobsd help"), "no verb is called %q", args[0])
}

// verb makes a command from its help, its arguments, its function and its options. The first line of the help has the name
// and the summary of the verb.
func (a *app) verb(help string, takes arguments, do func(args []string) error, options ...option) *cobra.Command {
	first, _, _ := strings.Cut(help, "\n")
	name, summary, _ := strings.Cut(strings.TrimPrefix(first, "jobsd "), " - ")
	cmd := &cobra.Command{
		Use:               name,
		Short:             summary,
		Long:              help,
		Args:              takes.check,
		RunE:              func(_ *cobra.Command, args []string) error { return do(args) },
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	if takes.complete != nil {
		cmd.ValidArgsFunction = takes.complete
	}
	if text := layOutOptions(options); text != "" {
		cmd.Long += "\n" + text
	}
	for _, o := range options {
		if o.to != nil {
			o.declare(cmd, cmd.Flags())
		}
	}
	return cmd
}

// here makes the function of a verb that reads the site.
func (a *app) here(do func(s *site, args []string) error) func(args []string) error {
	return func(args []string) error {
		s, err := a.site()
		if err != nil {
			return err
		}
		return do(s, args)
	}
}

// arguments says which arguments a verb takes.
type arguments struct {
	least, most int
	kind        string // for the messages
	complete    completer
}

// many stands for any number of arguments.
const many = math.MaxInt

// jobs are at least that many names of jobs.
func (a *app) jobs(least int) arguments { return arguments{least, many, "job", a.completeJobs} }

func (a *app) oneJob() arguments { return arguments{1, 1, "job", a.completeJob} }

func (t arguments) check(cmd *cobra.Command, args []string) error {
	hint := "jobsd help " + cmd.Name()
	switch {
	case len(args) < t.least:
		return usage(hint, "%s: no %s given", cmd.Name(), t.kind)
	case len(args) > t.most && t.most == 0:
		return usage(hint, "%s takes no arguments, but got %q", cmd.Name(), args[0])
	case len(args) > t.most:
		return usage(hint, "%s takes one %s, but also got %q", cmd.Name(), t.kind, args[t.most])
	}
	return nil
}

// jobsOr checks the arguments of a verb that takes either jobs or an option that stands for all of them.
func jobsOr(verb, option string, given bool, args []string) error {
	switch hint := "jobsd help " + verb; {
	case given && len(args) > 0:
		return usage(hint, "%s: %s cannot be combined with job names", verb, option)
	case !given && len(args) == 0:
		return usage(hint, "%s: no job given", verb)
	}
	return nil
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

package cli

import (
	"slices"

	"github.com/spf13/cobra"
)

// completer offers words for the argument that is being typed. args are the arguments before it.
type completer = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective)

// only offers words for a verb with a single argument.
func only(words []string) completer {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			words = nil
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// orFiles offers files for all arguments after the first, which words completes with that directive.
func orFiles(words []string, directive cobra.ShellCompDirective) completer {
	return func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return words, directive
	}
}

// completeJob offers the names of jobs for a verb with a single argument.
func (a *app) completeJob(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeJobs(cmd, args, word)
}

// completeJobs offers the names of jobs that are not among the arguments yet. Arguments after -- are not jobs.
func (a *app) completeJobs(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if dash := cmd.ArgsLenAtDash(); dash >= 0 && dash < len(args) {
		return nil, cobra.ShellCompDirectiveDefault
	}
	jobs := slices.DeleteFunc(a.jobNames(), func(name string) bool { return slices.Contains(args, name) })
	return jobs, cobra.ShellCompDirectiveNoFileComp
}

// jobNames returns the jobs of the state file or, if there is no state file yet, those of the job files.
func (a *app) jobNames() []string {
	if _, state, err := a.state(); err == nil {
		return names(state)
	}
	s, err := a.site()
	if err != nil {
		return nil
	}
	var jobs []string
	for _, d := range s.load(s.Jobs).Definitions() {
		jobs = append(jobs, d.Name)
	}
	return jobs
}

package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
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

// completeJob offers the names of jobs for a verb with a single argument.
func (a *app) completeJob(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeJobs(cmd, args, word)
}

// completeJobs offers the names of jobs that are not among the arguments yet.
func (a *app) completeJobs(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
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
	for _, j := range s.load(s.Jobs).Jobs {
		jobs = append(jobs, j.Def.Name)
	}
	slices.Sort(jobs)
	return jobs
}

// These options take certain words, files or directories. All others take any value.
var (
	optionWords = map[string][]string{
		"log-level":  logLevels,
		"log-format": logFormats,
		"sort":       sortWords,
		"days":       {"weekdays", "weekends", "mon", "tue", "wed", "thu", "fri", "sat", "sun"},
	}
	optionFiles = map[string][]string{"config": {"toml"}, "file": jobSuffixes, "env-file": {}}
	optionDirs  = []string{"root", "jobs-dir", "state-dir", "log-dir", "run-dir", "dir", "extra-path"}
	jobSuffixes = []string{"toml", "json"}
)

// explain tells the shell how to complete each option of a command: its values, and its description from the help.
func explain(cmd *cobra.Command) {
	texts := optionTexts(cmd.Long)
	one := func(f *pflag.Flag) {
		if text := texts[spelled(f)]; f.Usage == "" {
			text, _, _ = strings.Cut(text, "; ")
			f.Usage, _, _ = strings.Cut(text, ". ")
		}
		switch {
		case optionFiles[f.Name] != nil:
			_ = cmd.MarkFlagFilename(f.Name, optionFiles[f.Name]...)
		case slices.Contains(optionDirs, f.Name):
			_ = cmd.MarkFlagDirname(f.Name)
		default:
			words := optionWords[f.Name]
			if key, ok := f.Value.(*option); ok && words == nil {
				words = key.words()
			}
			_ = cmd.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	cmd.LocalNonPersistentFlags().VisitAll(one)
	cmd.PersistentFlags().VisitAll(one)
}

// spelled returns an option as the help writes it.
func spelled(f *pflag.Flag) string {
	if f.Shorthand != "" {
		return "-" + f.Shorthand
	}
	return "--" + f.Name
}

// optionTexts returns the description of each option in a help text. It begins on a line with two blanks and one or
// several options, and continues on lines that are indented more.
func optionTexts(help string) map[string]string {
	texts := map[string]string{}
	var here []string
	for line := range strings.SplitSeq(help, "\n") {
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if indent == 2 && strings.HasPrefix(text, "-") {
			var options string
			options, text, _ = strings.Cut(text, "  ")
			here = nil
			for _, word := range strings.Fields(options) {
				if strings.HasPrefix(word, "-") {
					here = append(here, strings.Trim(word, ","))
				}
			}
		} else if indent <= 2 {
			here = nil
		}
		for _, option := range here {
			texts[option] = strings.TrimSpace(texts[option] + " " + strings.TrimSpace(text))
		}
	}
	return texts
}

package cli

import "github.com/spf13/cobra"

const helpHelp = `jobsd help - show the help of a verb

usage: jobsd help [VERB]
`

func (a *app) help() *cobra.Command {
	var cmd *cobra.Command
	cmd = takes(verb("help [VERB]", helpHelp, func(args []string) error {
		root := cmd.Root()
		if len(args) == 0 {
			return root.Help()
		}
		for _, c := range root.Commands() {
			if c.Name() == args[0] {
				return c.Help()
			}
		}
		return a.noVerb(root, args)
	}), 0, 1, "verb")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		var verbs []string
		for _, c := range visible(cmd.Root()) {
			verbs = append(verbs, cobra.CompletionWithDesc(c.Name(), c.Short))
		}
		return only(verbs)(cmd, args, word)
	}
	return cmd
}

// visible returns the verbs for people.
func visible(root *cobra.Command) []*cobra.Command {
	var verbs []*cobra.Command
	for _, c := range root.Commands() {
		if !c.Hidden {
			verbs = append(verbs, c)
		}
	}
	return verbs
}

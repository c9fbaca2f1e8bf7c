package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/plain"
)

const helpHelp = `jobsd help - show the help of a verb

usage: jobsd help [VERB]
`

func (a *app) help() *cobra.Command {
	var cmd *cobra.Command
	cmd = a.verb(helpHelp, arguments{0, 1, "verb", func(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
		var verbs []string
		for _, c := range visible(cmd.Root()) {
			verbs = append(verbs, cobra.CompletionWithDesc(c.Name(), c.Short))
		}
		return only(verbs)(cmd, args, word)
	}}, func(args []string) error {
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
	})
	return cmd
}

// visible returns the verbs for people.
func visible(root *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(slices.Clone(root.Commands()), func(c *cobra.Command) bool { return c.Hidden })
}

// helpWidth is the longest line of a help text, in characters.
const helpWidth = 80

// row is an option or a verb in a help text, and what it is for. A row without a name is a paragraph.
type row struct{ name, about string }

// columnOf returns the column in which all descriptions begin.
func columnOf(rows []row) (column int) {
	for _, r := range rows {
		column = max(column, len("  "+r.name+"  "))
	}
	return column
}

// layOut returns rows as text, with the descriptions in that column.
func layOut(column int, rows []row) string {
	var b strings.Builder
	for _, r := range rows {
		if r.name == "" {
			fmt.Fprintf(&b, "\n%s\n\n", strings.Join(plain.Wrap(r.about, helpWidth), "\n"))
			continue
		}
		name := "  " + r.name
		for _, line := range plain.Wrap(r.about, helpWidth-column) {
			fmt.Fprintf(&b, "%-*s%s\n", column, name, line)
			name = ""
		}
	}
	return b.String()
}

// layOutOptions returns the options as text, except for hidden ones.
func layOutOptions(options []option) string {
	var rows []row
	for _, o := range options {
		if !o.hidden {
			rows = append(rows, o.row())
		}
	}
	return layOut(columnOf(rows), rows)
}

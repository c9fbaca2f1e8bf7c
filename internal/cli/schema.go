package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
)

const schemaHelp = `jobsd schema - print what an editor needs to know of job files

usage: jobsd schema [jobs.d|jobsd.toml]

Prints a JSON Schema (draft 7) of job files, or of jobsd.toml, with which an
editor completes keys, tells what they are for and marks mistakes. It sees most
of them; "jobsd check" sees all. Keep it in a file, which the daemon passes
over for the dot in its name:

  jobsd schema > /etc/jobs.d/.schema.json

and let a job file name it, in TOML by a comment in the first line, in JSON by
a key that the daemon passes over, too:

  #:schema ./.schema.json
  {"$schema": "./.schema.json", ...}
`

var schemas = map[string]func() map[string]any{
	"jobs.d":     jobfile.JobSchema,
	"jobsd.toml": jobfile.ConfigSchema,
}

func (a *app) schema() *cobra.Command {
	cmd := takes(verb("schema [FILE]", schemaHelp, a.doSchema), 0, 1, "file")
	cmd.ValidArgsFunction = only(schemaNames())
	return cmd
}

func schemaNames() []string { return slices.Sorted(maps.Keys(schemas)) }

func (a *app) doSchema(args []string) error {
	name := "jobs.d"
	if len(args) > 0 {
		name = args[0]
	}
	of, ok := schemas[name]
	if !ok {
		return usage("there is one of "+strings.Join(schemaNames(), " and of "), "there is no schema of %q", name)
	}
	return a.printJSON(of())
}

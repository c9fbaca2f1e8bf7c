package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
)

const schemaHelp = `jobsd schema - print a JSON Schema of job files, for editors

usage: jobsd schema [jobs.d|jobsd.toml]

Prints a JSON Schema (draft 7) of job files, or of jobsd.toml. With it, an
editor completes keys, explains them and marks mistakes. It finds most mistakes;
"jobsd check" finds all. Keep it in a file that begins with a dot, which the
daemon ignores:

  jobsd schema > /etc/jobs.d/.schema.json

A job file names it in a comment on the first line (TOML), or in a key that the
daemon ignores (JSON):

  #:schema ./.schema.json
  {"$schema": "./.schema.json", ...}
`

var schemas = map[string]func() map[string]any{
	"jobs.d":     jobfile.JobSchema,
	"jobsd.toml": jobfile.ConfigSchema,
}

func (a *app) schema() *cobra.Command {
	return a.verb(schemaHelp, arguments{0, 1, "file", only(schemaNames())}, a.doSchema)
}

func schemaNames() []string { return slices.Sorted(maps.Keys(schemas)) }

func (a *app) doSchema(args []string) error {
	name := "jobs.d"
	if len(args) > 0 {
		name = args[0]
	}
	of, ok := schemas[name]
	if !ok {
		return usage("the schemas are "+strings.Join(schemaNames(), " and "), "there is no schema of %q", name)
	}
	return a.printJSON(of())
}

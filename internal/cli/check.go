package cli

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/spf13/cobra"
)

const checkHelp = `jobsd check - look for mistakes in job files

usage: jobsd check [--json] [DIR]

Reads the jobs directory, or DIR, and jobsd.toml as a daemon would, and prints all that is wrong with them. Exits 1 if
anything is. It needs no daemon and changes nothing.

  --json   {"files", "jobs", "errors": [{"file", "line", "column", "key", "message"}]}: how many files and good jobs,
           and each mistake; line and column count from 1 and are 0 where it is about the file as a whole
`

func (a *app) check() *cobra.Command {
	cmd := takes(a.reader("check [DIR]", checkHelp, a.doCheck), 0, 1, "directory")
	cmd.ValidArgsFunction = nil // the shell completes directories
	return cmd
}

// mistake is one error as JSON.
type mistake struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Key     string `json:"key"`
	Message string `json:"message"`
}

func (a *app) doCheck(args []string) error {
	s, err := a.places.readerSite()
	if err != nil {
		return err
	}
	dir := s.Jobs
	if len(args) > 0 {
		dir = absolute(args[0])
	}
	set := s.load(dir)
	if a.json {
		mistakes := []mistake{} // no null in the output
		for _, e := range set.Errors {
			mistakes = append(mistakes, mistakeOf(e))
		}
		err = a.printJSON(struct {
			Files  int       `json:"files"`
			Jobs   int       `json:"jobs"`
			Errors []mistake `json:"errors"`
		}{set.Files, len(set.Jobs), mistakes})
	} else {
		for _, e := range set.Errors {
			fmt.Fprintln(a.out, e)
		}
		fmt.Fprintf(a.out, "%s, %s, %s\n", count(set.Files, "file"), count(len(set.Jobs), "job"),
			errorCount(len(set.Errors)))
	}
	if err == nil && len(set.Errors) > 0 {
		err = notWell
	}
	return err
}

func errorCount(n int) string {
	if n == 0 {
		return "no errors"
	}
	return count(n, "error")
}

// positioned is how a mistake is told: file:line:column: key: message, of which all but the message may be missing.
var positioned = regexp.MustCompile(
	`^(?:([^:]+)(?::(\d+):(\d+))?: )?(?:([a-z][a-z0-9_]*(?:\.[A-Za-z0-9_-]+)*): )?(.*)$`)

func mistakeOf(e string) mistake {
	m := positioned.FindStringSubmatch(e)
	number := func(s string) int {
		n, _ := strconv.Atoi(s) // "" is 0
		return n
	}
	return mistake{m[1], number(m[2]), number(m[3]), m[4], m[5]}
}

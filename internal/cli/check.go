package cli

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

const checkHelp = `jobsd check - look for mistakes in job files

usage: jobsd check [--diff] [--json] [DIR]

Reads the jobs directory, or DIR, and jobsd.toml as a daemon would, and prints
all that is wrong with them. Exits 1 if anything is. It needs no daemon and
changes nothing.

What is allowed but hardly meant is a warning, which does not count as wrong: a
job that shuts the machine down or suspends it while catch_up is on, for it
would do so again as soon as the machine is up.

  --diff  tell also what a reload would do: which jobs are new, changed or
          removed, and which stay as they are because their file is refused
  --json  {"files", "jobs", "errors": [{"file", "line", "column", "key",
          "message"}], "warnings": [the same], "read_only"}: how many files
          and good jobs, and each mistake; line and column count from 1 and
          are 0 where they are not known; the paths that are trusted because
          their mount is read-only. With --diff also "diff": {"new",
          "changed", "removed", "stale"}, the names of jobs
`

func (a *app) check() *cobra.Command {
	var compare bool
	cmd := takes(a.reader("check [DIR]", checkHelp, func(args []string) error { return a.doCheck(args, compare) }), 0, 1, "directory")
	cmd.Flags().BoolVar(&compare, "diff", false, "")
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
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

func (a *app) doCheck(args []string, compare bool) error {
	s, err := a.places.readerSite()
	if err != nil {
		return err
	}
	dir := s.Jobs
	if len(args) > 0 {
		dir = absolute(args[0])
	}
	set := s.load(dir)
	var d *diff
	if compare {
		if d, err = s.diff(set); err != nil {
			return err
		}
	}
	if a.json {
		c := checkResult(set)
		c.Diff = d
		err = a.printJSON(c)
	} else {
		writeCheck(a.out, set)
		writeDiff(a.out, d)
		if daemon, err := statefile.ReadDaemon(s.State); err == nil && daemon.JobsDir == dir {
			a.warnUnloaded(daemon)
		}
	}
	if err == nil && len(set.Errors) > 0 {
		err = notWell
	}
	return err
}

// checked is what is printed as JSON.
type checked struct {
	Files    int       `json:"files"`
	Jobs     int       `json:"jobs"`
	Errors   []mistake `json:"errors"`
	Warnings []mistake `json:"warnings"`
	ReadOnly []string  `json:"read_only"`
	Diff     *diff     `json:"diff,omitempty"`
}

func checkResult(set *jobfile.Set) checked {
	c := checked{Files: set.Files, Jobs: len(set.Jobs), Errors: []mistake{}, Warnings: []mistake{}} // no null in the output
	for _, e := range set.Errors {
		c.Errors = append(c.Errors, mistakeOf(e))
	}
	c.Warnings = append(c.Warnings, warnings(set)...)
	c.ReadOnly = append([]string{}, set.Sealed...)
	return c
}

func writeCheck(w io.Writer, set *jobfile.Set) {
	for _, e := range set.Errors {
		fmt.Fprintln(w, e)
	}
	writeSealed(w, set)
	warned := warnings(set)
	writeWarnings(w, warned)
	total := fmt.Sprintf("%s, %s, %s", count(set.Files, "file"), count(len(set.Jobs), "job"), errorCount(len(set.Errors)))
	if len(warned) > 0 {
		total += ", " + count(len(warned), "warning")
	}
	fmt.Fprintln(w, total)
}

// writeSealed names what is trusted only because it is on a read-only mount: the directory stands for all that is in it.
func writeSealed(w io.Writer, set *jobfile.Set) {
	for _, path := range set.Sealed {
		if path == set.Dir || filepath.Dir(path) != set.Dir || !slices.Contains(set.Sealed, set.Dir) {
			fmt.Fprintf(w, "trusted because its mount is read-only: %s\n", path)
		}
	}
}

func writeWarnings(w io.Writer, warned []mistake) {
	for _, m := range warned {
		fmt.Fprintf(w, "warning: %s:%d: %s: %s\n", m.File, m.Line, m.Key, m.Message)
	}
}

// warnings are about what is allowed but hardly meant.
func warnings(set *jobfile.Set) (list []mistake) {
	for _, j := range set.Jobs {
		d := j.Def
		command := haltingCommand(d)
		if command == "" || d.CatchUp.Max == 0 || d.Schedule.Kind() == schedule.None {
			continue
		}
		list = append(list, mistake{File: d.File, Line: int(d.Line), Key: "catch_up", Message: fmt.Sprintf(
			"%s runs %q: missed while the machine is off, it would take it down again as soon as it is up; "+
				"add catch_up = false", d.Name, command)})
	}
	slices.SortFunc(list, func(a, b mistake) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	return list
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

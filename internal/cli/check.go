package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/internal/plain"
	"jobsd/statefile"
)

const checkHelp = `jobsd check - look for mistakes in job files

usage: jobsd check [--diff] [--json] [DIR]
       jobsd check [--json] FILE...

Reads the jobs directory, or DIR, and jobsd.toml as a daemon would, and prints
all mistakes in them. Exits 1 if there are any. It needs no daemon and changes
nothing.

Checks each FILE by itself, wherever it is and whoever can write it. This is for
programs that install job files: validate="jobsd check %s". A file that does not
end in .toml or .json is JSON if it begins with a brace; a file whose name
begins with jobsd.toml has settings. The users and groups that a file names must
exist on the machine that checks it.

Warns of what is allowed but probably a mistake: a command of one word with
blanks in it, characters that only a shell reads, a program, directory or
env_file that does not exist, a time that is past, mail without a mailer, a job
that shuts the machine down while catch_up is on. Warnings do not change the
exit code.
`

func (a *app) check() *cobra.Command {
	var compare bool
	takes := arguments{0, many, "file", orFiles(nil, cobra.ShellCompDirectiveDefault)}
	return a.verb(checkHelp, takes, func(args []string) error { return a.doCheck(args, compare) },
		opt("diff", nothing, &compare, `also print what a reload would do: which jobs are new, changed or removed, and which are stale: they
			stay unchanged because their file is refused`),
		a.jsonOption(`print {"files", "jobs", "errors": [{"file", "line", "column", "key", "message"}], "warnings": [the same],
			"read_only", "ignored"}: the number of files and of good jobs, and each mistake; line and column count from 1, 0 if they
			are not known; "read_only", the paths that are trusted because their mount is read-only; "ignored", the names in the
			directory that are not job files. With --diff also "diff": {"new", "changed", "removed", "stale"}, the names of jobs`))
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
	if len(args) > 1 || len(args) == 1 && !isDirectory(args[0]) {
		if compare {
			return usage("", "--diff takes a directory, not files")
		}
		return a.checkFiles(s, args)
	}
	dir := s.Jobs
	if len(args) > 0 {
		dir = absolute(args[0])
	}
	set := s.load(dir)
	warned := s.warnings(set)
	var d *diff
	if compare {
		if d, err = s.diff(set); err != nil {
			return err
		}
	}
	if a.json {
		c := checkResult(set, warned)
		c.Diff = d
		err = a.printJSON(c)
	} else {
		writeCheck(a.out, set, warned)
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

// checked is the JSON of check.
type checked struct {
	Files    int       `json:"files"`
	Jobs     int       `json:"jobs"`
	Errors   []mistake `json:"errors"`
	Warnings []mistake `json:"warnings"`
	ReadOnly []string  `json:"read_only"`
	Ignored  []string  `json:"ignored"`
	Diff     *diff     `json:"diff,omitempty"`
}

func checkResult(set *jobfile.Set, warned []mistake) *checked {
	c := &checked{Files: set.Files, Jobs: len(set.Jobs), Errors: []mistake{}, Warnings: []mistake{}} // no null in the output
	for _, e := range set.Errors {
		c.Errors = append(c.Errors, mistakeOf(e))
	}
	c.Warnings = append(c.Warnings, warned...)
	c.Ignored = append([]string{}, set.Ignored...)
	c.ReadOnly = append([]string{}, set.Sealed...)
	return c
}

func writeCheck(w io.Writer, set *jobfile.Set, warned []mistake) {
	for _, e := range set.Errors {
		fmt.Fprintln(w, e)
	}
	writeSealed(w, set)
	writeIgnored(w, set.Ignored)
	writeWarnings(w, warned)
	fmt.Fprintln(w, checkResult(set, warned).total())
}

// total returns the numbers of what check has found, in words.
func (c *checked) total() string {
	text := fmt.Sprintf("%s, %s, %s", count(c.Files, "file"), count(c.Jobs, "job"), errorCount(len(c.Errors)))
	if len(c.Warnings) > 0 {
		text += ", " + count(len(c.Warnings), "warning")
	}
	return text
}

// writeIgnored prints the names in the directory that are not job files.
func writeIgnored(w io.Writer, names []string) {
	const most = 10
	if len(names) == 0 {
		return
	}
	list := strings.Join(names[:min(len(names), most)], ", ")
	if more := len(names) - most; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	fmt.Fprintf(w, "ignored, because job files end in .toml or .json: %s\n", plain.Word(list))
}

// writeSealed prints which paths are trusted only because their mount is read-only. If the directory is one of them, it
// leaves out the files in it.
func writeSealed(w io.Writer, set *jobfile.Set) {
	for _, path := range set.Sealed {
		if path == set.Dir || filepath.Dir(path) != set.Dir || !slices.Contains(set.Sealed, set.Dir) {
			fmt.Fprintf(w, "trusted because its mount is read-only: %s\n", path)
		}
	}
}

func errorCount(n int) string {
	if n == 0 {
		return "no errors"
	}
	return count(n, "error")
}

func mistakeOf(e *jobfile.Error) mistake { return mistake{e.File, e.Line, e.Column, e.Key, e.Text} }

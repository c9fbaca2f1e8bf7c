package cli

import (
	"fmt"
	"io"
	"os"
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
env_file that does not exist, a program that the user of the job cannot execute,
a time that is past, mail without a mailer, a file with a URL that others can
read, a job that shuts the machine down while catch_up is on. Warnings do not
change the exit code.
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

// checked is the JSON of check.
type checked struct {
	Files    int       `json:"files"`
	Jobs     int       `json:"jobs"`
	Errors   []mistake `json:"errors"`
	Warnings []mistake `json:"warnings"`
	ReadOnly []string  `json:"read_only"`
	Ignored  []string  `json:"ignored"`
	Diff     *diff     `json:"diff,omitempty"`

	dir   string // "" for files
	wrong []*jobfile.Error
}

func (a *app) doCheck(args []string, compare bool) error {
	s, err := a.places.readerSite()
	if err != nil {
		return err
	}
	c := &checked{Errors: []mistake{}, Warnings: []mistake{}, ReadOnly: []string{}, Ignored: []string{}} // no null in the output
	switch {
	case len(args) == 0:
		err = c.checkDirectory(s, s.Jobs, compare)
	case len(args) == 1 && isDirectory(args[0]):
		err = c.checkDirectory(s, absolute(args[0]), compare)
	case compare:
		err = usage("", "--diff takes a directory, not files")
	default:
		c.checkFiles(s, args)
	}
	if err != nil {
		return err
	}
	for _, e := range c.wrong {
		c.Errors = append(c.Errors, mistakeOf(e))
	}
	if a.json {
		err = a.printJSON(c)
	} else {
		c.write(a.out)
		if daemon, err := statefile.ReadDaemon(s.State); err == nil && daemon.JobsDir == c.dir {
			a.warnUnloaded(daemon)
		}
	}
	return orUnwell(err, len(c.Errors) > 0)
}

// checkDirectory checks a directory and the settings.
func (c *checked) checkDirectory(s *site, dir string, compare bool) (err error) {
	set := s.load(dir)
	c.dir, c.Files, c.Jobs, c.wrong = dir, set.Files, len(set.Jobs), set.Errors
	c.Warnings = append(c.Warnings, s.warnings(set)...)
	c.ReadOnly = append(c.ReadOnly, set.Sealed...)
	c.Ignored = append(c.Ignored, set.Ignored...)
	if compare {
		c.Diff, err = s.diff(set)
	}
	return err
}

// checkFiles checks each file by itself.
func (c *checked) checkFiles(s *site, paths []string) {
	c.Files = len(paths)
	for _, path := range paths {
		defs, warned, errs := s.checkFile(path)
		c.Jobs += len(defs)
		c.Warnings = append(c.Warnings, warned...)
		c.wrong = append(c.wrong, jobfile.Mistakes(errs...)...)
	}
}

// checkFile checks a job file or jobsd.toml. It recognizes jobsd.toml by its name, also in the name of a temporary file.
func (s *site) checkFile(path string) (defs []*jobfile.Definition, warned []mistake, errs []error) {
	if strings.HasPrefix(strings.TrimLeft(filepath.Base(path), "."), "jobsd.toml") {
		config, err := jobfile.CheckConfig(path)
		if err != nil {
			return nil, nil, []error{err}
		}
		warned = configWarnings(config, false)
	} else {
		defs, errs = jobfile.ReadFile(path, s.config)
		warned = s.jobWarnings(defs)
	}
	for i := range warned {
		warned[i].File = path
	}
	return defs, warned, errs
}

// isDirectory reports whether path is a directory. A path that does not exist counts as a file.
func isDirectory(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

func (c *checked) write(w io.Writer) {
	for _, e := range c.wrong {
		fmt.Fprintln(w, e)
	}
	c.writeSealed(w)
	writeIgnored(w, c.Ignored)
	writeWarnings(w, c.Warnings)
	total := phrases{count(c.Files, "file"), count(c.Jobs, "job")}
	total.add(len(c.Errors) == 0, "no errors")
	total.add(len(c.Errors) > 0, "%s", count(len(c.Errors), "error"))
	total.add(len(c.Warnings) > 0, "%s", count(len(c.Warnings), "warning"))
	fmt.Fprintln(w, total)
	writeDiff(w, c.Diff)
}

// writeIgnored prints the names in the directory that are not job files.
func writeIgnored(w io.Writer, names []string) {
	if len(names) > 0 {
		fmt.Fprintf(w, "ignored, because job files end in .toml or .json: %s\n", plain.Word(someOf(names, 10)))
	}
}

// writeSealed prints which paths are trusted only because their mount is read-only. If the directory is one of them, it
// leaves out the files in it.
func (c *checked) writeSealed(w io.Writer) {
	for _, path := range c.ReadOnly {
		if path == c.dir || filepath.Dir(path) != c.dir || !slices.Contains(c.ReadOnly, c.dir) {
			fmt.Fprintf(w, "trusted because its mount is read-only: %s\n", path)
		}
	}
}

func mistakeOf(e *jobfile.Error) mistake { return mistake{e.File, e.Line, e.Column, e.Key, e.Text} }

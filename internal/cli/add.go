package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

const addHelp = `jobsd add - make a job, or add a job file

usage: jobsd add [--dry-run] [--json] NAME [KEY OPTIONS] -- COMMAND [ARG...]
       jobsd add [--dry-run] [--json] NAME [KEY OPTIONS] --shell SCRIPT
       jobsd add [--dry-run] [--json] FILE
       jobsd add [--dry-run] [--json] [--name NAME] -

Writes the file NAME.toml into the jobs directory; or a copy of FILE, TOML or
JSON, which is told from a NAME by a slash or its suffix; or what stands on
standard input. It is checked with all that is there first: if there is a
mistake, or such a file already, nothing is written. A running daemon takes it
in at once. Prints the file's path and when its jobs run next. An ordinary user
adds to his own jobs, which his "jobsd run" runs; root to those of the machine.

Each key of jobs.d(5) is an option: start_at is --start-at, log.max_size is
--log-max-size. Such as

  --start-at TIME    a time of day: --start-at 4:35am; several: --start-at
                     4am,noon, or the option several times
  --days DAY         the days on which that holds: --days mon-fri; several
                     likewise
  --every DURATION   again and again: --every 10m; with --from by the calendar:
                     --every 2w --from '2026-01-06 09:00'
  --cron LINE        a cron expression: --cron '35 4 * * *'
  --at TIME          once: --at '2026-12-24 18:00', or as a person says it:
                     16:00, 'tomorrow 4pm', 'mon 9am', 'now + 1h'. The file
                     gets the full date; one that is past is refused
  --keep-alive       a service, always started anew
  --env NAME=VALUE   may be given several times
  --mail ADDRESS     who is told of failures, notify.mail
  --user NAME        whose processes they are. It is not the --user of other
                     verbs here

A path counts from where you are. Of what may be true or false, an option alone
is true: --at-boot, --enabled=false.

  --dry-run  print the file and write nothing
  --name     what the file of standard input is called, without its suffix;
             usually like its only job
  --json     {"file", "jobs": [{"job", "next_run"}], "reload"}; reload is as
             with "jobsd reload", null without a daemon
`

type addOptions struct {
	dryRun bool
	name   string
	keys   []givenKey
}

func (a *app) add() *cobra.Command {
	var o addOptions
	var cmd *cobra.Command
	cmd = a.reader("add NAME|FILE|-", addHelp, func(args []string) error { return a.doAdd(o, args, cmd.ArgsLenAtDash()) })
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "")
	cmd.Flags().StringVar(&o.name, "name", "", "")
	keyOptions(cmd, &o.keys)
	cmd.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return jobSuffixes, cobra.ShellCompDirectiveFilterFileExt
		}
		return nil, cobra.ShellCompDirectiveDefault // of the command
	}
	return cmd
}

// doAdd adds a file or makes one; dash is how many arguments stand in front of "--", -1 without.
func (a *app) doAdd(o addOptions, args []string, dash int) error {
	own, command := args, []string(nil)
	if dash >= 0 {
		own, command = args[:dash], args[dash:]
	}
	if err := o.misused(own, command, dash >= 0); err != nil {
		return err
	}
	if err := o.reckonAt(time.Now()); err != nil {
		return err
	}
	s, err := a.places.site()
	if err != nil {
		return err
	}
	var f newFile
	switch arg := own[0]; {
	case arg == "-":
		f, err = standardInput(s, o.name)
	case isFile(arg):
		f, err = copyOf(arg)
	default:
		f, err = o.file(arg, command)
	}
	if err == nil {
		err = a.addFile(s, f, o.dryRun)
	}
	return o.byOption(err, f.Name)
}

// misused says what is wrong with the command line as such.
func (o *addOptions) misused(own, command []string, dash bool) error {
	const help = "jobsd help add"
	switch {
	case len(own) == 0:
		return usage(help, "add: which job, or which file?")
	case len(own) > 1:
		return usage(o.blanksHint(own[1]), "add takes one name or file, got %q too", own[1])
	}
	name := own[0]
	shell := slices.ContainsFunc(o.keys, func(g givenKey) bool { return g.Name == "shell" })
	switch {
	case o.name != "" && name != "-":
		return usage(help, "--name goes with standard input (-) only")
	case o.name != "" && jobfile.BadName(o.name) != "":
		return usage("", "--name: %q %s", o.name, jobfile.BadName(o.name))
	case isFile(name) && (dash || o.keys != nil):
		return usage(help, "%q is a file, not the name of a job: options and commands do not go with it", name)
	case isFile(name):
	case jobfile.BadName(name) != "":
		return usage("", "the name %q %s", name, jobfile.BadName(name))
	case len(command) == 0 && !shell:
		return usage("jobsd add "+name+" ... -- COMMAND; a file is named with its suffix", "what is %s to execute?", name)
	case len(command) > 0 && shell:
		return usage("keep one of them", "--shell and a command exclude each other")
	}
	return nil
}

// blanksHint says what to do about a word that is too many: it may belong to the value of the last option.
func (o *addOptions) blanksHint(word string) string {
	if len(o.keys) == 0 {
		return "the command of a job stands behind --"
	}
	last := o.keys[len(o.keys)-1]
	return fmt.Sprintf("a value of several words needs quotes, as in %s '%s %s'; the command stands behind --",
		optionOf(last.Name), last.texts[len(last.texts)-1], word)
}

// isFile tells a file from the name of a job.
func isFile(arg string) bool {
	return arg == "-" || strings.Contains(arg, "/") || slices.Contains([]string{".toml", ".json"}, filepath.Ext(arg))
}

// copyOf is a copy of a file.
func copyOf(path string) (newFile, error) {
	r, err := os.Open(path)
	if err != nil {
		return newFile{}, fmt.Errorf("cannot add a file: %w", err)
	}
	defer r.Close()
	text, err := readText(r)
	if err != nil {
		return newFile{}, fmt.Errorf("cannot add a file: %w", err)
	}
	return newFile{filepath.Base(path), text}, nil
}

// standardInput is a file called name or, if that is "", like its only job.
func standardInput(s *site, name string) (newFile, error) {
	text, err := readText(os.Stdin)
	if err != nil {
		return newFile{}, fmt.Errorf("cannot read standard input: %w", err)
	}
	ext := ".toml"
	if strings.HasPrefix(strings.TrimLeft(string(text), "\ufeff \t\r\n"), "{") {
		ext = ".json"
	}
	if name != "" {
		return newFile{name + ext, text}, nil
	}
	const nameless = "standard-input"
	defs, err := s.try([]newFile{{nameless + ext, text}})
	switch {
	case err != nil:
		return newFile{}, err
	case len(defs) != 1:
		return newFile{}, usage("--name NAME", "standard input holds %d jobs: what is their file to be called?", len(defs))
	case defs[0].Name == nameless:
		return newFile{}, usage("--name NAME", "the job has no name: what is it to be called?")
	}
	return newFile{defs[0].Name + ext, text}, nil
}

// addFile writes the file, or only prints it.
func (a *app) addFile(s *site, f newFile, dry bool) error {
	if dry {
		return a.dryAdd(s, f)
	}
	defs, r, err := a.addFiles(s, []newFile{f}, stillToCome)
	if defs == nil {
		return err
	}
	return a.tellChange(s, f.Name, defs, r, err)
}

func (a *app) dryAdd(s *site, f newFile) error {
	if _, err := os.Lstat(filepath.Join(s.Jobs, f.Name)); !errors.Is(err, fs.ErrNotExist) {
		return s.isThere(f.Name)
	}
	defs, err := s.try([]newFile{f})
	if err == nil {
		err = stillToCome(defs)
	}
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(change{File: filepath.Join(s.Jobs, f.Name), Jobs: s.dues(defs)})
	}
	a.out.Write(f.Text)
	tellDues(a.err, s.dues(defs))
	a.warnOf(s, defs)
	return nil
}

// stillToCome refuses a job that would never run, for its time is past.
func stillToCome(defs []*jobfile.Definition) error {
	now := time.Now()
	for _, d := range defs {
		if isPast(d, now) {
			return fail(exitFailed, "name a time that is still to come", "cannot add %s: its time, %s, is past", d.Name,
				statefile.At(d.Schedule.Next(time.Time{})))
		}
	}
	return nil
}

// reckonAt writes out the time of --at as a job file has it, of what a person says, such as "tomorrow 4pm".
func (o *addOptions) reckonAt(now time.Time) error {
	zone := time.Local
	for _, g := range o.keys {
		if loc, err := time.LoadLocation(g.texts[0]); g.Name == "timezone" && err == nil && g.texts[0] != "" && g.texts[0] != "local" {
			zone = loc
		}
	}
	for _, g := range o.keys {
		if g.Name != "at" {
			continue
		}
		at, err := schedule.Moment(g.texts[0], now, zone)
		if err != nil {
			return usage("", "--at: %w", err)
		}
		g.texts[0] = at
	}
	return nil
}

// byOption tells mistakes in a file that was made of options as those of the options.
func (o *addOptions) byOption(err error, file string) error {
	errs, ok := errors.AsType[jobfile.Errors](err)
	if !ok || o.keys == nil {
		return err
	}
	var lines []string
	code := exitUsage
	for _, err := range errs {
		line, ok := o.optionMistake(err, file)
		if !ok {
			code = exitFailed
		}
		lines = append(lines, line)
	}
	hint := ""
	if code == exitUsage {
		hint = "jobsd man jobs.d tells what a key may be"
	}
	return fail(code, hint, "%s", strings.Join(lines, "\njobsd: "))
}

// optionMistake tells a mistake by its option, if it is one of an option.
func (o *addOptions) optionMistake(err error, file string) (string, bool) {
	e, ok := errors.AsType[*jobfile.Error](err)
	if !ok || e.File != file {
		return err.Error(), false
	}
	for _, g := range o.keys {
		if g.Name == e.Key || strings.HasPrefix(g.Name, e.Key+".") {
			return optionOf(e.Key) + ": " + e.Text, true
		}
		if sub, ok := strings.CutPrefix(e.Key, g.Name+"."); ok && isTable(g.Key) {
			return optionOf(g.Name) + ": " + sub + ": " + e.Text, true
		}
	}
	return err.Error(), false
}

// file is that of a job made of options.
func (o *addOptions) file(job string, command []string) (newFile, error) {
	keys := pairs(o.keys)
	if command != nil {
		keys = append(keys, jobfile.Pair{Key: "cmd", Value: command})
	}
	text, err := jobfile.Format(keys)
	return newFile{job + ".toml", text}, err
}

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

Writes the file NAME.toml into the jobs directory, or a copy of FILE (TOML or
JSON), or standard input. An argument with a slash or a suffix is a FILE. First
checks the new file together with all other job files; if there is a mistake, or
if the file exists already, it writes nothing. A running daemon loads the file
at once. Prints the path of the file and when its jobs run next. An ordinary
user adds to their own jobs, which their "jobsd run" runs; root adds to the jobs
of the machine.

Each key of jobs.d(5) is an option: start_at is --start-at, log.max_size is
--log-max-size. The most important ones:
`

type addOptions struct {
	dryRun bool
	name   string
	keys   []givenKey
}

func (a *app) add() *cobra.Command {
	var o addOptions
	var cmd *cobra.Command
	takes := arguments{0, many, "job or file", orFiles(jobSuffixes, cobra.ShellCompDirectiveFilterFileExt)}
	cmd = a.verb(addHelp, takes, func(args []string) error { return a.doAdd(o, args, cmd.ArgsLenAtDash()) },
		append(usualKeys,
			paragraph(`A path is relative to the current directory. An option that is true or false is true without a value: --at-boot,
				--enabled=false.`),
			opt("dry-run", nothing, &o.dryRun, "print the file and write nothing"),
			opt("name", kind{value: "NAME"}, &o.name, `name the file of standard input, without its suffix; the default is the name of its
				only job`),
			a.jsonOption(`print {"file", "jobs": [{"job", "next_run"}], "reload"}; `+reloadJSON))...)
	for _, option := range keyOptions(&o.keys) {
		option.declare(cmd, cmd.Flags())
		if option.takes.value == "" {
			cmd.Flags().Lookup(option.name).NoOptDefVal = "true"
		}
	}
	return cmd
}

// usualKeys are the options for keys that the help describes.
var usualKeys = []option{
	opt("start-at", aTime, nil, "run at a time of day: --start-at 4:35am; for several, write --start-at 4am,noon or repeat the option"),
	opt("days", kind{value: "DAY"}, nil, "run only on these days: --days mon-fri; for several, as with --start-at"),
	opt("every", aDuration, nil, `run at an interval: --every 10m; with --from, by the calendar: --every 2w --from '2026-01-06 09:00'`),
	opt("cron", kind{value: "LINE"}, nil, "run by a cron expression: --cron '35 4 * * *'"),
	opt("at", aTime, nil, `run once: --at '2026-12-24 18:00', or in the words of at(1): 16:00, 'tomorrow 4pm', 'mon 9am', 'now + 1h'. The
		file gets the full date; a past time is refused`),
	opt("keep-alive", nothing, nil, "run a service, which is always restarted"),
	opt("env", kind{value: "NAME=VALUE"}, nil, "set a variable; may be given several times"),
	opt("mail", kind{value: "ADDRESS"}, nil, "send mail about failures to ADDRESS (the key notify.mail)"),
	opt("user", kind{value: "NAME"}, nil, "run the job as this user; for other verbs, --user means something else"),
}

// doAdd adds a file or makes one; dash is the number of arguments before "--", -1 if there is no "--".
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

// misused returns an error if the arguments and options do not go together.
func (o *addOptions) misused(own, command []string, dash bool) error {
	const help = "jobsd help add"
	switch {
	case len(own) == 0:
		return usage(help, "add: no job or file given")
	case len(own) > 1:
		return usage(o.blanksHint(own[1]), "add takes one name or file, but also got %q", own[1])
	}
	name := own[0]
	shell := slices.ContainsFunc(o.keys, func(g givenKey) bool { return g.Name == "shell" })
	switch {
	case o.name != "" && name != "-":
		return usage(help, "--name works only with standard input (-)")
	case o.name != "" && jobfile.BadName(o.name) != "":
		return usage("", "--name: %q %s", o.name, jobfile.BadName(o.name))
	case isFile(name) && (dash || o.keys != nil):
		return usage(help, "%q is a file, not a job name; it cannot be combined with key options or a command", name)
	case isFile(name):
	case jobfile.BadName(name) != "":
		return usage("", "the name %q %s", name, jobfile.BadName(name))
	case len(command) == 0 && !shell:
		return usage("jobsd add "+name+" ... -- COMMAND; to add a file, write its suffix", "no command given for %s", name)
	case len(command) > 0 && shell:
		return usage("give only one of them", "--shell cannot be combined with a command")
	}
	return nil
}

// blanksHint is the hint for an extra argument, which may belong to the value of the last option.
func (o *addOptions) blanksHint(word string) string {
	if len(o.keys) == 0 {
		return "write the command of the job after --"
	}
	last := o.keys[len(o.keys)-1]
	return fmt.Sprintf("a value of several words needs quotes, as in %s '%s %s'; the command comes after --",
		optionOf(last.Name), last.texts[len(last.texts)-1], word)
}

// isFile reports whether an argument is a file and not the name of a job.
func isFile(arg string) bool {
	return arg == "-" || strings.Contains(arg, "/") || slices.Contains([]string{".toml", ".json"}, filepath.Ext(arg))
}

// copyOf returns a copy of a file for the jobs directory.
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

// standardInput returns standard input as a file. The file gets the name or, if name is "", that of its only job.
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
		return newFile{}, usage("give it one with --name NAME", "cannot choose a name for the file: standard input has %d jobs", len(defs))
	case defs[0].Name == nameless:
		return newFile{}, usage("give it one with --name NAME", "the job on standard input has no name")
	}
	return newFile{defs[0].Name + ext, text}, nil
}

// addFile writes the file, or only prints it.
func (a *app) addFile(s *site, f newFile, dry bool) error {
	if dry {
		return a.dryAdd(s, f)
	}
	defs, r, err := a.addFiles(s, []newFile{f}, refusePast)
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
		err = refusePast(defs)
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

// refusePast refuses a job that would never run because its time is past.
func refusePast(defs []*jobfile.Definition) error {
	now := time.Now()
	for _, d := range defs {
		if isPast(d, now) {
			return fail(exitFailed, "give a time in the future", "cannot add %s: its time, %s, is past", d.Name,
				statefile.At(d.Schedule.Next(time.Time{})))
		}
	}
	return nil
}

// reckonAt replaces a time of --at such as "tomorrow 4pm" by the full date that a job file needs.
func (o *addOptions) reckonAt(now time.Time) error {
	zone := ""
	for _, g := range o.keys {
		if g.Name == "timezone" {
			zone = g.texts[0]
		}
	}
	for _, g := range o.keys {
		if g.Name != "at" {
			continue
		}
		at, err := momentIn(zone, g.texts[0], now)
		if err != nil {
			return usage("", "--at: %w", err)
		}
		g.texts[0] = at
	}
	return nil
}

// momentIn returns a time such as "tomorrow 4pm" in full. A zone that does not exist is reported later.
func momentIn(zone, text string, now time.Time) (string, error) {
	location := time.Local
	if l, err := time.LoadLocation(zone); err == nil && zone != "" && zone != "local" {
		location = l
	}
	return schedule.Moment(text, now, location)
}

// byOption rewrites mistakes in a file that was made from options as mistakes of the options.
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
		hint = "jobsd man jobs.d describes the values of a key"
	}
	return fail(code, hint, "%s", strings.Join(lines, "\njobsd: "))
}

// optionMistake returns a mistake with its option, and whether it belongs to an option.
func (o *addOptions) optionMistake(err error, file string) (string, bool) {
	e, ok := errors.AsType[*jobfile.Error](err)
	if !ok || e.File != file {
		return err.Error(), false
	}
	for _, g := range o.keys {
		if g.Name == e.Key || strings.HasPrefix(g.Name, e.Key+".") {
			return optionOf(e.Key) + ": " + e.Text, true
		}
		if sub, ok := strings.CutPrefix(e.Key, g.Name+"."); ok && g.Many == jobfile.Table {
			return optionOf(g.Name) + ": " + sub + ": " + e.Text, true
		}
	}
	return err.Error(), false
}

// file makes the file of a job from options.
func (o *addOptions) file(job string, command []string) (newFile, error) {
	keys := pairs(o.keys)
	if command != nil {
		keys = append(keys, jobfile.Pair{Key: "cmd", Value: command})
	}
	text, err := jobfile.Format(keys)
	return newFile{job + ".toml", text}, err
}

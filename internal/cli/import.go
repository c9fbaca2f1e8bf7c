package cli

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/foreign"
)

const importHelp = `jobsd import - make job files of crontabs and systemd timers

usage: jobsd import crontab [--system] [--dry-run] [FILE | DIR | -]
       jobsd import systemd-timer [--user] [--dry-run] UNIT...

Makes a job file of each entry of a crontab, or of each timer with its service,
that means the same. What cannot be carried over, or not to the letter, is told
as FILE:LINE: TEXT: REASON, and the exit code is 1. What means something
slightly different here is told as a note. jobsd(8) has the differences.

crontab        reads FILE, or standard input for -, or all files of DIR as cron
does, or else what "crontab -l" prints;
               for root the jobs of a file of another user run as that user
systemd-timer  reads the unit, which is a name such as logrotate or
logrotate.timer or a path, with its service and the
               drop-ins of both

  --system   the crontab is one of the system, with a user in each entry;
             without FILE /etc/crontab and /etc/cron.d
  --user     the units of a user's own systemd
  --dry-run  print the job files, each below "# NAME.toml", and change nothing
`

type importOptions struct {
	system, user, dryRun bool
}

func (a *app) imports() *cobra.Command {
	var o importOptions
	cmd := verb("import crontab|systemd-timer", importHelp, func(args []string) error {
		return a.doImport(args[0], args[1:], o)
	})
	cmd.Args = func(_ *cobra.Command, args []string) error { return checkImport(args, o) }
	cmd.ValidArgsFunction = completeImport
	fs := cmd.Flags()
	fs.BoolVar(&o.system, "system", false, "") // hides the option that says where jobs are, as does --user
	fs.BoolVar(&o.user, "user", false, "")
	fs.BoolVar(&o.dryRun, "dry-run", false, "")
	return cmd
}

var importKinds = []string{"crontab", "systemd-timer"}

func completeImport(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return importKinds, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

func checkImport(args []string, o importOptions) error {
	const hint = "jobsd help import"
	switch {
	case len(args) == 0:
		return usage(hint, "import: from what? crontab or systemd-timer")
	case args[0] == "crontab" && len(args) > 2:
		return usage(hint, "import crontab takes one file, got %q too", args[2])
	case args[0] == "crontab" && o.user:
		return usage(hint, "--user is about systemd-timer; a crontab is a user's unless --system says otherwise")
	case args[0] == "systemd-timer" && len(args) < 2:
		return usage(hint, "import systemd-timer: which unit?")
	case args[0] == "systemd-timer" && o.system:
		return usage(hint, "--system is about crontab; units are those of the system unless --user says otherwise")
	case args[0] != "crontab" && args[0] != "systemd-timer":
		return usage(hint, "import knows crontab and systemd-timer, not %q", args[0])
	}
	return nil
}

func (a *app) doImport(kind string, args []string, o importOptions) (err error) {
	var found *foreign.Result
	if kind == "crontab" {
		found, err = importCrontab(args, o, time.Now())
	} else {
		found, err = importTimers(args, o, time.Now())
	}
	if err != nil {
		return err
	}
	files, err := jobFiles(found)
	if err != nil {
		return err
	}
	for _, n := range found.Notes {
		fmt.Fprintf(a.err, "note: %s\n", n)
	}
	for _, r := range found.Refused {
		fmt.Fprintln(a.err, r)
	}
	if o.dryRun {
		a.printFiles(files)
	} else if err := a.installImported(files); err != nil {
		return err
	}
	if len(files) > 0 && !o.dryRun {
		fmt.Fprintf(a.err, "note: %s\n", stillRun(kind, args))
	}
	fmt.Fprintf(a.err, "%s, %s not carried over\n", count(len(files), "job"), count(len(found.Refused), "line"))
	if len(found.Refused) > 0 {
		return notWell
	}
	return nil
}

func jobFiles(found *foreign.Result) (files []newFile, err error) {
	found.Name()
	for i := range found.Jobs {
		j := &found.Jobs[i]
		text, err := j.Format()
		if err != nil {
			return nil, err
		}
		files = append(files, newFile{j.Name + ".toml", text})
	}
	return files, nil
}

func fileNames(files []newFile) (names []string) {
	for _, f := range files {
		names = append(names, f.Name)
	}
	return names
}

func (a *app) printFiles(files []newFile) {
	for i, f := range files {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		fmt.Fprintf(a.out, "# %s\n%s", f.Name, f.Text)
	}
}

// installImported puts new files into the jobs directory, all or none of them.
func (a *app) installImported(files []newFile) error {
	s, err := a.places.site()
	if err != nil || len(files) == 0 {
		return err
	}
	defs, r, err := a.addFiles(s, files)
	if defs == nil {
		return err
	}
	tellDues(a.out, s.dues(defs))
	a.warnOf(defs)
	fmt.Fprintf(a.out, "%s in %s\n", count(len(files), "file"), s.Jobs)
	if err != nil {
		return err
	}
	a.tellTaken(s, r)
	return a.each(fileNames(files), r.refusal)
}

// stillRun says how to keep the jobs from running twice.
func stillRun(kind string, args []string) string {
	if kind == "crontab" {
		return "cron goes on running these until they are taken out of the crontab"
	}
	var timers []string
	for _, arg := range args {
		timers = append(timers, strings.TrimSuffix(filepath.Base(arg), ".timer")+".timer")
	}
	return "systemd goes on running these until: systemctl disable --now " + strings.Join(timers, " ")
}

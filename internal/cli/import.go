package cli

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/foreign"
)

const importHelp = `jobsd import - make job files of crontabs, anacrontabs and systemd timers

usage: jobsd import crontab [--system] [--dry-run] [--json] [FILE | DIR | -]
       jobsd import anacrontab [--dry-run] [--json] [FILE | -]
       jobsd import systemd-timer [--user] [--dry-run] [--json] UNIT...

Makes a job file of each entry, or of each timer with its service, that means
the same. A line that is not carried over, or not exactly, is printed as
FILE:LINE: TEXT: REASON, and the exit code is 1. A note says what means
something slightly different here. Nothing else is left out. jobsd(8) has all
differences.

  crontab        reads FILE, standard input for -, all files of DIR as cron
                 does, or without one what "crontab -l" prints. If root imports
                 the crontab of another user, its jobs run as that user
  anacrontab     reads FILE, or without one /etc/anacrontab
  systemd-timer  reads each UNIT with its service and the drop-ins of both; it
                 is a name, such as logrotate, logrotate.timer or
                 pg_basebackup@main, or a path

  --system   the crontab is one of the system, with a user in each entry;
             without FILE these are /etc/crontab and /etc/cron.d
  --user     the units are those of a user's own systemd
  --dry-run  print the job files, each below "# NAME.toml", and change nothing
  --json     {"files", "jobs": [{"job", "next_run"}], "refused": [{"file",
             "line", "text", "reason"}], "notes", "reload"}: the paths of the
             job files, when their jobs run next, the lines that are not
             carried over, and the notes, which have the same fields; reload
             is as with "jobsd reload", null without a daemon
`

type importOptions struct {
	system, user, dryRun bool
}

func (a *app) imports() *cobra.Command {
	var o importOptions
	cmd := a.reader("import crontab|anacrontab|systemd-timer", importHelp, func(args []string) error {
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

var importKinds = []string{"crontab", "anacrontab", "systemd-timer"}

func completeImport(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) == 0 {
		return importKinds, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveDefault
}

func checkImport(args []string, o importOptions) error {
	const hint = "jobsd help import"
	kind := ""
	if len(args) > 0 {
		kind = args[0]
	}
	switch {
	case kind == "":
		return usage(hint, "import: from what? crontab, anacrontab or systemd-timer")
	case !slices.Contains(importKinds, kind):
		return usage(hint, "import knows crontab, anacrontab and systemd-timer, not %q", kind)
	case kind != "systemd-timer" && len(args) > 2:
		return usage(hint, "import %s takes one file, got %q too", kind, args[2])
	case kind == "crontab" && o.user:
		return usage(hint, "--user is about systemd-timer; a crontab is a user's unless --system says otherwise")
	case kind == "anacrontab" && (o.user || o.system):
		return usage(hint, "import anacrontab takes neither --user nor --system")
	case kind == "systemd-timer" && len(args) < 2:
		return usage(hint, "import systemd-timer: which unit?")
	case kind == "systemd-timer" && o.system:
		return usage(hint, "--system is about crontab; units are those of the system unless --user says otherwise")
	}
	return nil
}

// importers are the kinds with what reads them.
var importers = map[string]func(args []string, o importOptions, now time.Time) (*foreign.Result, error){
	"crontab": importCrontab, "anacrontab": importAnacrontab, "systemd-timer": importTimers,
}

func (a *app) doImport(kind string, args []string, o importOptions) error {
	found, err := importers[kind](args, o, time.Now())
	if err != nil {
		return err
	}
	files := jobFiles(found)
	still := foreign.Remark{Reason: stillRun(kind, args)}
	if a.json {
		err = a.importJSON(found, files, still, o.dryRun)
	} else {
		err = a.importText(found, files, still, o.dryRun)
	}
	if err == nil && len(found.Refused) > 0 {
		err = notWell
	}
	return err
}

// importText installs the files, or only prints them, and says what there is to say; still is what to do about jobs that
// are there twice now.
func (a *app) importText(found *foreign.Result, files []newFile, still foreign.Remark, dry bool) error {
	for _, n := range found.Notes {
		fmt.Fprintf(a.err, "note: %s\n", n)
	}
	for _, r := range found.Refused {
		fmt.Fprintln(a.err, r)
	}
	if dry {
		a.printFiles(files)
	} else if err := a.installImported(files); err != nil {
		return err
	}
	if len(files) > 0 && !dry {
		fmt.Fprintf(a.err, "note: %s\n", still)
	}
	fmt.Fprintf(a.err, "%s, %s not carried over\n", count(len(files), "job"), count(len(found.Refused), "line"))
	return nil
}

func jobFiles(found *foreign.Result) (files []newFile) {
	for i, text := range found.Texts() {
		files = append(files, newFile{found.Jobs[i].Name + ".toml", text})
	}
	return files
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
	defs, r, err := a.addFiles(s, files, nil)
	if defs == nil {
		return err
	}
	tellDues(a.out, s.dues(defs))
	a.warnOf(s, defs)
	fmt.Fprintf(a.out, "%s in %s\n", count(len(files), "file"), s.Jobs)
	if err != nil {
		return err
	}
	a.tellTaken(s, r)
	return a.each(fileNames(files), r.refusal)
}

// stillRun says how to keep the jobs from running twice.
func stillRun(kind string, args []string) string {
	switch kind {
	case "crontab":
		return "cron goes on running these until they are taken out of the crontab"
	case "anacrontab":
		return "anacron goes on running these until they are taken out of the anacrontab"
	}
	var timers []string
	for _, arg := range args {
		timers = append(timers, strings.TrimSuffix(filepath.Base(arg), ".timer")+".timer")
	}
	return "systemd goes on running these until: systemctl disable --now " + strings.Join(timers, " ")
}

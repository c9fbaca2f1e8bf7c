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

const importHelp = `jobsd import - make job files from crontabs, anacrontabs and systemd timers

usage: jobsd import crontab [--system] [--dry-run] [--json] [FILE | DIR | -]
       jobsd import anacrontab [--dry-run] [--json] [FILE | -]
       jobsd import systemd-timer [--user] [--dry-run] [--json] UNIT...

Makes a job file with the same meaning from each entry, or from each timer with
its service. If a line cannot be imported, or not exactly, it prints FILE:LINE:
TEXT: REASON and exits 1. A note shows what means something slightly different
here. Nothing else is left out. See jobsd(8) for all differences.

  crontab        read FILE, standard input for -, all files of DIR that cron
                 would read, or, without these, the output of "crontab -l". If
                 root imports the crontab of another user, its jobs run as that
                 user
  anacrontab     read FILE or, without one, /etc/anacrontab
  systemd-timer  read each UNIT with its service and the drop-ins of both; a
                 UNIT is a name, such as logrotate, logrotate.timer or
                 pg_basebackup@main, or a path
`

type importOptions struct {
	system, user, dryRun bool
}

func (a *app) imports() *cobra.Command {
	var o importOptions
	takes := arguments{1, many, "kind", orFiles(importKinds, cobra.ShellCompDirectiveNoFileComp)}
	do := func(args []string) error {
		if err := checkImport(args, o); err != nil {
			return err
		}
		return a.doImport(args[0], args[1:], o)
	}
	return a.verb(importHelp, takes, do,
		opt("system", nothing, &o.system, `import a crontab of the system, which has a user in each entry; without FILE, import /etc/crontab
			and /etc/cron.d`), // this and --user hide the options that say where jobs are
		opt("user", nothing, &o.user, "import units of a user's own systemd"),
		opt("dry-run", nothing, &o.dryRun, `print the job files, each below "# NAME.toml", and change nothing`),
		a.jsonOption(`print {"files", "jobs": [{"job", "next_run"}], "refused": [{"file", "line", "text", "reason"}], "notes",
			"reload"}: the paths of the job files, when their jobs run next, the lines that are not imported, and the notes, which have
			the same fields; `+reloadJSON))
}

var importKinds = []string{"crontab", "anacrontab", "systemd-timer"}

func checkImport(args []string, o importOptions) error {
	const hint = "jobsd help import"
	switch kind := args[0]; {
	case !slices.Contains(importKinds, kind):
		return usage(hint, "import takes crontab, anacrontab or systemd-timer, not %q", kind)
	case kind != "systemd-timer" && len(args) > 2:
		return usage(hint, "import %s takes one file, but also got %q", kind, args[2])
	case kind == "crontab" && o.user:
		return usage(hint, "--user works only with systemd-timer; without --system, a crontab already belongs to a user")
	case kind == "anacrontab" && (o.user || o.system):
		return usage(hint, "import anacrontab takes neither --user nor --system")
	case kind == "systemd-timer" && len(args) < 2:
		return usage(hint, "import systemd-timer: no unit given")
	case kind == "systemd-timer" && o.system:
		return usage(hint, "--system works only with crontab; without --user, units already belong to the system")
	}
	return nil
}

// importers maps each kind to the function that reads it.
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

// importText installs the files, or only prints them, and prints notes and refused lines. still is a note on how to disable
// the old entries.
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
	fmt.Fprintf(a.err, "%s, %s not imported\n", count(len(files), "job"), count(len(found.Refused), "line"))
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
		return "cron still runs these too; remove them from the crontab"
	case "anacrontab":
		return "anacron still runs these too; remove them from the anacrontab"
	}
	var timers []string
	for _, arg := range args {
		timers = append(timers, strings.TrimSuffix(filepath.Base(arg), ".timer")+".timer")
	}
	return "systemd still runs these too; disable them with: systemctl disable --now " + strings.Join(timers, " ")
}

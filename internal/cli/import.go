package cli

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/foreign"
	"jobsd/internal/jobfile"
)

const importHelp = `jobsd import - make job files from crontabs, anacrontabs and systemd timers

usage: jobsd import crontab [--system] [--dry-run] [--json] [FILE | DIR | -]
       jobsd import anacrontab [--dry-run] [--json] [FILE | -]
       jobsd import systemd-timer [--user] [--dry-run] [--json] UNIT...

Makes a job file with the same meaning from each entry, or from each timer with
its service. If a line cannot be imported, or not exactly, it prints FILE:LINE:
TEXT: REASON and exits 1. A note says where a job behaves slightly differently
than before. Everything else is imported. See jobsd(8) for all differences.

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
	var files []newFile
	var names []string
	for i, text := range found.Texts() {
		names = append(names, found.Jobs[i].Name+".toml")
		files = append(files, newFile{names[i], text})
	}
	still := foreign.Remark{Reason: stillRun(kind, args)}
	if !a.json {
		a.tellRemarks(found)
	}
	if o.dryRun && !a.json {
		a.printFiles(files)
		a.tellImport(found)
		return orUnwell(nil, len(found.Refused) > 0)
	}
	s, err := a.places.site()
	if err != nil {
		return err
	}
	var defs []*jobfile.Definition
	var r *reloadResult
	switch {
	case len(files) == 0:
	case o.dryRun:
		defs, err = s.try(files)
	default:
		if defs, r, err = a.addFiles(s, files, nil); a.json {
			found.Notes = append(found.Notes, still)
		}
	}
	if defs == nil && err != nil {
		return err
	}
	if a.json {
		err = cmp.Or(a.printJSON(importedJSON(s, found, names, defs, r)), err)
	} else {
		if defs != nil {
			tellDues(a.out, s.dues(defs))
			a.warnOf(s, defs)
			fmt.Fprintf(a.out, "%s in %s\n", count(len(files), "file"), s.Jobs)
			if err == nil {
				a.tellTaken(s, r)
			}
			fmt.Fprintf(a.err, "note: %s\n", still)
		}
		a.tellImport(found)
	}
	return orUnwell(cmp.Or(err, a.each(names, r.refusal)), len(found.Refused) > 0)
}

// tellRemarks prints the notes and the lines that are not imported.
func (a *app) tellRemarks(found *foreign.Result) {
	for _, n := range found.Notes {
		fmt.Fprintf(a.err, "note: %s\n", n)
	}
	for _, r := range found.Refused {
		fmt.Fprintln(a.err, r)
	}
}

func (a *app) tellImport(found *foreign.Result) {
	fmt.Fprintf(a.err, "%s, %s not imported\n", count(len(found.Jobs), "job"), count(len(found.Refused), "line"))
}

func (a *app) printFiles(files []newFile) {
	for i, f := range files {
		if i > 0 {
			fmt.Fprintln(a.out)
		}
		fmt.Fprintf(a.out, "# %s\n%s", f.Name, f.Text)
	}
}

// imported is the JSON of import.
type imported struct {
	Files   []string      `json:"files"`
	Jobs    []due         `json:"jobs"`
	Refused []remarkJSON  `json:"refused"`
	Notes   []remarkJSON  `json:"notes"`
	Reload  *reloadResult `json:"reload"`
}

// remarkJSON is a remark about a line of a foreign file.
type remarkJSON struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Text   string `json:"text"`
	Reason string `json:"reason"`
}

func remarksJSON(list []foreign.Remark) []remarkJSON {
	all := []remarkJSON{} // no null in the output
	for _, r := range list {
		all = append(all, remarkJSON{r.File, r.Line, r.Text, r.Reason})
	}
	return all
}

func importedJSON(s *site, found *foreign.Result, names []string, defs []*jobfile.Definition, r *reloadResult) imported {
	doc := imported{Files: []string{}, Jobs: s.dues(defs), Refused: remarksJSON(found.Refused), Notes: remarksJSON(found.Notes), Reload: r}
	for _, name := range names {
		doc.Files = append(doc.Files, filepath.Join(s.Jobs, name))
	}
	return doc
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

package cli

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"jobsd/internal/durable"
	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// change is what a verb did to a job file, and the result of the reload.
type change struct {
	File   string        `json:"file"`
	Jobs   []due         `json:"jobs"`
	Reload *reloadResult `json:"reload"` // null: no daemon runs
}

// due is when a job runs next.
type due struct {
	Job     string         `json:"job"`
	NextRun statefile.Time `json:"next_run"`
	notes   string
}

// addFiles checks new job files together with the existing ones, writes all or none of them, and makes a running daemon
// reload. Mistakes are of type jobfile.Errors. If an error comes after the files are written, defs has the jobs.
func (a *app) addFiles(s *site, files []newFile, vet func([]*jobfile.Definition) error) (defs []*jobfile.Definition, r *reloadResult, err error) {
	if err := durable.MakeDir(s.Jobs, 0o755); err != nil {
		return nil, nil, fmt.Errorf("cannot make the jobs directory: %w", err)
	}
	d, err := a.lockJobs(s)
	if err != nil {
		return nil, nil, err
	}
	err = d.absent(files)
	if err == nil {
		defs, err = s.try(files)
	}
	if err == nil && vet != nil {
		err = vet(defs)
	}
	if err == nil {
		err = d.create(files)
	}
	d.Close() // others need not wait for the daemon
	if err != nil {
		return nil, nil, err
	}
	r, err = s.takeIn()
	return defs, r, err
}

// takeIn makes a running daemon reload. It returns nil if there is no daemon.
func (s *site) takeIn() (*reloadResult, error) {
	r, err := s.reload(reloadTime)
	if codeOf(err) == exitNoDaemon {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("the job files have changed, but the daemon has not reloaded them: %w", err)
	}
	return r, nil
}

func (s *site) change(file string, defs []*jobfile.Definition, r *reloadResult) change {
	return change{filepath.Join(s.Jobs, file), s.dues(defs), r}
}

// tellChange prints a file, its jobs and the result of the reload. err is the error of the reload.
func (a *app) tellChange(s *site, file string, defs []*jobfile.Definition, r *reloadResult, err error) error {
	c := s.change(file, defs, r)
	if a.json {
		return cmp.Or(a.printJSON(c), err, r.refusal(file))
	}
	fmt.Fprintln(a.out, c.File)
	tellDues(a.out, c.Jobs)
	a.warnOf(s, defs)
	if err != nil {
		return err
	}
	a.tellTaken(s, r)
	return r.refusal(file)
}

// tellTaken prints what the reload changed.
func (a *app) tellTaken(s *site, r *reloadResult) {
	if r == nil {
		fmt.Fprintf(a.err, "jobsd: no daemon is running; the change takes effect when one starts; %s\n", s.howToStart())
		return
	}
	fmt.Fprintf(a.out, "reloaded: %s\n", r.summary())
}

// refusal returns an error if the daemon refused that file. Other refused files were refused before, too.
func (r *reloadResult) refusal(file string) error {
	var lines []string
	if r != nil {
		for i, m := range r.mistakes {
			if m.File == file {
				lines = append(lines, r.Errors[i])
			}
		}
	}
	if lines == nil {
		return nil
	}
	return fail(exitFailed, "", "the daemon refuses the file: %s", strings.Join(lines, "\n"))
}

func (s *site) dues(defs []*jobfile.Definition) []due {
	f := s.foresight(window{from: time.Now(), number: 1}, false)
	all := []due{} // no null in the output
	for _, def := range defs {
		p := f.preview(def)
		d := due{Job: def.Name, notes: p.notes()[0]}
		if len(p.Next) > 0 {
			d.NextRun = p.Next[0]
		}
		all = append(all, d)
	}
	return all
}

// tellDues prints a line for each job: "backup: next run tomorrow at 4:35am".
func tellDues(w io.Writer, dues []due) {
	now := time.Now()
	for _, d := range dues {
		line := d.notes
		if !d.NextRun.IsZero() {
			line = joined("next run "+when(d.NextRun.Time(), now, d.NextRun.Time().Second() != 0), d.notes)
		}
		fmt.Fprintf(w, "%s: %s\n", d.Job, line)
	}
}

// warnOf prints the warnings of "jobsd check" for these jobs.
func (a *app) warnOf(s *site, defs []*jobfile.Definition) {
	list := s.jobWarnings(defs)
	if slices.ContainsFunc(defs, mails) { // warnings about the settings only matter for jobs with mail
		list = append(list, configWarnings(s.config, true)...)
	}
	writeWarnings(a.err, list)
}

package cli

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

const nextHelp = `jobsd next - when jobs will run

usage: jobsd next [--file FILE]... [--from TIME] [-n NUMBER] [--json] [JOB...]

Reads the job files, of the jobs directory or those named, and tells when their jobs, or only those named, are due. It
needs no daemon. Intervals (every) go on from what a daemon knows of the job, else they begin at the given time.

  --file FILE  the jobs of this file, which need not be in the jobs directory; may be given several times
  --from TIME  as seen from then, such as 2026-11-23T16:00:00-05:00 (RFC 3339); usually now
  -n NUMBER    the next so many of each job; usually 5
  --json       an array of {"job", "next"}: the times in RFC 3339, in the job's own zone; none for a job that is not due
`

type nextOptions struct {
	files  []string
	from   string
	number int
}

func (a *app) next() *cobra.Command {
	var o nextOptions
	cmd := a.reader("next [JOB...]", nextHelp, func(args []string) error { return a.doNext(args, o, time.Now()) })
	fs := cmd.Flags()
	fs.StringArrayVar(&o.files, "file", nil, "")
	fs.StringVar(&o.from, "from", "", "")
	fs.IntVarP(&o.number, "number", "n", 5, "")
	cmd.ValidArgsFunction = a.completeJob
	return cmd
}

func (a *app) doNext(jobs []string, o nextOptions, now time.Time) error {
	from := now
	if o.from != "" {
		t, err := time.Parse(time.RFC3339, o.from)
		if err != nil {
			return usage("write it like "+now.Format(time.RFC3339)+" (RFC 3339)", "--from %q is no time", o.from)
		}
		from = t
	}
	if o.number < 1 {
		return usage("", "-n %d: at least one", o.number)
	}
	s, err := a.site()
	if err != nil {
		return err
	}
	defs, err := a.definitions(s, o.files)
	if err != nil {
		return err
	}
	if defs, err = pick(defs, jobs); err != nil {
		return err
	}
	previews := s.preview(defs, from, o.number)
	if a.json {
		return a.printJSON(previews)
	}
	writeNext(a.out, paletteFor(a.out), previews, now)
	return nil
}

// definitions are those of the files, or else of the jobs directory. Mistakes in the directory are told but hinder
// nothing; a file that was asked for must be right.
func (a *app) definitions(s *site, files []string) ([]*jobfile.Definition, error) {
	var defs []*jobfile.Definition
	if len(files) == 0 {
		set := s.load(s.Jobs)
		for _, e := range set.Errors {
			fmt.Fprintln(a.err, "jobsd:", e)
		}
		for _, j := range set.Jobs {
			defs = append(defs, j.Def)
		}
		return defs, nil
	}
	var wrong []error
	for _, file := range files {
		d, errs := jobfile.ReadFile(file, s.config)
		defs = append(defs, d...)
		wrong = append(wrong, errs...)
	}
	if wrong != nil {
		return nil, jobfile.Errors(wrong)
	}
	return defs, nil
}

// load reads a directory of job files as a daemon would.
func (s *site) load(dir string) *jobfile.Set {
	return jobfile.NewLoader(jobfile.Options{Jobs: dir, Config: s.configFile}).Load()
}

// pick returns the definitions of that name, in the order of the names; all if there are none.
func pick(defs []*jobfile.Definition, jobs []string) ([]*jobfile.Definition, error) {
	if len(jobs) == 0 {
		return defs, nil
	}
	var picked []*jobfile.Definition
	var known []string
	for _, d := range defs {
		known = append(known, d.Name)
	}
	for _, name := range jobs {
		i := slices.Index(known, name)
		if i < 0 {
			return nil, noJob(name, known)
		}
		picked = append(picked, defs[i])
	}
	return picked, nil
}

// preview is when one job is due.
type preview struct {
	Job  string           `json:"job"`
	Next []statefile.Time `json:"next"`
	note string
}

func (s *site) preview(defs []*jobfile.Definition, from time.Time, number int) []preview {
	state, err := s.state()
	if err != nil {
		state = &statefile.State{} // it only helps
	}
	host := s.config.Machine
	if host == "" {
		host, _ = os.Hostname() // without one, no machine matches
	}
	previews := []preview{} // no null in the output
	for _, d := range defs {
		p := preview{Job: d.Name, Next: []statefile.Time{}, note: hindrance(d, host)}
		var anchor time.Time
		if j := state.Jobs[d.Name]; j != nil {
			anchor = j.NextRun.Time
		}
		for _, t := range slots(d.Schedule, anchor, from, number) {
			p.Next = append(p.Next, statefile.At(t))
		}
		previews = append(previews, p)
	}
	return previews
}

// slots returns the first number of slots after from. An interval goes on from due, at which the job will run, or else
// begins at from.
func slots(s *schedule.Schedule, due, from time.Time, number int) []time.Time {
	next := s.Next
	if s.Kind() == schedule.Every {
		anchor := due.Add(-s.Interval())
		if due.IsZero() {
			anchor = from
		}
		next = func(after time.Time) time.Time {
			return schedule.EveryAfter(anchor, s.Interval(), after).In(s.Location())
		}
	}
	var times []time.Time
	for t := next(from); !t.IsZero() && len(times) < number; t = next(t) {
		times = append(times, t)
	}
	return times
}

// hindrance says why a job will not run, or not then, although its schedule says so; "" if nothing hinders it.
func hindrance(d *jobfile.Definition, host string) string {
	var words []string
	add := func(say bool, word string) {
		if say {
			words = append(words, word)
		}
	}
	add(!d.Enabled, "disabled")
	add(!d.ActiveOn(host), "elsewhere")
	add(d.Jitter > 0, "up to "+length(d.Jitter)+" later")
	switch {
	case d.KeepAlive != nil:
		add(true, "always on")
	case d.Schedule.Kind() == schedule.None:
		add(true, "only when asked")
	}
	return strings.Join(words, ", ")
}

// writeNext prints all times of all jobs in their order, and then the jobs that have none.
func writeNext(w io.Writer, p palette, previews []preview, now time.Time) {
	type slot struct {
		at statefile.Time
		preview
	}
	var all []slot
	for _, v := range previews {
		for _, t := range v.Next {
			all = append(all, slot{t, v})
		}
	}
	slices.SortStableFunc(all, func(a, b slot) int { return cmp.Or(a.at.Compare(b.at.Time), cmp.Compare(a.Job, b.Job)) })
	var rows [][]cell
	for _, s := range all {
		seconds := s.at.Second() != 0
		rows = append(rows, []cell{{text: when(s.at.Time, now, seconds)}, {text: s.at.String()}, {text: s.Job},
			{s.note, yellow}})
	}
	for _, v := range previews {
		if len(v.Next) == 0 {
			rows = append(rows, []cell{{text: none}, {text: none}, {text: v.Job}, {cmp.Or(v.note, "never again"), yellow}})
		}
	}
	writeTable(w, p, []column{{head: "next run"}, {head: "exactly"}, {head: "job"}, {}}, rows)
}

package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

const nextHelp = `jobsd next - list when jobs will run

usage: jobsd next [--from TIME] [--until TIME] [-n NUMBER] [--explain] [--json]
                  [--file FILE]... [JOB...]
       jobsd next [the same options] --start-at TIME [--days DAY] | --cron LINE
                  | --every DURATION | --at TIME [--timezone ZONE]

Reads the job files and prints when their jobs are due, in the order of time:
the next 5 runs of each JOB or, without one, the next 20 of all jobs together.
It needs no daemon. An interval (every) continues from what the daemon knows of
the job, or else begins at the given time. The times include the delay that
jitter adds.
`

const (
	usualNumber = 5    // runs of each named job
	usualOfAll  = 20   // runs of all jobs together
	mostUntil   = 1000 // runs of each job, with --until
	mostIdle    = 10   // jobs without a next run that are listed one by one
)

type nextOptions struct {
	files       []string
	from, until time.Time // zero: not given
	number      int       // 0: not given
	explain     bool
	adHoc       schedule.Keys
}

func (a *app) next() *cobra.Command {
	var o nextOptions
	k := &o.adHoc
	do := func(args []string) error { return a.doNext(args, o, time.Now()) }
	return a.verb(nextHelp, a.jobs(0), do,
		opt("file", aJobFile, &o.files, "read the jobs of this file, which may be anywhere; may be given several times"),
		opt("from", aTime, &o.from, `begin at this time, such as "2026-11-23 16:00" or 2026-11-23T16:00:00-05:00; the default is now`),
		opt("until", aTime, &o.until, "print all runs up to this time, but at most 1000 of a job unless -n is given"),
		opt("number", aNumber, atLeastOne(&o.number), `print the next NUMBER runs of each JOB, or of all jobs together; with --json,
			always of each job`).short("n"),
		opt("explain", nothing, &o.explain, `explain what is special: what a change of the clocks does to a time, how long jitter delays it,
			why a job will not run by itself`),
		a.jsonOption(`print an array of {"job", "next"}: the times in RFC 3339, in the job's own zone; no times for a job that is not due;
			with --explain also "explain", an array of {"at", "text"}: what is special at that time or, if "at" is null, about the job`),
		paragraph(`To see when a schedule would be due, give it instead of jobs. These options mean the same as the keys of job files, see jobs.d(5):`),
		opt("start-at", aTime, commaList(&k.StartAt), "times of day, separated by commas or each with its own option"),
		opt("days", kind{value: "DAY", words: jobfile.DayWords}, commaList(&k.Days), `the days for --start-at, written in the same
			way: --days mon-fri, --days 1,15`),
		opt("cron", kind{value: "LINE"}, &k.Cron, "a cron expression; may be given several times"),
		opt("every", aDuration, &k.Every, "an interval, counted from now or from --from"),
		opt("at", aTime, &k.At, "a single time"),
		opt("timezone", kind{value: "ZONE"}, &k.Timezone, "the time zone of these, such as Europe/Berlin; the default is the local zone"))
}

// atLeastOne reads -n.
func atLeastOne(number *int) func(string) error {
	return func(text string) (err error) {
		if *number, err = strconv.Atoi(text); err == nil && *number < 1 {
			err = usage("", "-n %d: must be at least 1", *number)
		}
		return err
	}
}

// commaList reads several values separated by commas, like the options of add.
func commaList(list *[]string) func(string) error {
	return func(text string) error {
		for item := range strings.SplitSeq(text, ",") {
			*list = append(*list, strings.TrimSpace(item))
		}
		return nil
	}
}

func (a *app) doNext(jobs []string, o nextOptions, now time.Time) error {
	w, err := o.window(now)
	if err != nil {
		return err
	}
	limit := 0 // of all jobs together
	var previews []preview
	if k := o.adHoc; k.StartAt != nil || k.Days != nil || k.Cron != nil || k.Every != nil || k.At != nil || k.Timezone != nil {
		if len(jobs) > 0 || len(o.files) > 0 {
			return usage("", "a schedule cannot be combined with a job or --file")
		}
		previews, err = o.previewSchedule(w, now)
	} else {
		if len(jobs) == 0 && !a.json {
			limit = cmp.Or(o.number, usualOfAll)
			if w.until.IsZero() {
				w.number = limit
			} else if o.number == 0 {
				limit = 0
			}
		}
		previews, err = a.previewJobs(jobs, o, w)
	}
	if err != nil {
		return err
	}
	for _, p := range previews {
		if p.more && o.number == 0 && !o.until.IsZero() {
			fmt.Fprintf(a.err, "jobsd: printed only the first %d of %s; for more use -n NUMBER\n", mostUntil, p.Job)
		}
	}
	if a.json {
		return a.printJSON(previews)
	}
	if len(previews) == 0 {
		fmt.Fprintln(a.err, `jobsd: there are no jobs; "jobsd help add" explains how to make one`)
	}
	cut := writeNext(a.out, paletteFor(a.out), previews, limit, now)
	if cut && o.number == 0 {
		fmt.Fprintf(a.err, "jobsd: printed only the next %d; for more use -n NUMBER\n", limit)
	}
	return nil
}

// window is the period (from, until], with at most number runs of each job.
type window struct {
	from, until time.Time // a zero until means no end
	number      int
}

func (o *nextOptions) window(now time.Time) (window, error) {
	w := window{from: now, until: o.until, number: usualNumber}
	if !o.from.IsZero() {
		w.from = o.from
	}
	switch {
	case !w.until.IsZero() && w.until.Before(w.from):
		return w, usage("", "--until %s is before --from %s", statefile.At(w.until), statefile.At(w.from))
	case o.number > 0:
		w.number = o.number
	case !w.until.IsZero():
		w.number = mostUntil
	}
	return w, nil
}

// previewSchedule previews the schedule in the options. Its name is the text of the options, and its words explain it.
func (o *nextOptions) previewSchedule(w window, now time.Time) ([]preview, error) {
	if at := o.adHoc.At; at != nil {
		if full, err := momentIn(text(o.adHoc.Timezone), *at, now); err == nil {
			o.adHoc.At = &full
		}
	}
	s, errs := schedule.Parse(o.adHoc, time.Local, now)
	if errs != nil {
		return nil, adHocError(errs)
	}
	if s.Kind() == schedule.None {
		return nil, usage("add --start-at, --cron, --every or --at", "--timezone alone is not a schedule")
	}
	p := preview{Job: given(o.adHoc), words: inStyle(s.Words())}
	p.look(s, w, 0, time.Time{})
	if o.explain {
		p.Explain = []remark{}
		p.explainClock(s, 0)
		if len(p.Next) == 0 {
			p.remark(statefile.Time{}, "not due in that time")
		}
	}
	return []preview{p}, nil
}

// given writes a schedule like its options: "start-at 4:35am days mon-fri".
func given(k schedule.Keys) string {
	var words []string
	add := func(option string, values ...string) {
		if len(values) > 0 {
			words = append(words, option+" "+strings.Join(values, ","))
		}
	}
	one := func(option string, value *string) {
		if value != nil {
			add(option, *value)
		}
	}
	add("start-at", k.StartAt...)
	add("days", k.Days...)
	for _, line := range k.Cron {
		add("cron", line)
	}
	one("every", k.Every)
	one("at", k.At)
	one("timezone", k.Timezone)
	return strings.Join(words, " ")
}

// adHocError returns all mistakes in one error, each with its option.
func adHocError(errs []*schedule.Error) error {
	var lines []string
	for _, e := range errs {
		lines = append(lines, "--"+strings.ReplaceAll(e.Key, "_", "-")+": "+e.Error())
	}
	return usage("jobsd help next", "%s", strings.Join(lines, "\njobsd: "))
}

func (a *app) previewJobs(jobs []string, o nextOptions, w window) ([]preview, error) {
	s, err := a.site()
	if err != nil {
		return nil, err
	}
	defs, err := a.definitions(s, o.files)
	if err != nil {
		return nil, err
	}
	f := s.foresight(w, o.explain)
	picked, err := pick(defs, jobs)
	if err != nil {
		return nil, f.stale(jobs, defs, err)
	}
	previews := []preview{} // no null in the output
	for _, d := range picked {
		previews = append(previews, f.preview(d))
	}
	return previews, nil
}

// stale returns a better error than err if one of the jobs is stale: the daemon knows it, but its file is refused.
func (f *foresight) stale(jobs []string, defs []*jobfile.Definition, err error) error {
	for _, name := range jobs {
		known := f.state.Jobs[name]
		here := slices.ContainsFunc(defs, func(d *jobfile.Definition) bool { return d.Name == name })
		if !here && known != nil && known.Stale {
			return fail(exitFailed, "jobsd show "+name+" shows when it is due by its last good definition", "the file of %s is refused: %s",
				name, text(known.Error))
		}
	}
	return err
}

// definitions reads the files, or the jobs directory if there are no files. It only prints mistakes in the directory, but
// fails for mistakes in the files.
func (a *app) definitions(s *site, files []string) ([]*jobfile.Definition, error) {
	var defs []*jobfile.Definition
	if len(files) == 0 {
		set := s.load(s.Jobs)
		for _, e := range set.Errors {
			fmt.Fprintln(a.err, "jobsd:", e)
		}
		return set.Definitions(), nil
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

// pick returns the definitions with these names, in their order; without names it returns all.
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

// writeNext prints the times of all jobs in order, at most limit of them if limit is above 0, and then the jobs without a
// time. It reports whether there were more times.
func writeNext(w io.Writer, p palette, previews []preview, limit int, now time.Time) (cut bool) {
	type slot struct {
		at    statefile.Time
		job   string
		notes string
	}
	var all []slot
	var idle [][]cell
	for _, v := range previews {
		notes := v.notes()
		notes[0] = joined(v.words, notes[0])
		for i, t := range v.Next {
			all = append(all, slot{t, v.Job, notes[i]})
		}
		if len(v.Next) == 0 {
			idle = append(idle, []cell{{text: none}, {text: none}, {text: v.Job}, {notes[0], yellow}})
		}
		cut = cut || limit > 0 && v.more
	}
	slices.SortStableFunc(all, func(a, b slot) int { return cmp.Or(a.at.Time().Compare(b.at.Time()), cmp.Compare(a.job, b.job)) })
	if limit > 0 && len(all) > limit {
		all, cut = all[:limit], true
	}
	var rows [][]cell
	for _, s := range all {
		seconds := s.at.Time().Second() != 0
		rows = append(rows, []cell{{text: when(s.at.Time(), now, seconds)}, {text: s.at.String()}, {text: s.job},
			{s.notes, yellow}})
	}
	more := len(idle) - mostIdle
	if limit > 0 && more > 1 {
		idle = idle[:mostIdle]
	} else {
		more = 0
	}
	if rows = append(rows, idle...); len(rows) > 0 {
		writeTable(w, p, []column{{head: "next run"}, {head: "exactly"}, {head: "job", shrink: true}, {below: true}}, rows)
	}
	if more > 0 {
		fmt.Fprintf(w, "and %d more jobs without a next run\n", more)
	}
	return cut
}

package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// diff is what a reload would do, as names of jobs.
type diff struct {
	New     []string `json:"new"`
	Changed []string `json:"changed"`
	Removed []string `json:"removed"`
	Stale   []string `json:"stale"` // their file is refused, so they stay unchanged

	how map[string]string // how the changed jobs differ, in words
}

// diff compares the job files with the jobs that the daemon has recorded.
func (s *site) diff(set *jobfile.Set) (*diff, error) {
	facts, err := statefile.ReadFacts(s.State)
	if err != nil {
		return nil, err
	}
	refused := map[string]bool{}
	if state, err := s.state(); err == nil {
		for name, j := range state.Jobs {
			refused[name] = fileRefused(set, fileName(j))
		}
	}
	return compare(set, facts, refused), nil
}

// fileRefused reports whether one of the mistakes is in that file.
func fileRefused(set *jobfile.Set, file string) bool {
	return slices.ContainsFunc(set.Errors, func(e *jobfile.Error) bool { return e.File == file })
}

func compare(set *jobfile.Set, facts *statefile.Facts, refused map[string]bool) *diff {
	d := &diff{New: []string{}, Changed: []string{}, Removed: []string{}, Stale: []string{}, how: map[string]string{}}
	defined := map[string]bool{}
	for _, j := range set.Jobs {
		name := j.Def.Name
		defined[name] = true
		known := facts.Jobs[name]
		switch {
		case fileRefused(set, j.Def.File) && (known == nil || known.Definition != statefile.Hash(j.Def.Hash)):
			// The daemon refuses a file that names an unknown target if it is new or has changed.
			if known != nil && known.RemovedAt.IsZero() && known.Schedule != 0 {
				d.Stale = append(d.Stale, name)
			}
		case known == nil || !known.RemovedAt.IsZero() || known.Schedule == 0:
			d.New = append(d.New, name)
		case known.Definition != statefile.Hash(j.Def.Hash):
			d.Changed = append(d.Changed, name)
			d.how[name] = changeOf(j.Def, known)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(facts.Jobs)) {
		switch known := facts.Jobs[name]; {
		case defined[name] || !known.RemovedAt.IsZero() || known.Schedule == 0:
		case refused[name]:
			d.Stale = append(d.Stale, name)
		default:
			d.Removed = append(d.Removed, name)
		}
	}
	return d
}

// changeOf returns what a changed definition means for its job.
func changeOf(def *jobfile.Definition, known *statefile.JobFacts) string {
	when := known.Schedule != statefile.Hash(def.ScheduleHash)
	switch {
	case def.KeepAlive != nil && known.Process != statefile.Hash(def.ProcessHash):
		return " (restarted)"
	case when:
		return " (schedule)"
	case known.Process != statefile.Hash(def.ProcessHash):
		return " (how it runs)"
	}
	return ""
}

func writeDiff(w io.Writer, d *diff) {
	if d == nil {
		return
	}
	say := func(what string, names []string) {
		for _, name := range names {
			fmt.Fprintf(w, "%s %s%s\n", what, name, d.how[name])
		}
	}
	if len(d.New)+len(d.Changed)+len(d.Removed) == 0 {
		fmt.Fprintln(w, "a reload would change nothing")
	} else {
		fmt.Fprintln(w, "a reload would do this:")
	}
	say("  new    ", d.New)
	say("  changed", d.Changed)
	say("  removed", d.Removed)
	say("  stale  ", d.Stale)
}

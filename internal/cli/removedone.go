package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// done removes the files in which all jobs are done.
func (r *removing) done() error {
	known := r.site.known()
	for _, file := range slices.Sorted(maps.Keys(r.files)) {
		var done, others []string
		for _, def := range r.files[file] {
			if isDone(def, known[def.Name]) {
				done = append(done, def.Name)
			} else {
				others = append(others, def.Name)
			}
		}
		why := ""
		for _, job := range done {
			if later := jobsAfter(r.files, job); len(later) > 0 {
				why = fmt.Sprintf("it is in \"after\" of %s", strings.Join(later, ", "))
			}
		}
		if len(others) > 0 {
			why = fmt.Sprintf("%s also has %s", file, strings.Join(others, ", "))
		}
		switch {
		case len(done) == 0:
		case why != "":
			for _, job := range done {
				r.Kept = append(r.Kept, kept{job, why})
			}
		default:
			if err := r.file(file, done); err != nil {
				return err
			}
		}
	}
	return nil
}

// isDone reports whether a job with at has had its time: the state file has no running, pending or delayed run of it. A job
// that is disabled or belongs to another machine has not had its time here.
func isDone(d *jobfile.Definition, j *statefile.Job) bool {
	return d.Schedule.Kind() == schedule.At && !d.AtBoot && len(d.After) == 0 &&
		j != nil && !j.Disabled && !j.Elsewhere && !j.Held && !j.Stale && !j.InternalError &&
		j.NextRun.IsZero() && j.NextTry.IsZero() && len(j.Running) == 0 && len(j.DelayedStarts) == 0 && (j.LastRun != nil || j.Missed > 0)
}

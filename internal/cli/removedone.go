package cli

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// cleared is what "remove --done" prints.
type cleared struct {
	Files  []string      `json:"files"`
	Jobs   []string      `json:"jobs"`
	Kept   []kept        `json:"kept"`
	Reload *reloadResult `json:"reload"`
}

// kept is a job that is done and whose file stays.
type kept struct {
	Job string `json:"job"`
	Why string `json:"why"`
}

// removeDone removes the files of all jobs that are done.
func (a *app) removeDone() error {
	s, err := a.site()
	if err != nil {
		return err
	}
	c, err := a.clear(s)
	if err != nil {
		return err
	}
	if len(c.Files) > 0 {
		c.Reload, err = s.takeIn()
	}
	if a.json {
		if printed := a.printJSON(c); err == nil {
			err = printed
		}
		return err
	}
	for _, file := range c.Files {
		fmt.Fprintln(a.out, "removed", file)
	}
	for _, k := range c.Kept {
		fmt.Fprintf(a.err, "jobsd: %s is done, but %s\n", k.Job, k.Why)
	}
	switch {
	case len(c.Files)+len(c.Kept) == 0:
		fmt.Fprintln(a.out, "no job is done")
	case err == nil && len(c.Files) > 0:
		a.tellTaken(s, c.Reload)
	}
	return err
}

// clear removes the files, each of which has to hold nothing but jobs that are done.
func (a *app) clear(s *site) (*cleared, error) {
	d, err := a.lockJobs(s)
	if err != nil {
		return nil, err
	}
	defer d.close()
	files, err := s.loaded().Files()
	if err != nil {
		return nil, err
	}
	c := &cleared{Files: []string{}, Jobs: []string{}, Kept: []kept{}}
	known := s.known()
	for _, file := range slices.Sorted(maps.Keys(files)) {
		var done, others []string
		for _, def := range files[file] {
			if isDone(def, known[def.Name]) {
				done = append(done, def.Name)
			} else {
				others = append(others, def.Name)
			}
		}
		why := ""
		for _, job := range done {
			if later := jobsAfter(files, job); len(later) > 0 {
				why = fmt.Sprintf("it stands in \"after\" of %s", strings.Join(later, ", "))
			}
		}
		if len(others) > 0 {
			why = fmt.Sprintf("%s also holds %s", file, strings.Join(others, ", "))
		}
		switch {
		case len(done) == 0:
		case why != "":
			for _, job := range done {
				c.Kept = append(c.Kept, kept{job, why})
			}
		default:
			if err := d.remove(file); err != nil {
				return nil, err
			}
			c.Files, c.Jobs = append(c.Files, filepath.Join(s.Jobs, file)), append(c.Jobs, done...)
		}
	}
	return c, nil
}

// isDone tells whether a job that was to run once has had its time, by what the daemon knows: nothing of it runs, waits
// or is still to come. One that is disabled or belongs to another machine has not had it here.
func isDone(d *jobfile.Definition, j *statefile.Job) bool {
	return d.Schedule.Kind() == schedule.At && !d.AtBoot && len(d.After) == 0 &&
		j != nil && !j.Disabled && !j.Elsewhere && !j.Held && !j.Stale && !j.InternalError &&
		j.NextRun.IsZero() && j.NextTry.IsZero() && len(j.Running) == 0 && len(j.Later) == 0 && (j.LastRun != nil || j.Missed > 0)
}

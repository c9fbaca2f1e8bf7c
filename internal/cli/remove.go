package cli

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

const removeHelp = `jobsd remove - remove jobs

usage: jobsd remove [--json] JOB...
       jobsd remove [--json] --done

Removes the files of the jobs and makes a running daemon reload once. First
checks everything: a file with other jobs is refused, and so is a job that is in
"after" of a job that stays. Running jobs continue under their old definition;
services are stopped. Logs and history stay. A JOB may be a pattern such as
'web-*'.
`

func (a *app) remove() *cobra.Command {
	var done bool
	do := func(s *site, args []string) error {
		if err := jobsOr("remove", "--done", done, args); err != nil {
			return err
		}
		if done {
			return a.doRemove(s, (*removing).done)
		}
		return a.doRemove(s, func(r *removing) error { return r.named(a, args) })
	}
	return a.verb(removeHelp, a.jobs(0), a.here(do),
		opt("done", nothing, &done, "remove all jobs with at whose time has passed; a file that also has other jobs stays"),
		a.jsonOption(`print {"files", "jobs", "kept": [{"job", "why"}], "reload"}: the paths of the files, the names of the jobs, with
			--done the jobs whose file stays; `+reloadJSON+` or a removed file`))
}

// reloadJSON describes the result of a reload in the JSON of a verb.
const reloadJSON = `reload is as with "jobsd reload", null without a daemon`

// removal is the JSON of remove.
type removal struct {
	Files  []string      `json:"files"`
	Jobs   []string      `json:"jobs"`
	Kept   []kept        `json:"kept"`
	Reload *reloadResult `json:"reload"`
}

// kept is a job that is done but whose file stays.
type kept struct {
	Job string `json:"job"`
	Why string `json:"why"`
}

// removing is a removal in progress. It holds the lock on the jobs directory.
type removing struct {
	*jobsDir
	files map[string][]*jobfile.Definition // all of the directory
	removal
}

// doRemove removes files with remove, and makes a running daemon reload once for all of them.
func (a *app) doRemove(s *site, remove func(*removing) error) error {
	c, err := a.removeFiles(s, remove)
	if len(c.Files) > 0 {
		var failed error
		c.Reload, failed = s.takeIn()
		err = cmp.Or(err, failed)
	} else if err != nil {
		return err
	}
	if a.json {
		return cmp.Or(a.printJSON(c), err)
	}
	a.tellRemoval(c)
	if err == nil && len(c.Files) > 0 {
		a.tellRemaining(s, c.Jobs)
		a.tellTaken(s, c.Reload)
	}
	return err
}

// removeFiles removes files under the lock on the jobs directory. It releases the lock before the reload, so that others need
// not wait for the daemon.
func (a *app) removeFiles(s *site, remove func(*removing) error) (removal, error) {
	r := &removing{removal: removal{Files: []string{}, Jobs: []string{}, Kept: []kept{}}}
	var err error
	if r.jobsDir, err = a.lockJobs(s); err != nil {
		return r.removal, err
	}
	defer r.Close()
	if r.files, err = s.loaded().Files(); err == nil {
		err = remove(r)
	}
	return r.removal, err
}

// file removes a file with its jobs.
func (r *removing) file(name string, jobs []string) error {
	err := r.remove(name)
	if err == nil {
		r.Files, r.Jobs = append(r.Files, filepath.Join(r.site.Jobs, name)), append(r.Jobs, jobs...)
	}
	return err
}

// named removes the jobs that words name, or none of them.
func (r *removing) named(a *app, words []string) error {
	jobs, err := expandIn(words, func() ([]string, error) { return r.site.namesIn(r.files), nil })
	if err != nil {
		return err
	}
	byFile := map[string][]string{}
	err = a.each(jobs, func(job string) error {
		file, err := r.site.fileOf(r.files, job)
		if err == nil {
			err = r.removable(job, file, jobs)
		}
		if err == nil {
			byFile[file] = append(byFile[file], job)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, file := range slices.Sorted(maps.Keys(byFile)) {
		if err := r.file(file, byFile[file]); err != nil {
			return err
		}
	}
	return nil
}

// removable returns an error if a job cannot be removed together with these jobs.
func (r *removing) removable(job, file string, jobs []string) error {
	stay := func(names []string) []string {
		return slices.DeleteFunc(names, func(name string) bool { return slices.Contains(jobs, name) })
	}
	if others := stay(r.site.jobsIn(r.files, file)); len(others) > 0 {
		return fail(exitFailed, "jobsd edit "+file, "%s also has %s", filepath.Join(r.site.Jobs, file), strings.Join(others, ", "))
	}
	if later := stay(jobsAfter(r.files, job)); len(later) > 0 {
		return fail(exitFailed, "remove it there first: jobsd edit "+later[0],
			`cannot remove %s: it is in "after" of %s`, job, strings.Join(later, ", "))
	}
	return nil
}

// namesIn returns the names of all jobs in the files.
func (s *site) namesIn(files map[string][]*jobfile.Definition) (names []string) {
	for file := range files {
		names = append(names, s.jobsIn(files, file)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// tellRemoval prints which files were removed and which stay.
func (a *app) tellRemoval(c removal) {
	for _, file := range c.Files {
		fmt.Fprintln(a.out, "removed", file)
	}
	for _, k := range c.Kept {
		fmt.Fprintf(a.err, "jobsd: %s is done, but %s\n", k.Job, k.Why)
	}
	if len(c.Files)+len(c.Kept) == 0 {
		fmt.Fprintln(a.out, "no job is done")
	}
}

// fileOf returns the file of a job. If the file cannot be read, it looks in the state file.
func (s *site) fileOf(files map[string][]*jobfile.Definition, job string) (string, error) {
	var holding, known []string
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for _, d := range files[file] {
			known = append(known, d.Name)
			if d.Name == job {
				holding = append(holding, file)
			}
		}
	}
	if j := s.known()[job]; j != nil && holding == nil {
		if _, ok := files[fileName(j)]; ok {
			holding = []string{fileName(j)}
		}
	}
	switch len(holding) {
	case 0:
		return "", noJob(job, known)
	case 1:
		return holding[0], nil
	}
	return "", fail(exitFailed, "jobsd edit "+holding[0], "%s is in %s", job, strings.Join(holding, " and "))
}

// fileName returns the name of the file of a job in the jobs directory.
func fileName(j *statefile.Job) string {
	if j.File == "" {
		return ""
	}
	return filepath.Base(j.File)
}

// known returns the jobs of the state file, nil if there is none.
func (s *site) known() map[string]*statefile.Job {
	state, err := s.state()
	if err != nil {
		return nil
	}
	return state.Jobs
}

// jobsIn returns the names of the jobs in a file. If the file cannot be read, it returns those of its last good version.
func (s *site) jobsIn(files map[string][]*jobfile.Definition, file string) (names []string) {
	for _, d := range files[file] {
		names = append(names, d.Name)
	}
	if files[file] != nil {
		return names
	}
	for name, j := range s.known() {
		if fileName(j) == file {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// jobsAfter returns the jobs that have another job in "after".
func jobsAfter(files map[string][]*jobfile.Definition, job string) (names []string) {
	for _, file := range slices.Sorted(maps.Keys(files)) {
		for _, d := range files[file] {
			if slices.Contains(d.After, job) {
				names = append(names, d.Name)
			}
		}
	}
	return names
}

// tellRemaining prints what happens to the runs of removed jobs.
func (a *app) tellRemaining(s *site, jobs []string) {
	known := s.known()
	for _, job := range jobs {
		if known[job] == nil {
			continue
		}
		for _, r := range known[job].Running {
			switch {
			case r.State == statefile.RunStopping:
				fmt.Fprintf(a.out, "run %d of %s is being stopped\n", r.Run, job)
			case r.OldDefinition:
				fmt.Fprintf(a.out, "run %d of %s continues to its end\n", r.Run, job)
			}
		}
	}
}

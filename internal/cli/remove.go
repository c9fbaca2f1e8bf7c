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

const removeHelp = `jobsd remove - remove a job

usage: jobsd remove [--json] JOB
       jobsd remove [--json] --done

Removes the job's file, if it holds nothing else, and has a running daemon take
note of it. A run that lives ends under its old definition; a service is
stopped. What is known of the job, its log and its history stay. Refused for a
job that others are after.

  --done  remove all jobs that were to run once, by at, and have had their
          time; a file that also holds other jobs stays. Logs and history stay
  --json  {"file", "job", "reload"}; reload is as with "jobsd reload", null
          without a daemon. With --done {"files", "jobs", "kept": [{"job",
          "why"}], "reload"}: kept are jobs that are done whose file stays
`

func (a *app) remove() *cobra.Command {
	var done bool
	do := func(args []string) error {
		switch {
		case done && len(args) > 0:
			return usage("", "--done goes without the name of a job")
		case done:
			return a.removeDone()
		case len(args) == 0:
			return usage("jobsd help remove", "remove: which job?")
		}
		return a.doRemove(args[0])
	}
	cmd := takes(a.reader("remove JOB", removeHelp, do), 0, 1, "job")
	cmd.Flags().BoolVar(&done, "done", false, "")
	cmd.ValidArgsFunction = a.completeJob
	return cmd
}

func (a *app) doRemove(job string) error {
	s, err := a.site()
	if err != nil {
		return err
	}
	file, err := a.removeFile(s, job)
	if err != nil {
		return err
	}
	r, err := s.takeIn()
	path := filepath.Join(s.Jobs, file)
	if a.json {
		return cmp.Or(a.printJSON(removal{path, job, r}), err)
	}
	fmt.Fprintln(a.out, "removed", path)
	if err != nil {
		return err
	}
	a.tellRemaining(s, job)
	a.tellTaken(s, r)
	return nil
}

// removal is what remove prints.
type removal struct {
	File   string        `json:"file"`
	Job    string        `json:"job"`
	Reload *reloadResult `json:"reload"`
}

// removeFile removes the file that holds the job and nothing else.
func (a *app) removeFile(s *site, job string) (string, error) {
	d, err := a.lockJobs(s)
	if err != nil {
		return "", err
	}
	defer d.close()
	files, err := s.loaded().Files()
	if err != nil {
		return "", err
	}
	file, err := s.fileOf(files, job)
	if err != nil {
		return "", err
	}
	others := slices.DeleteFunc(s.jobsIn(files, file), func(name string) bool { return name == job })
	if len(others) > 0 {
		return "", fail(exitFailed, "jobsd edit "+file, "%s also holds %s", filepath.Join(s.Jobs, file),
			strings.Join(others, ", "))
	}
	if later := jobsAfter(files, job); len(later) > 0 {
		return "", fail(exitFailed, "take it out there first: jobsd edit "+later[0],
			`cannot remove %s: it stands in "after" of %s`, job, strings.Join(later, ", "))
	}
	return file, d.remove(file)
}

// fileOf returns the file that holds a job, by what the files say or, of one that cannot be read, by what the daemon
// knows.
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
	return "", fail(exitFailed, "jobsd edit "+holding[0], "%s stands in %s", job, strings.Join(holding, " and "))
}

// fileName is the name in the jobs directory of the file of a job.
func fileName(j *statefile.Job) string {
	if j.File == "" {
		return ""
	}
	return filepath.Base(j.File)
}

// known are the jobs of the state file, if there is one.
func (s *site) known() map[string]*statefile.Job {
	state, err := s.state()
	if err != nil {
		return nil
	}
	return state.Jobs
}

// jobsIn returns the names of the jobs that a file holds or, if it cannot be read, held when it was last good.
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

// jobsAfter returns the jobs that are after another.
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

// tellRemaining says what becomes of the runs of a job that is gone.
func (a *app) tellRemaining(s *site, job string) {
	j := s.known()[job]
	if j == nil {
		return
	}
	for _, r := range j.Running {
		switch {
		case r.State == "stopping":
			fmt.Fprintf(a.out, "run %d is being stopped\n", r.Run)
		case r.OldDefinition:
			fmt.Fprintf(a.out, "run %d goes on to its end\n", r.Run)
		}
	}
}

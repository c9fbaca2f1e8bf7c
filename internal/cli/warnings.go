package cli

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
	"jobsd/spawn"
	"jobsd/statefile"
)

// Warnings are about what is allowed but hardly meant. They do not count as wrong.

func writeWarnings(w io.Writer, warned []mistake) {
	for _, m := range warned {
		where := m.File
		if m.Line > 0 {
			where += fmt.Sprintf(":%d", m.Line)
		}
		fmt.Fprintf(w, "warning: %s: %s: %s\n", where, m.Key, m.Message)
	}
}

// warnings are those about a whole directory and the settings.
func (s *site) warnings(set *jobfile.Set) []mistake {
	var defs []*jobfile.Definition
	mailed := false
	for _, j := range set.Jobs {
		defs = append(defs, j.Def)
		mailed = mailed || mails(j.Def)
	}
	return append(s.jobWarnings(defs, set.Host), configWarnings(set.Config, mailed)...)
}

// configWarnings are those about the settings. mailed tells that some job sends mail.
func configWarnings(c *jobfile.Config, mailed bool) (list []mistake) {
	for _, doubt := range c.Doubts(mailed) {
		list = append(list, mistake{File: filepath.Base(cmp.Or(c.File, "jobsd.toml")), Key: doubt.Key, Message: doubt.Text})
	}
	return list
}

// mails tells whether a job names people who get mail.
func mails(d *jobfile.Definition) bool { return d.Notify != nil && len(d.Notify.Mail) > 0 }

// jobWarnings are those about jobs, in the order of their files.
func (s *site) jobWarnings(defs []*jobfile.Definition, host string) (list []mistake) {
	doubts := jobfile.Doubts(defs, host)
	now := time.Now()
	for _, d := range defs {
		warn := func(key, format string, args ...any) {
			list = append(list, mistake{File: d.File, Line: int(d.Line), Key: key, Message: fmt.Sprintf(format, args...)})
		}
		for _, doubt := range doubts[d] {
			warn(doubt.Key, "%s", doubt.Text)
		}
		if command := haltingCommand(d); command != "" && d.CatchUp.Max != 0 && d.Schedule.Kind() != schedule.None {
			warn("catch_up", "%s runs %q: missed while the machine is off, it would take it down again as soon as it is up; "+
				"add catch_up = false", d.Name, command)
		}
		if isPast(d, now) && !s.knows(d.Name) {
			warn("at", "%s is past: the job will not run", statefile.At(d.Schedule.Next(time.Time{})))
		}
		if d.EnvFile != "" && exists(d.EnvFile) {
			if text := badEnvFile(d.EnvFile); text != "" {
				warn("env_file", "%s", text)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b mistake) int { return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line)) })
	return list
}

// pastGrace is how long after its time a job that runs once is still started when it is new.
const pastGrace = time.Minute

// isPast tells whether a job was to run once, and is too late for that.
func isPast(d *jobfile.Definition, now time.Time) bool {
	return d.Schedule.Kind() == schedule.At && d.Schedule.Next(now.Add(-pastGrace)).IsZero()
}

// knows tells whether a daemon has had that job: then its time came while it was there.
func (s *site) knows(job string) bool { return s.known()[job] != nil }

// badEnvFile says what a start would say of the file, for who may read it.
func badEnvFile(path string) string {
	err := spawn.CheckEnvFile(path)
	if err == nil || err.Errno == 0 || err.Detail == "" {
		return ""
	}
	return err.Why()
}

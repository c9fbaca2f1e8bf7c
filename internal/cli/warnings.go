package cli

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"jobsd/internal/durable"
	"jobsd/internal/jobfile"
	"jobsd/internal/notify"
	"jobsd/internal/plain"
	"jobsd/internal/schedule"
	"jobsd/spawn"
	"jobsd/statefile"
)

// Warnings are about what is allowed but probably a mistake. They do not count as errors.

func writeWarnings(w io.Writer, warned []mistake) {
	for _, m := range warned {
		where := m.File
		if m.Line > 0 {
			where += fmt.Sprintf(":%d", m.Line)
		}
		fmt.Fprintf(w, "warning: %s: %s: %s\n", where, m.Key, m.Message)
	}
}

// warnings returns the warnings about a whole directory and the settings.
func (s *site) warnings(set *jobfile.Set) []mistake {
	defs := set.Definitions()
	list := append(s.jobWarnings(defs), configWarnings(set.Config, slices.ContainsFunc(defs, mails))...)
	if text := runDirText(s.Run); text != "" && s.root == "" { // with --root, a person has chosen one directory for all
		list = append(list, mistake{File: filepath.Base(cmp.Or(set.Config.File, "jobsd.toml")), Key: "run_dir", Message: text})
	}
	return list
}

// runDirText says that a run directory is on a disk, and what that means. It returns "" if it is in memory, or if that does
// not matter on this system.
func runDirText(dir string) string {
	if in, err := durable.InMemory(dir); err != nil || in {
		return ""
	}
	return dir + " is not on a tmpfs: a run that is about to start when the daemon is killed is lost"
}

// configWarnings returns the warnings about the settings. mailed says whether a job sends mail.
func configWarnings(c *jobfile.Config, mailed bool) (list []mistake) {
	warn := func(key, text string) {
		list = append(list, mistake{File: filepath.Base(cmp.Or(c.File, "jobsd.toml")), Key: key, Message: text})
	}
	for _, doubt := range c.Doubts(mailed) {
		warn(doubt.Key, doubt.Text)
	}
	secret := func(key, path string) {
		if path == "" {
			return
		}
		if err := notify.CheckSecret(path); err != nil {
			warn(key, "the daemon will refuse "+plain.Word(path)+": "+err.Error())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Targets)) {
		secret("notify."+name+".url_file", c.Targets[name].URLFile)
		secret("notify."+name+".headers_file", c.Targets[name].HeadersFile)
	}
	if b := c.Heartbeat; b != nil {
		secret("heartbeat.url_file", b.URLFile)
		secret("heartbeat.headers_file", b.HeadersFile)
	}
	return list
}

// mails reports whether a job sends mail.
func mails(d *jobfile.Definition) bool { return d.Notify != nil && len(d.Notify.Mail) > 0 }

// jobWarnings returns the warnings about jobs, in the order of their files.
func (s *site) jobWarnings(defs []*jobfile.Definition) (list []mistake) {
	doubts := jobfile.Doubts(defs, s.host())
	now := time.Now()
	for _, d := range defs {
		warn := func(key, format string, args ...any) {
			list = append(list, mistake{File: d.File, Line: int(d.Line), Key: key, Message: fmt.Sprintf(format, args...)})
		}
		for _, doubt := range doubts[d] {
			warn(doubt.Key, "%s", doubt.Text)
		}
		if command := haltingCommand(d); command != "" && d.CatchUp.Max != 0 && d.Schedule.Kind() != schedule.None {
			warn("catch_up", "%s runs %q: a catch-up run would shut the machine down again as soon as it is up; add catch_up = false", d.Name, command)
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

// pastGrace is how late a new job with at may be and still start.
const pastGrace = time.Minute

// isPast reports whether a job has only one time, and it is too late for that.
func isPast(d *jobfile.Definition, now time.Time) bool {
	return d.Schedule.Kind() == schedule.At && d.Schedule.Next(now.Add(-pastGrace)).IsZero()
}

// knows reports whether the state file has that job. Then the daemon has handled its time.
func (s *site) knows(job string) bool { return s.known()[job] != nil }

// badEnvFile returns the error that a start would report for the file, "" if there is none or the file cannot be read.
func badEnvFile(path string) string {
	err := spawn.CheckEnvFile(path)
	if err == nil || err.Errno == 0 || err.Detail == "" {
		return ""
	}
	return err.Why()
}

const unloadedText = `job files changed since the last reload; run "jobsd reload"`

// unloaded reports whether the job files or jobsd.toml have changed since a running daemon loaded them. It is false for a
// reader who may not read the jobs directory.
func unloaded(d *statefile.Daemon) bool {
	if !alive(d) || d.Reload.Files == "" {
		return false
	}
	now, err := jobfile.Fingerprint(d.JobsDir, d.ConfigFile)
	return err == nil && now != d.Reload.Files
}

// tellWhose prints whose jobs an ordinary user sees, unless an option has chosen.
func (a *app) tellWhose(s *site) {
	if os.Geteuid() == 0 || a.places.chosen() {
		return
	}
	if !s.user {
		fmt.Fprintln(a.err, "jobsd: these are the jobs of the machine; you have no jobs of your own")
	} else if system, _ := underSystem(); exists(system.State) {
		fmt.Fprintln(a.err, `jobsd: these are your own jobs; "jobsd --system list" shows those of the machine`)
	}
}

// warnUnloaded prints a warning if the job files have changed since the last reload.
func (a *app) warnUnloaded(d *statefile.Daemon) {
	if unloaded(d) {
		fmt.Fprintln(a.err, "jobsd: "+unloadedText)
	}
}

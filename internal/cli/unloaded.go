package cli

import (
	"fmt"
	"os"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

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

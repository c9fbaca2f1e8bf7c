package cli

import (
	"fmt"
	"os"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

const unloadedText = `job files changed since the last reload; run "jobsd reload"`

// unloaded tells whether the job files or jobsd.toml are other ones now than those that a running daemon loaded. A
// reader who may not look into the jobs directory does not learn of it.
func unloaded(d *statefile.Daemon) bool {
	if !alive(d) || d.Reload.Files == "" {
		return false
	}
	now, err := jobfile.Fingerprint(d.JobsDir, d.ConfigFile)
	return err == nil && now != d.Reload.Files
}

// tellWhose says whose jobs an ordinary user sees who did not say so.
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

// warnUnloaded says that what has been printed is not what the job files say.
func (a *app) warnUnloaded(d *statefile.Daemon) {
	if unloaded(d) {
		fmt.Fprintln(a.err, "jobsd: "+unloadedText)
	}
}

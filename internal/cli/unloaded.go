package cli

import (
	"fmt"

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

// warnUnloaded says that what has been printed is not what the job files say.
func (a *app) warnUnloaded(d *statefile.Daemon) {
	if unloaded(d) {
		fmt.Fprintln(a.err, "jobsd: "+unloadedText)
	}
}

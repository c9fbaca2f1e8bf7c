// Jobsd runs jobs: at set times, at intervals, at boot, or all the time. See jobsd(8), or run "jobsd help".
package main

import (
	"os"
	_ "time/tzdata" // for machines without a zone database

	"jobsd/internal/cli"
	"jobsd/internal/notify"
	"jobsd/internal/recorder"
)

func main() {
	// A process that is about to become a job does not get here: it ends in an init function of package spawn/shim.
	recorder.Stage()            // does not return in the process that writes the output of jobs
	notify.Stage(cli.Version()) // nor this one in the process that delivers notifications
	os.Exit(cli.Main(os.Args[1:]))
}

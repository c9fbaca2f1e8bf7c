// Jobsd runs jobs: at set times, at intervals, at boot, or all the time. See jobsd(8), or run "jobsd help".
package main

import (
	"os"
	_ "time/tzdata" // for machines without a zone database

	"jobsd/internal/cli"
	"jobsd/internal/notify"
)

func main() {
	// A process that is about to become a job and the process that writes the output of jobs do not get here: they end in
	// init functions of the packages spawn/shim and recorder.
	notify.Stage(cli.Version()) // does not return in the process that delivers notifications
	os.Exit(cli.Main(os.Args[1:]))
}

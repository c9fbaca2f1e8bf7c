// Jobsd runs jobs: at set times, at intervals, at boot, or all the time. See jobsd(8), or run "jobsd help".
package main

import (
	"os"
	_ "time/tzdata" // for machines without a zone database

	"jobsd/internal/cli"
	"jobsd/internal/notify"
	"jobsd/internal/recorder"
	"jobsd/spawn"
)

func main() {
	spawn.Stage2()              // does not return in a process that is about to become a job
	recorder.Stage()            // nor this one in the process that writes the output of jobs
	notify.Stage(cli.Version()) // nor this one in the process that delivers notifications
	os.Exit(cli.Main(os.Args[1:]))
}

// jobsd runs jobs: at times, at intervals, at boot, or for ever. See jobsd(8), or "jobsd help".
package main

import (
	"os"
	_ "time/tzdata" // for machines without a zone database

	"jobsd/internal/cli"
	"jobsd/spawn"
)

func main() {
	spawn.Stage2() // does not return in a process that is on its way to become a job
	os.Exit(cli.Main(os.Args[1:]))
}

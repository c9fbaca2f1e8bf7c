package notify

import (
	"fmt"
	"os"
)

// StageArg is argv[1] of the process that delivers notifications.
const StageArg = "@deliver"

// Stage must be called first in main. In a process that the daemon started to deliver notifications it never returns.
// version is the version of this program, for receivers.
func Stage(version string) {
	if len(os.Args) != 2 || os.Args[1] != StageArg {
		return
	}
	if err := Serve(os.Stdin, os.Stdout, version); err != nil {
		fmt.Fprintln(os.Stderr, "jobsd deliver:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

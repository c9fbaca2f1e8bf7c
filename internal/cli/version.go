package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"jobsd/statefile"
)

// version is the next release, or the last one if nothing has changed since.
const version = "0.1.0"

const versionHelp = `jobsd version - print the version; so do --version, -V and -v

usage: jobsd version [--json]
`

func (a *app) version() *cobra.Command {
	return a.verb(versionHelp, arguments{}, func([]string) error { return a.doVersion() },
		a.jsonOption(`print {"version", "state_version", "go", "system"}: the versions of jobsd, of its state file and of Go; system and
			processor`))
}

// versionOptions are the options with which most programs print their version.
func (a *app) versionOptions() []option {
	capital := opt("print-version", nothing, &a.asked, "print the version").short("V")
	capital.hidden = true // it exists only for its short form
	return []option{opt("version", nothing, &a.asked, "print the version").short("v"), capital}
}

func (a *app) doVersion() error {
	if a.json {
		return a.printJSON(struct {
			Version      string `json:"version"`
			StateVersion int    `json:"state_version"`
			Go           string `json:"go"`
			System       string `json:"system"`
		}{Version(), statefile.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	fmt.Fprintf(a.out, "jobsd %s (%s %s/%s)\n", Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// Version is the version, with the commit of the build if the build knows it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return version + "+" + s.Value[:12]
		}
	}
	return version
}

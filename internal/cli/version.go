package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"jobsd/statefile"
)

// version is the next release, or the last one if nothing has changed since.
const version = "0.1.0"

const versionHelp = `jobsd version - print the version of jobsd

usage: jobsd version [--json]

  --json  print {"version", "state_version", "go", "system"}: the versions of
          jobsd, of its state file and of Go; system and processor
`

func (a *app) version() *cobra.Command {
	return takes(a.reader("version", versionHelp, func([]string) error { return a.doVersion() }), 0, 0, "")
}

// versionFlags adds the options with which most programs print their version.
func (a *app) versionFlags(fs *pflag.FlagSet) {
	fs.BoolVarP(&a.asked, "version", "v", false, "print the version")
	fs.BoolVarP(&a.asked, "print-version", "V", false, "print the version")
	_ = fs.MarkHidden("print-version") // it exists only for its short form
}

func (a *app) doVersion() error {
	if a.json {
		return a.printJSON(struct {
			Version      string `json:"version"`
			StateVersion int    `json:"state_version"`
			Go           string `json:"go"`
			System       string `json:"system"`
		}{versionText(), statefile.Version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
	}
	fmt.Fprintf(a.out, "jobsd %s (%s %s/%s)\n", versionText(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// versionText is the version, with the commit of the build if the build knows it.
func versionText() string {
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

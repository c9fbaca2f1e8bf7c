package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/runner"
)

const runHelp = `jobsd run - run the jobs of the jobs directory

usage: jobsd run [--background] [--log-level LEVEL] [--log-format FORMAT]

Reads every job file of the jobs directory and runs each job when it is due,
until a signal ends the daemon. The daemon's own log goes to standard error.
Only one daemon uses a state directory; a second one exits 6.

  --background         return when the daemon is ready. It continues in its own
                       session and logs to jobsd.log in the log directory. If it
                       cannot start, print the reason and exit with its exit
                       code
  --log-level LEVEL    log at this level: debug, info (the default), warn or
                       error
  --log-format FORMAT  write the log as text (the default) or json

Signals: HUP and USR1 reload the job files. USR2 opens jobsd.log again, after
logrotate has moved it. TERM and INT stop all jobs, then the daemon; a second
one makes it hurry. QUIT ends the daemon and leaves the jobs running; the next
daemon adopts them.
`

var (
	logLevels  = []string{"debug", "info", "warn", "error"}
	logFormats = []string{"text", "json"}
)

type runOptions struct {
	background bool
	readyFD    int // for the child of --background: the pipe to the parent; 0: none
	level      string
	format     string
}

func (a *app) run() *cobra.Command {
	var o runOptions
	cmd := verb("run", runHelp, func([]string) error { return a.doRun(o) })
	fs := cmd.Flags()
	fs.BoolVar(&o.background, "background", false, "")
	fs.StringVar(&o.level, "log-level", "info", "")
	fs.StringVar(&o.format, "log-format", "text", "")
	fs.IntVar(&o.readyFD, "ready-fd", 0, "")
	_ = fs.MarkHidden("ready-fd")
	return takes(cmd, 0, 0, "")
}

func (a *app) doRun(o runOptions) error {
	if err := oneOf("--log-level", o.level, logLevels...); err != nil {
		return err
	}
	if err := oneOf("--log-format", o.format, logFormats...); err != nil {
		return err
	}
	s, err := a.places.site()
	if err != nil {
		return err
	}
	if o.background {
		return s.placed(a.doBackground(s, o))
	}
	options := s.options(o)
	options.Handover = a.handover
	if o.readyFD == 0 {
		return s.placed(runner.Run(options))
	}
	return inBackground(o.readyFD, options)
}

// options returns the options of the daemon for this site.
func (s *site) options(o runOptions) runner.Options {
	return runner.Options{
		Root:       s.root,
		Dirs:       s.Dirs,
		ConfigFile: s.configFile,
		Version:    versionText(),
		LogLevel:   o.level,
		LogFormat:  o.format,
	}
}

func oneOf(option, value string, values ...string) error {
	if slices.Contains(values, value) {
		return nil
	}
	hint := ""
	if v := jobfile.Nearest(value, values); v != "" {
		hint = fmt.Sprintf("did you mean %q?", v)
	}
	return usage(hint, "%s %q is not one of %s", option, value, strings.Join(values, ", "))
}

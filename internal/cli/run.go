package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"jobsd/internal/jobfile"
	"jobsd/runner"
)

const runHelp = `jobsd run - run the jobs of the jobs directory; --background returns at once

usage: jobsd run [--background] [--output WHERE] [--output-format FORMAT]
                 [--log-level LEVEL] [--log-format FORMAT]

Reads every job file of the jobs directory and runs each job when it is due,
until a signal ends the daemon. The daemon's own log goes to standard error.
Only one daemon uses a state directory; a second one exits 6.
`

var (
	logLevels  = []string{"debug", "info", "warn", "error"}
	logFormats = []string{"text", "json"}
)

const runSignals = `Signals: HUP and USR1 reload the job files. USR2 opens jobsd.log again, after logrotate has moved it. TERM and INT
	stop all jobs, then the daemon; a second such signal kills the jobs at once. QUIT ends the daemon and leaves the jobs
	running; the next daemon adopts them.`

type runOptions struct {
	background bool
	readyFD    int // for the child of --background: the pipe to the parent; 0: none
	level      string
	format     string

	output       string // "": as jobsd.toml says
	outputFormat string
}

func (a *app) run() *cobra.Command {
	o := runOptions{level: "info", format: "text"}
	ready := opt("ready-fd", aNumber, &o.readyFD, "")
	ready.hidden = true
	return a.verb(runHelp, arguments{}, func([]string) error { return a.doRun(o) },
		opt("background", nothing, &o.background, `return when the daemon is ready. It continues in its own session and logs to jobsd.log
			in the log directory. If it cannot start, print the reason and exit with its exit code`),
		opt("output", kind{value: "WHERE", words: jobfile.Outputs}, &o.output, `write the output of jobs to files (the default), to stdout, the standard output of the
			daemon, or to both. Default: log.output of jobsd.toml`),
		opt("output-format", kind{value: "FORMAT", words: jobfile.OutputFormats}, &o.outputFormat, `write the output of jobs on standard output as text (the default), such as "backup[42] text",
			or as json, an object for each line. Default: log.format of jobsd.toml`),
		opt("log-level", kind{value: "LEVEL", words: logLevels}, &o.level, "log at this level: debug, info (the default), warn or error"),
		opt("log-format", kind{value: "FORMAT", words: logFormats}, &o.format, "write the daemon's own log as text (the default) or json"),
		paragraph(runSignals), ready)
}

func (a *app) doRun(o runOptions) error {
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
		Version:    Version(),
		LogLevel:   o.level,
		LogFormat:  o.format,
		Output:     jobfile.Output{Output: o.output, Format: o.outputFormat},
	}
}

func oneOf(option, value string, values ...string) error {
	if slices.Contains(values, value) {
		return nil
	}
	return usage(nearest(value, values, ""), "%s %q is not one of %s", option, value, strings.Join(values, ", "))
}

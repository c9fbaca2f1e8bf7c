package jobfile

import (
	"math"
	"time"

	"jobsd/internal/schedule"
)

// draft is an unfinished definition: the keys as read, before they are checked against each other.
type draft struct {
	Definition
	Rules
	cmd         []string
	script      string
	when        schedule.Keys
	user, group string
	leftovers   string
	stop        string
	notify      notification
	schedule    string // the text of Schedule
}

// jobKeys is the one place to add a key of jobs: its name, its type with the checks of a single value, its default, its
// field, and its marks (table.go explains them). reader.finish (parse.go) checks it against other keys.
var jobKeys = newKeys(
	row("name", "Name of the job; default: the name of the file without its suffix.",
		jobName, "", func(d *draft) *string { return &d.Name }, own, derived),
	row("description", "Purpose of the job, as text for people.",
		anyText, "", func(d *draft) *string { return &d.Description }),
	row("cmd", "Program and its arguments, run without a shell.",
		argv, nil, func(d *draft) *[]string { return &d.cmd }, own, derived),
	row("shell", "Script for /bin/sh -c, instead of cmd.",
		script, "", func(d *draft) *string { return &d.script }, own, derived),

	row("start_at", "Times of day at which the job is due.",
		oneOrMore(timeOfDay, 0), nil, func(d *draft) *[]string { return &d.when.StartAt }, own, when, derived),
	row("days", "With start_at: days of the week or of the month; -1 is the last day of the month.",
		oneOrMore(dayText, 0), nil, func(d *draft) *[]string { return &d.when.Days }, own, derived),
	row("every", "Interval at which the job is due, in elapsed time.",
		optional(interval), nil, func(d *draft) **string { return &d.when.Every }, own, when, derived),
	row("from", "With every: first date and time of fixed intervals on the clock, in the job's time zone.",
		optional(firstTime), nil, func(d *draft) **string { return &d.when.From }, own, derived),
	row("cron", "Cron expression: minute, hour, day, month and weekday, or a word such as @daily.",
		oneOrMore(cronLine, 0), nil, func(d *draft) *[]string { return &d.when.Cron }, own, when, derived),
	row("at", "Date and time of a single run, in the job's time zone or as RFC 3339 with an offset.",
		optional(instant), nil, func(d *draft) **string { return &d.when.At }, own, when, derived),
	row("timezone", "Time zone of start_at, cron, from and at: an IANA name, or \"local\".",
		optional(zoneName), nil, func(d *draft) **string { return &d.when.Timezone }, derived),
	row("at_boot", "If true, the job is also due once after each boot of the machine.",
		truth, false, func(d *draft) *bool { return &d.AtBoot }, own, unfit),
	row("after", "Jobs after which this job is also due: when all have succeeded since its last start.",
		listOf(jobName, 1), nil, func(d *draft) *[]string { return &d.After }, own, unfit),
	row("keep_alive", "Runs the job as a service: started at once, and restarted whenever it ends.",
		keepAlive, nil, func(d *draft) **KeepAlive { return &d.KeepAlive }, own, when),
	row("jitter", "Fixed delay per machine, shorter than this.",
		duration(0), 0, func(d *draft) *time.Duration { return &d.Jitter }, unfit),
	row("catch_up", "Whether one run makes up for missed slots; a duration: only if the newest slot is at most that old.",
		catchUp, CatchUp{Max: -1}, func(d *draft) *CatchUp { return &d.CatchUp }, unfit),
	row("machines", "Patterns of the host names on which the job runs; default: all.",
		listOf(hostGlob, 1), nil, func(d *draft) *[]string { return &d.Machines }),
	row("enabled", "If false, the job is checked and shown but never due.",
		truth, true, func(d *draft) *bool { return &d.Enabled }),

	row("overlap", "What happens when the job is due while it runs: skip the slot, queue one run, replace the run, or allow both.",
		choice(Skip, Queue, Replace, Allow), Skip, func(d *draft) *Overlap { return &d.Overlap }, unfit),
	row("lock", "Jobs with the same lock never run at once.",
		jobName, "", func(d *draft) *string { return &d.Lock }, unfit),
	row("timeout", "Longest duration of a run, which is then stopped and counts as failed; 0s: no limit.",
		duration(0), 0, func(d *draft) *time.Duration { return &d.Timeout }),
	row("stop", "Target of the stop signal: the whole process group of a run, or only its leader, the first process.",
		choice("group", "leader"), "group", func(d *draft) *string { return &d.stop }),
	row("stop_signal", "Signal that stops a run.",
		signalName, "TERM", func(d *draft) *string { return &d.StopSignal }),
	row("stop_timeout", "Time that a run has to end after the stop signal, before it gets KILL.",
		duration(0), 10*time.Second, func(d *draft) *time.Duration { return &d.StopTimeout }),
	row("leftovers", "What happens to processes of the group that outlive a run by more than a second: kill them or keep them.",
		choice("kill", "keep"), "kill", func(d *draft) *string { return &d.leftovers }),
	row("retries", "Number of retries after a failure.",
		whole[int32](0, math.MaxInt32), 0, func(d *draft) *int32 { return &d.Retries }, unfit),
	row("retry_delay", "Delay before the first retry. It doubles with each retry.",
		duration(0), 10*time.Second, func(d *draft) *time.Duration { return &d.RetryDelay }, unfit),
	row("retry_max_delay", "Longest delay before a retry.",
		duration(0), 10*time.Minute, func(d *draft) *time.Duration { return &d.RetryMaxDelay }, unfit),
	row("success_codes", "Exit codes that count as success.",
		exitCodes, []int{0}, func(d *draft) *[]int { return &d.SuccessCodes }),

	row("user", "User that the job runs as. Requires a daemon that runs as root.",
		account, "", func(d *draft) *string { return &d.user }, process, derived),
	row("group", "Group that the job runs as. Requires a daemon that runs as root.",
		account, "", func(d *draft) *string { return &d.group }, process, derived),
	row("dir", "Working directory; default: the home directory of the user.",
		file, "", func(d *draft) *string { return &d.Dir }, process),
	row("env", "Environment variables. Nothing in the values is expanded.",
		environment, nil, func(d *draft) *[]string { return &d.Env }, process),
	row("env_file", "File with environment variables, NAME=value on each line, read at each start.",
		file, "", func(d *draft) *string { return &d.EnvFile }, process),
	row("pass_env", "Environment variables to take from the daemon; PREFIX_* matches all that begin with PREFIX_.",
		listOf(passedVariable, 0), nil, func(d *draft) *[]string { return &d.PassEnv }, process),
	row("extra_path", "Directories to search before those of PATH.",
		listOf(searchDir, 0), nil, func(d *draft) *[]string { return &d.ExtraPath }, process),
	row("umask", "File mode mask, in octal.",
		mode, DefaultUmask, func(d *draft) *int { return &d.Umask }, process),
	row("nice", "Nice value; 0: that of the daemon.",
		whole[int](-20, 19), 0, func(d *draft) *int { return &d.Nice }, process),
	row("limits", `Resource limits: numbers, sizes or "unlimited".`,
		limits, nil, func(d *draft) *[]Limit { return &d.Limits }, process),

	row("log", "Log of the output.",
		sub(logKeys, `{max_size = "10MB"}`), logKeys.zero, func(d *draft) *Log { return &d.Log }),
	row("notify", "Notifications.",
		sub(notifyKeys, `{to = ["phone"]}`), notifyKeys.zero, func(d *draft) *notification { return &d.notify }, derived),
	row("expect", "Expectations. A breach causes a notification and changes nothing else.",
		expect, nil, func(d *draft) **Expect { return &d.Expect }, unfit),
)

var logKeys = newKeys(
	row("max_size", "The log is rotated when it grows larger than this.",
		size(4096), 10e6, func(l *Log) *int64 { return &l.MaxSize }),
	row("keep", "Number of older logs to keep.",
		whole[int](0, 1000), 5, func(l *Log) *int { return &l.Keep }),
	row("discard", "If true, the output is thrown away and there is no log.",
		truth, false, func(l *Log) *bool { return &l.Discard }),
	row("timestamps", "If true, each line of output in the log begins with its time, in RFC 3339 format with milliseconds.",
		truth, false, func(l *Log) *bool { return &l.Timestamps }),
)

// notification is Notify before the default recipients are known.
type notification struct {
	Notify
	mail *[]string
}

var notifyKeys = newKeys(
	row("to", "Targets of jobsd.toml that get notifications about the job.",
		oneOrMore(targetName, 0), nil, func(n *notification) *[]string { return &n.To }),
	row("on", "Kinds of notifications that the targets in to get.",
		oneOrMore(choice(Kinds...), 1),
		[]string{KindFailure, KindRecovery, KindLate, KindSlow}, func(n *notification) *[]string { return &n.On }),
	row("mail", "Mail addresses to notify when the job fails and when it recovers; default: mail.to of jobsd.toml.",
		optional(oneOrMore(mailAddress, 0)), nil, func(n *notification) **[]string { return &n.mail }),
	row("on_start", "Command to run when a run of the job starts.",
		notifier, nil, func(n *notification) *[]string { return &n.OnStart }),
	row("on_failure", "Command to run when the job fails.",
		notifier, nil, func(n *notification) *[]string { return &n.OnFailure }),
	row("on_success", "Command to run after each success.",
		notifier, nil, func(n *notification) *[]string { return &n.OnSuccess }),
	row("on_recovery", "Command to run when the job recovers.",
		notifier, nil, func(n *notification) *[]string { return &n.OnRecovery }),
	row("failures", "Failures in a row that cause a notification. Later failures cause none until the job recovers.",
		whole[int](1, math.MaxInt32), 1, func(n *notification) *int { return &n.Failures }),
)

var serviceKeys = newKeys(
	row("restart", "Outcomes after which the service restarts.",
		choice(Always, OnFailure, OnSuccess, Never), Always, func(k *KeepAlive) *Restart { return &k.Restart }),
	row("delay", "Restart delay after the second short run in a row. It doubles with each short run.",
		duration(0), time.Second, func(k *KeepAlive) *time.Duration { return &k.Delay }),
	row("max_delay", "Longest restart delay.",
		duration(0), 5*time.Minute, func(k *KeepAlive) *time.Duration { return &k.MaxDelay }),
	row("stable", "A run that is shorter than this counts as short.",
		duration(0), time.Minute, func(k *KeepAlive) *time.Duration { return &k.Stable }),
)

// keepAlive is true for a table of defaults, false for no service, or the table itself.
var keepAlive = typ[*KeepAlive]{
	name: "bool or table",
	form: Form{Item: Truth},
	sub:  serviceKeys.list,
	read: func(r *reader, n *node) (*KeepAlive, bool) {
		s := serviceKeys.zero
		switch {
		case n.kind == boolean && n.num == 0:
			return nil, true
		case n.kind == table:
			serviceKeys.read(r, n, &s)
		case n.kind != boolean:
			return nil, r.wrong(n, `true, false or a table such as {restart = "on-failure"}`)
		}
		if n.get("max_delay") == nil {
			s.MaxDelay = max(s.MaxDelay, s.Delay)
		}
		if s.MaxDelay < s.Delay {
			r.failAs(join(r.key, "max_delay"), n.get("max_delay"), "must not be less than delay")
		}
		return &s, true
	},
	print: func(b []byte, v *KeepAlive) []byte {
		if v == nil {
			return append(b, "false"...)
		}
		return serviceKeys.print(append(b, "true "...), v, 0)
	},
	schema: func() schema { return schema{"type": []string{"boolean", "object"}}.with(serviceKeys.schema()) },
	write:  func(v *KeepAlive) any { return v != nil },
}

// searchDir is a folder to search for programs.
var searchDir = typ[string]{name: file.name, form: file.form, print: file.print, schema: matching("^[^~:][^:]*$"), read: func(r *reader, n *node) (string, bool) {
	s, ok := file.read(r, n)
	for _, c := range s {
		if c == ':' {
			return "", r.fail(n, "%q contains a colon, which separates the directories of PATH", n.text)
		}
	}
	return s, ok
}}

package jobfile

import (
	"math"
	"time"

	"jobsd/internal/schedule"
)

// draft is a definition in the making: the keys as read, before what several of them mean together is worked out.
type draft struct {
	Definition
	cmd         []string
	script      string
	when        schedule.Keys
	user, group string
	leftovers   string
	stop        string
	notify      notification
	schedule    string // Schedule as text
}

// jobKeys is the one place where a key of jobs is added: its name, its type with all checks of the value by itself, its
// default, where it goes, and what is special about it. What it has to do with other keys is in draft.finish.
var jobKeys = newKeys(
	row("name", "What the job is called; without it, the file's name without its suffix.",
		jobName, "", func(d *draft) *string { return &d.Name }, own, derived),
	row("description", "What it is for, in words for people.",
		anyText, "", func(d *draft) *string { return &d.Description }),
	row("cmd", "The program and its arguments. No shell reads them.",
		argv, nil, func(d *draft) *[]string { return &d.cmd }, own, derived),
	row("shell", "A script for /bin/sh -c, instead of cmd.",
		script, "", func(d *draft) *string { return &d.script }, own, derived),

	row("start_at", "The times of day at which it is due.",
		oneOrMore(timeOfDay, 0), nil, func(d *draft) *[]string { return &d.when.StartAt }, own, when, derived),
	row("days", "With start_at: the days on which that holds, of the week or of the month; -1 is the month's last.",
		oneOrMore(dayText, 0), nil, func(d *draft) *[]string { return &d.when.Days }, own, derived),
	row("every", "It is due again and again after this much real time.",
		optional(interval), nil, func(d *draft) **string { return &d.when.Every }, own, when, derived),
	row("from", "With every: it is due then and whenever the clock has gone on by that much, in its time zone.",
		optional(firstTime), nil, func(d *draft) **string { return &d.when.From }, own, derived),
	row("cron", "It is due as a cron expression says: minute, hour, day, month and weekday, or @daily and the like.",
		oneOrMore(cronLine, 0), nil, func(d *draft) *[]string { return &d.when.Cron }, own, when, derived),
	row("at", "It is due once, at a time in its time zone or in the form of RFC 3339.",
		optional(instant), nil, func(d *draft) **string { return &d.when.At }, own, when, derived),
	row("timezone", "The time zone of start_at, cron and at, by its name in the IANA database.",
		optional(zoneName), nil, func(d *draft) **string { return &d.when.Timezone }, derived),
	row("at_boot", "It is due once after each boot of the machine, too.",
		truth, false, func(d *draft) *bool { return &d.AtBoot }, own, unfit),
	row("after", "It is due when these jobs have succeeded since it last started, too.",
		listOf(jobName, 1), nil, func(d *draft) *[]string { return &d.After }, own, unfit),
	row("keep_alive", "It is a service: started at once, and again whenever it has ended.",
		keepAlive, nil, func(d *draft) **KeepAlive { return &d.KeepAlive }, own, when),
	row("jitter", "It is due later by an amount below this, which is always the same for this job on this machine.",
		duration(0), 0, func(d *draft) *time.Duration { return &d.Jitter }, unfit),
	row("catch_up", "Whether one run makes up for the slots that were missed; a duration: if the newest is at most so old.",
		catchUp, CatchUp{Max: -1}, func(d *draft) *CatchUp { return &d.CatchUp }, unfit),
	row("machines", "The host names of the machines that it runs on, as patterns; without it, all.",
		listOf(hostGlob, 1), nil, func(d *draft) *[]string { return &d.Machines }),
	row("enabled", "If false, it is checked and shown but never due.",
		truth, true, func(d *draft) *bool { return &d.Enabled }),

	row("overlap", "What to do when it is due while it runs: pass it over, have one wait, replace the run, or run side by side.",
		choice(Skip, Queue, Replace, Allow), Skip, func(d *draft) *Overlap { return &d.Overlap }, unfit),
	row("lock", "Jobs with the same lock never run at once.",
		jobName, "", func(d *draft) *string { return &d.Lock }, unfit),
	row("timeout", "A run that takes longer is stopped and has failed; 0s: it may take for ever.",
		duration(0), 0, func(d *draft) *time.Duration { return &d.Timeout }),
	row("stop", "Who gets the signal that stops a run: its whole process group, or only its first process, the leader.",
		choice("group", "leader"), "group", func(d *draft) *string { return &d.stop }),
	row("stop_signal", "The signal that stops a run.",
		signalName, "TERM", func(d *draft) *string { return &d.StopSignal }),
	row("stop_timeout", "How long a run may go on after that signal, before KILL.",
		duration(0), 10*time.Second, func(d *draft) *time.Duration { return &d.StopTimeout }),
	row("leftovers", "What to do with processes of its group that outlive a run by more than a second: stop them or leave them alone.",
		choice("kill", "keep"), "kill", func(d *draft) *string { return &d.leftovers }),
	row("retries", "How often a failure is tried again.",
		whole[int32](0, math.MaxInt32), 0, func(d *draft) *int32 { return &d.Retries }, unfit),
	row("retry_delay", "The pause before the first retry. It doubles with each.",
		duration(0), 10*time.Second, func(d *draft) *time.Duration { return &d.RetryDelay }, unfit),
	row("retry_max_delay", "The pause before a retry does not grow above this.",
		duration(0), 10*time.Minute, func(d *draft) *time.Duration { return &d.RetryMaxDelay }, unfit),
	row("success_codes", "The exit codes that are a success.",
		exitCodes, []int{0}, func(d *draft) *[]int { return &d.SuccessCodes }),

	row("user", "Whose process it is. Only where the daemon is root.",
		account, "", func(d *draft) *string { return &d.user }, process, derived),
	row("group", "The group of its process. Only where the daemon is root.",
		account, "", func(d *draft) *string { return &d.group }, process, derived),
	row("dir", "Its working directory; without it, the home of its user.",
		file, "", func(d *draft) *string { return &d.Dir }, process),
	row("env", "Variables for its environment. Nothing in the values is expanded.",
		environment, nil, func(d *draft) *[]string { return &d.Env }, process),
	row("env_file", "A file with NAME=value lines for its environment, read at each start.",
		file, "", func(d *draft) *string { return &d.EnvFile }, process),
	row("pass_env", "Variables that it gets from the environment of the daemon; PREFIX_* stands for all that begin so.",
		listOf(passedVariable, 0), nil, func(d *draft) *[]string { return &d.PassEnv }, process),
	row("extra_path", "Directories that come before those of PATH.",
		listOf(searchDir, 0), nil, func(d *draft) *[]string { return &d.ExtraPath }, process),
	row("umask", "Its file mode mask, in octal.",
		mode, DefaultUmask, func(d *draft) *int { return &d.Umask }, process),
	row("nice", "Its nice value; 0: the daemon's.",
		whole[int](-20, 19), 0, func(d *draft) *int { return &d.Nice }, process),
	row("limits", `Its resource limits: numbers, sizes or "unlimited".`,
		limits, nil, func(d *draft) *[]Limit { return &d.Limits }, process),

	row("log", "How its output is kept.",
		sub(logKeys), logKeys.zero, func(d *draft) *Log { return &d.Log }),
	row("notify", "Who is told how it fares.",
		sub(notifyKeys), notifyKeys.zero, func(d *draft) *notification { return &d.notify }, derived),
)

var logKeys = newKeys(
	row("max_size", "A log that has grown larger is begun anew.",
		size(4096), 10e6, func(l *Log) *int64 { return &l.MaxSize }),
	row("keep", "How many older logs are kept.",
		whole[int](0, 1000), 5, func(l *Log) *int { return &l.Keep }),
	row("discard", "Its output is thrown away; it has no log.",
		truth, false, func(l *Log) *bool { return &l.Discard }),
)

// notification is Notify before the default of mail is known.
type notification struct {
	Notify
	mail *[]string
}

var notifyKeys = newKeys(
	row("mail", "Who gets mail when it fails and when it is well again; without it, to of [mail] in jobsd.toml.",
		optional(oneOrMore(mailAddress, 0)), nil, func(n *notification) **[]string { return &n.mail }),
	row("on_failure", "A command to run when it fails.",
		notifier, nil, func(n *notification) *[]string { return &n.OnFailure }),
	row("on_success", "A command to run at each success.",
		notifier, nil, func(n *notification) *[]string { return &n.OnSuccess }),
	row("on_recovery", "A command to run when it is well again.",
		notifier, nil, func(n *notification) *[]string { return &n.OnRecovery }),
	row("failures", "A failure is told when it is this many in a row, and then no other before it is well again.",
		whole[int](1, math.MaxInt32), 1, func(n *notification) *int { return &n.Failures }),
)

var serviceKeys = newKeys(
	row("restart", "After which ends it starts again.",
		choice(Always, OnFailure, OnSuccess, Never), Always, func(k *KeepAlive) *Restart { return &k.Restart }),
	row("delay", "The pause after the second short life in a row. It doubles with each.",
		duration(0), time.Second, func(k *KeepAlive) *time.Duration { return &k.Delay }),
	row("max_delay", "The pause does not grow above this.",
		duration(0), 5*time.Minute, func(k *KeepAlive) *time.Duration { return &k.MaxDelay }),
	row("stable", "A life shorter than this is a short one.",
		duration(0), time.Minute, func(k *KeepAlive) *time.Duration { return &k.Stable }),
)

// keepAlive is true, which is the table with its defaults, or false, which is nothing, or the table.
var keepAlive = typ[*KeepAlive]{
	name: "bool or table",
	sub:  serviceKeys.list,
	read: func(r *reader, n *node) (*KeepAlive, bool) {
		s := serviceKeys.zero
		switch {
		case n.kind == boolean && n.num == 0:
			return nil, true
		case n.kind == table:
			serviceKeys.read(r, n, &s)
		case n.kind != boolean:
			r.wrong(n, `true, false or a table such as {restart = "on-failure"}`)
			return nil, false
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

// searchDir is a folder in which programs are looked for.
var searchDir = typ[string]{name: file.name, print: file.print, schema: matching("^[^~:][^:]*$"), read: func(r *reader, n *node) (string, bool) {
	s, ok := file.read(r, n)
	for _, c := range s {
		if c == ':' {
			r.fail(n, "%q holds a colon, which separates the folders of a PATH", n.text)
			return "", false
		}
	}
	return s, ok
}}

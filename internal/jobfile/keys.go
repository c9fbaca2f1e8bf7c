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
	notify      notification
	schedule    string // Schedule as text
}

// jobKeys is the one place where a key of jobs is added: its name, its type with all checks of the value by itself, its
// default, where it goes, and what is special about it. What it has to do with other keys is in draft.finish.
var jobKeys = newKeys(
	row("name", jobName, "", func(d *draft) *string { return &d.Name }, own, derived),
	row("description", anyText, "", func(d *draft) *string { return &d.Description }),
	row("cmd", argv, nil, func(d *draft) *[]string { return &d.cmd }, own, derived),
	row("shell", script, "", func(d *draft) *string { return &d.script }, own, derived),

	row("start_at", oneOrMore(word, 0), nil, func(d *draft) *[]string { return &d.when.StartAt }, own, when, derived),
	row("days", oneOrMore(dayText, 0), nil, func(d *draft) *[]string { return &d.when.Days }, own, derived),
	row("every", optional(word), nil, func(d *draft) **string { return &d.when.Every }, own, when, derived),
	row("cron", oneOrMore(word, 0), nil, func(d *draft) *[]string { return &d.when.Cron }, own, when, derived),
	row("at", optional(word), nil, func(d *draft) **string { return &d.when.At }, own, when, derived),
	row("timezone", optional(word), nil, func(d *draft) **string { return &d.when.Timezone }, derived),
	row("at_boot", truth, false, func(d *draft) *bool { return &d.AtBoot }, own, unfit),
	row("after", listOf(jobName, 1), nil, func(d *draft) *[]string { return &d.After }, own, unfit),
	row("keep_alive", keepAlive, nil, func(d *draft) **KeepAlive { return &d.KeepAlive }, own, when),
	row("jitter", duration(0), 0, func(d *draft) *time.Duration { return &d.Jitter }, unfit),
	row("catch_up", catchUp, CatchUp{Max: -1}, func(d *draft) *CatchUp { return &d.CatchUp }, unfit),
	row("machines", listOf(hostGlob, 1), nil, func(d *draft) *[]string { return &d.Machines }),
	row("enabled", truth, true, func(d *draft) *bool { return &d.Enabled }),

	row("overlap", choice(Skip, Queue, Replace, Allow), Skip, func(d *draft) *Overlap { return &d.Overlap }, unfit),
	row("lock", jobName, "", func(d *draft) *string { return &d.Lock }, unfit),
	row("timeout", duration(0), 0, func(d *draft) *time.Duration { return &d.Timeout }),
	row("stop_signal", signalName, "TERM", func(d *draft) *string { return &d.StopSignal }),
	row("stop_timeout", duration(0), 10*time.Second, func(d *draft) *time.Duration { return &d.StopTimeout }),
	row("leftovers", choice("kill", "keep"), "kill", func(d *draft) *string { return &d.leftovers }),
	row("retries", whole[int32](0, math.MaxInt32), 0, func(d *draft) *int32 { return &d.Retries }, unfit),
	row("retry_delay", duration(0), 10*time.Second, func(d *draft) *time.Duration { return &d.RetryDelay }, unfit),
	row("retry_max_delay", duration(0), 10*time.Minute, func(d *draft) *time.Duration { return &d.RetryMaxDelay }, unfit),
	row("success_codes", exitCodes, []int{0}, func(d *draft) *[]int { return &d.SuccessCodes }),

	row("user", account, "", func(d *draft) *string { return &d.user }, process, derived),
	row("group", account, "", func(d *draft) *string { return &d.group }, process, derived),
	row("dir", file, "", func(d *draft) *string { return &d.Dir }, process),
	row("env", environment, nil, func(d *draft) *[]string { return &d.Env }, process),
	row("env_file", file, "", func(d *draft) *string { return &d.EnvFile }, process),
	row("pass_env", listOf(variable, 0), nil, func(d *draft) *[]string { return &d.PassEnv }, process),
	row("extra_path", listOf(searchDir, 0), nil, func(d *draft) *[]string { return &d.ExtraPath }, process),
	row("umask", mode, -1, func(d *draft) *int { return &d.Umask }, process),
	row("nice", whole[int](-20, 19), 0, func(d *draft) *int { return &d.Nice }, process),
	row("limits", limits, nil, func(d *draft) *[]Limit { return &d.Limits }, process),

	row("log", sub(logKeys), logKeys.zero, func(d *draft) *Log { return &d.Log }),
	row("notify", sub(notifyKeys), notifyKeys.zero, func(d *draft) *notification { return &d.notify }, derived),
)

var logKeys = newKeys(
	row("max_size", size(4096), 10e6, func(l *Log) *int64 { return &l.MaxSize }),
	row("keep", whole[int](0, 1000), 5, func(l *Log) *int { return &l.Keep }),
	row("discard", truth, false, func(l *Log) *bool { return &l.Discard }),
)

// notification is Notify before the default of mail is known.
type notification struct {
	Notify
	mail *[]string
}

var notifyKeys = newKeys(
	row("mail", optional(oneOrMore(mailAddress, 0)), nil, func(n *notification) **[]string { return &n.mail }),
	row("on_failure", notifier, nil, func(n *notification) *[]string { return &n.OnFailure }),
	row("on_success", notifier, nil, func(n *notification) *[]string { return &n.OnSuccess }),
	row("on_recovery", notifier, nil, func(n *notification) *[]string { return &n.OnRecovery }),
	row("failures", whole[int](1, math.MaxInt32), 1, func(n *notification) *int { return &n.Failures }),
)

var serviceKeys = newKeys(
	row("restart", choice("always", "on-failure"), "always", func(k *service) *string { return &k.restart }),
	row("delay", duration(0), time.Second, func(k *service) *time.Duration { return &k.Delay }),
	row("max_delay", duration(0), 5*time.Minute, func(k *service) *time.Duration { return &k.MaxDelay }),
	row("stable", duration(0), time.Minute, func(k *service) *time.Duration { return &k.Stable }),
)

type service struct {
	KeepAlive
	restart string
}

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
		s.OnFailure = s.restart == "on-failure"
		if n.get("max_delay") == nil {
			s.MaxDelay = max(s.MaxDelay, s.Delay)
		}
		if s.MaxDelay < s.Delay {
			r.failAs(join(r.key, "max_delay"), n.get("max_delay"), "must not be less than delay")
		}
		return &s.KeepAlive, true
	},
	print: func(b []byte, v *KeepAlive) []byte {
		if v == nil {
			return append(b, "false"...)
		}
		s := service{KeepAlive: *v, restart: "always"}
		if v.OnFailure {
			s.restart = "on-failure"
		}
		return serviceKeys.print(append(b, "true "...), &s, 0)
	},
}

// searchDir is a folder in which programs are looked for.
var searchDir = typ[string]{name: file.name, print: file.print, read: func(r *reader, n *node) (string, bool) {
	s, ok := file.read(r, n)
	for _, c := range s {
		if c == ':' {
			r.fail(n, "%q holds a colon, which separates the folders of a PATH", n.text)
			return "", false
		}
	}
	return s, ok
}}

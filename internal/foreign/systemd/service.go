package systemd

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"jobsd/internal/foreign"
)

var serviceKeys = map[string]handler{
	"Type": single(func(t *translator, s setting) {
		if !slices.Contains([]string{"simple", "exec", "oneshot", "idle"}, s.value) {
			t.refuse(s, "a job ends when its process ends")
		}
	}),
	"ExecStart":        func(t *translator, all []setting) { t.execs.start = all },
	"ExecStartPre":     func(t *translator, all []setting) { t.execs.pre = all },
	"ExecStartPost":    func(t *translator, all []setting) { t.execs.post = all },
	"User":             single((*translator).setUser),
	"Group":            single((*translator).setGroup),
	"DynamicUser":      single(func(t *translator, s setting) { t.dynamic = s }),
	"RootDirectory":    elsewhere,
	"RootImage":        elsewhere,
	"WorkingDirectory": single((*translator).workingDirectory),
	"Environment":      (*translator).environment,
	"EnvironmentFile":  (*translator).environmentFile,
	"PassEnvironment":  (*translator).passEnvironment,
	"Nice": single(func(t *translator, s setting) {
		n, err := strconv.Atoi(s.value)
		if err != nil || n < -20 || n > 19 {
			t.refuse(s, "%q is not from -20 to 19", s.value)
			return
		}
		t.keys["nice"] = n
	}),
	"UMask": single(func(t *translator, s setting) {
		if n, err := strconv.ParseUint(s.value, 8, 32); err != nil || n > 0o777 {
			t.refuse(s, "%q is not a mask", s.value)
			return
		}
		t.keys["umask"] = s.value
	}),
	"TimeoutStartSec": single(func(t *translator, s setting) {
		if t.oneshot {
			timed("timeout")(t, []setting{s})
			return
		}
		t.note(s, "the start of a job of this type takes no time")
	}),
	"RuntimeMaxSec": single(func(t *translator, s setting) {
		if !t.oneshot {
			timed("timeout")(t, []setting{s})
			return
		}
		t.note(s, "has no effect with Type=oneshot")
	}),
	"TimeoutStopSec": single((*translator).stopTimeout),
	"TimeoutSec": func(t *translator, all []setting) {
		t.stopTimeout(last(all))
		if t.oneshot {
			timed("timeout")(t, all)
		}
	},
	"KillSignal": single(func(t *translator, s setting) {
		if !slices.Contains(signals, strings.TrimPrefix(s.value, "SIG")) {
			t.refuse(s, "stop_signal does not support the signal %q", s.value)
			return
		}
		t.keys["stop_signal"] = strings.TrimPrefix(s.value, "SIG")
	}),
	"KillMode": single(func(t *translator, s setting) {
		switch s.value {
		case "control-group":
		case "mixed":
			t.keys["stop"] = "leader"
			t.note(s, mixed)
		case "process":
			t.keys["stop"], t.keys["leftovers"] = "leader", "keep"
			t.refuse(s, "processes that outlive the first one are kept if it ends by itself, but after a stop they get KILL at the end of stop_timeout")
		case "none":
			t.keys["stop"], t.keys["leftovers"] = "leader", "keep"
			t.refuse(s, "a stop sends the signal to the first process, and KILL to all at the end of stop_timeout")
		default:
			t.refuse(s, "%q is not one of control-group, mixed, process and none", s.value)
		}
	}),
	"SendSIGKILL": single(func(t *translator, s setting) {
		if !truth(s.value) {
			t.noKill = true
			t.note(s, never)
		}
	}),
	"IgnoreSIGPIPE": single(func(t *translator, s setting) {
		t.pipes = true
		if truth(s.value) {
			t.note(s, sigpipe)
		}
	}),
	"SuccessExitStatus": (*translator).successCodes,
	"Restart": single(func(t *translator, s setting) {
		if s.value != "no" {
			t.refuse(s, "jobsd does not restart a job that has a schedule; retries = 3 retries failures")
		}
	}),
	"StandardInput":    only("null"),
	"StandardOutput":   single((*translator).outputTo),
	"StandardError":    single((*translator).outputTo),
	"SyslogIdentifier": without("the output is in the log of the job"),
	"RemainAfterExit":  only("no", "false", "off", "0"),

	"LimitNOFILE": limit("nofile"), "LimitNPROC": limit("nproc"), "LimitAS": limit("as"), "LimitDATA": limit("data"),
	"LimitSTACK": limit("stack"), "LimitCORE": limit("core"), "LimitCPU": limit("cpu"), "LimitFSIZE": limit("fsize"),
	"LimitMEMLOCK": limit("memlock"),
}

// signals are those that end a process.
var signals = strings.Fields("HUP INT QUIT ABRT KILL USR1 USR2 PIPE ALRM TERM")

// Notes about KILL, which systemd never sends or sends earlier, and about a signal that its commands do not get.
const (
	never   = "systemd never sends KILL; jobsd sends it after 3650 days"
	mixed   = "systemd sends KILL to the other processes as soon as the first one ends; jobsd gives them until stop_timeout to end by themselves"
	sigpipe = "systemd makes commands ignore SIGPIPE, unless IgnoreSIGPIPE=no; with jobsd it ends a command that writes to a closed pipe"
)

func (t *translator) stopTimeout(s setting) {
	if d, ok := span(s.value); ok && d <= 0 { // 0 means infinity too
		t.keys["stop_timeout"] = foreign.Duration(longest)
		t.note(s, never)
		return
	}
	timed("stop_timeout")(t, []setting{s})
}

// setUser sets the user of the job. Without that user the job would run as root, so there is no job then.
func (t *translator) setUser(s setting) {
	t.user = s
	v, err := t.literal(s.value)
	switch {
	case err != nil:
		t.none(s, "%v; no job was created, because it would run as root", err)
	case t.User && v == t.Values['u']: // the daemon of that user runs it
	case t.User:
		t.none(s, "only a daemon that runs as root can run jobs of other users, so no job was created")
	case t.HasUser != nil && !t.HasUser(v):
		t.none(s, "there is no user %q, so no job was created", v)
	default:
		t.keys["user"] = v
	}
}

func (t *translator) setGroup(s setting) {
	v, err := t.literal(s.value)
	switch {
	case err != nil:
		t.none(s, "%v; no job was created, because it would have another group", err)
	case t.User:
		t.refuse(s, "only a daemon that runs as root can run jobs with another group")
	case t.HasGroup != nil && !t.HasGroup(v):
		t.none(s, "there is no group %q, so no job was created", v)
	default:
		t.keys["group"] = v
	}
}

// elsewhere handles settings that run the command in another file system.
func elsewhere(t *translator, all []setting) {
	t.none(last(all), "jobsd would look for the command outside of it, so no job was created; write one with chroot(8)")
}

func (t *translator) workingDirectory(s setting) {
	switch v, err := t.literal(s.value); {
	case err != nil:
		t.refuse(s, "%v", err)
	case v == "~":
		t.keys["dir"] = "" // the home directory, which is the default
	case strings.HasPrefix(v, "-/"):
		t.refuse(s, `"-" is not supported: the job does not start without the directory`)
		t.keys["dir"] = v[1:]
	case !strings.HasPrefix(v, "/"):
		t.refuse(s, "%q is not an absolute path", v)
	default:
		t.keys["dir"] = v
	}
}

func (t *translator) passEnvironment(all []setting) {
	var names []string
	for _, s := range all {
		for _, name := range strings.Fields(s.value) {
			if !isName(name) || strings.HasPrefix(name, "JOBSD_") {
				t.refuse(s, "%q is not the name of a variable", name)
				continue
			}
			names = append(names, name)
		}
	}
	t.keys["pass_env"] = names
}

func (t *translator) environment(all []setting) {
	env := map[string]string{}
	for _, s := range all {
		words, _, err := split(s.value)
		for _, w := range words {
			w, err2 := t.literal(w)
			name, value, ok := strings.Cut(w, "=")
			switch {
			case err2 != nil:
				t.refuse(s, "%v", err2)
			case !ok || !isName(name) || strings.HasPrefix(name, "JOBSD_"):
				t.refuse(s, "%q is not NAME=value", w)
			default:
				env[name] = value
			}
		}
		if err != nil {
			t.refuse(s, "%v", err)
		}
	}
	if len(env) > 0 {
		t.keys["env"] = env
	}
}

func (t *translator) environmentFile(all []setting) {
	for _, s := range all[:len(all)-1] {
		t.refuse(s, "a job has one env_file")
	}
	s := last(all)
	path, optional := strings.CutPrefix(s.value, "-")
	path, err := t.literal(path)
	if err == nil && !strings.HasPrefix(path, "/") {
		err = fmt.Errorf("%q is not an absolute path", path)
	}
	if err != nil {
		t.refuse(s, "%v", err)
		return
	}
	t.keys["env_file"] = path
	if optional {
		t.refuse(s, `"-" is not supported: the job does not start without the file`)
	}
}

// exitNames are the names of sysexits.h, from 64 on.
var exitNames = strings.Fields("USAGE DATAERR NOINPUT NOUSER NOHOST UNAVAILABLE SOFTWARE OSERR OSFILE CANTCREAT IOERR" +
	" TEMPFAIL PROTOCOL NOPERM CONFIG")

func (t *translator) successCodes(all []setting) {
	codes := []int{0}
	for _, s := range all {
		for _, w := range strings.Fields(s.value) {
			n := number(w)
			if i := slices.Index(exitNames, w); i >= 0 {
				n = 64 + i
			}
			if n < 0 || n > 255 {
				t.refuse(s, "%q is not an exit code; an end by a signal is never a success", w)
				continue
			}
			codes = append(codes, n)
		}
	}
	if len(codes) > 1 {
		t.keys["success_codes"] = codes
		t.success = &all[len(all)-1]
	}
}

func (t *translator) outputTo(s setting) {
	switch s.value {
	case "null":
		t.nowhere = append(t.nowhere, s)
	case "journal", "inherit", "journal+console", "syslog":
		t.note(s, "the output is in the log of the job")
	default:
		t.refuse(s, "the output is in the log of the job")
	}
}

// sized matches a limit with a unit.
var sized = regexp.MustCompile(`^[0-9]{1,10}[KMGT]$`)

func limit(name string) handler {
	return single(func(t *translator, s setting) {
		limits, _ := t.keys["limits"].(map[string]any)
		if limits == nil {
			limits = map[string]any{}
		}
		switch n := number(s.value); {
		case sized.MatchString(s.value) && name != "cpu" && name != "nofile" && name != "nproc":
			limits[name] = s.value + "iB"
		case s.value == "infinity":
			limits[name] = "unlimited"
		case n >= 0:
			limits[name] = n
		default:
			t.refuse(s, "%q is neither a number nor infinity; limits in a job file are both soft and hard", s.value)
			return
		}
		t.keys["limits"] = limits
	})
}

// complete sets what depends on several settings, and the defaults of systemd.
func (t *translator) complete() {
	switch len(t.nowhere) {
	case 1:
		t.refuse(t.nowhere[0], "jobsd discards either both outputs or none; both are in the log of the job")
	case 2:
		t.keys["log"] = map[string]any{"discard": true}
	}
	if truth(t.dynamic.value) && !t.User {
		t.dynamicUser()
	}
	t.commands()
	if t.asRoot {
		delete(t.keys, "user")
		t.refuse(t.user, `"+" makes the command run as root, so the import leaves out the user`)
	}
	if !t.User && t.keys["user"] == nil {
		t.keys["user"] = "root"
	}
	if !t.User && t.keys["dir"] == nil {
		t.keys["dir"] = "/"
	}
	if t.keys["dir"] == "" {
		delete(t.keys, "dir")
	}
	if t.keys["cron"] != nil && !t.persistent {
		t.keys["catch_up"] = false
	}
	if t.persistent && t.keys["cron"] == nil {
		t.note(t.lasting, "affects only OnCalendar; jobsd always catches up an interval that ends while the machine is off, "+
			"unless catch_up = false")
	}
	if t.noKill {
		t.keys["stop_timeout"] = foreign.Duration(longest)
	} else if t.keys["stop_timeout"] == nil {
		t.keys["stop_timeout"] = "1m30s"
	}
	if !t.pipes {
		t.result.Note(foreign.Place{}, sigpipe)
	}
}

// dynamicUser checks whether the user of the job exists without systemd.
func (t *translator) dynamicUser() {
	if t.keys["user"] != nil {
		t.refuse(t.dynamic, "the job runs as the existing user, without a sandbox")
		return
	}
	t.none(t.dynamic, "such a user exists only while systemd runs the service, so no job was created, because it would run as root; "+
		"create a user and write the job by hand")
}

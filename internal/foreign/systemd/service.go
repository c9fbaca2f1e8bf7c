package systemd

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

var serviceKeys = map[string]handler{
	"Type": single(func(t *translator, s setting) {
		if !slices.Contains([]string{"simple", "exec", "oneshot", "idle"}, s.value) {
			t.refuse(s, "a job is its process: it has ended when that has")
		}
	}),
	"ExecStart":        (*translator).execStart,
	"User":             single(func(t *translator, s setting) { t.user = s; plain("user")(t, []setting{s}) }),
	"Group":            plain("group"),
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
		t.note(s, "the start of a job of this type is over at once")
	}),
	"RuntimeMaxSec": single(func(t *translator, s setting) {
		if !t.oneshot {
			timed("timeout")(t, []setting{s})
			return
		}
		t.note(s, "has no effect with Type=oneshot")
	}),
	"TimeoutStopSec": timed("stop_timeout"),
	"TimeoutSec": func(t *translator, all []setting) {
		timed("stop_timeout")(t, all)
		if t.oneshot {
			timed("timeout")(t, all)
		}
	},
	"KillSignal": single(func(t *translator, s setting) {
		if !slices.Contains(signals, strings.TrimPrefix(s.value, "SIG")) {
			t.refuse(s, "%q is not a signal that stop_signal knows", s.value)
			return
		}
		t.keys["stop_signal"] = strings.TrimPrefix(s.value, "SIG")
	}),
	"KillMode": single(func(t *translator, s setting) {
		switch s.value {
		case "control-group":
		case "process", "none":
			t.keys["leftovers"] = "keep"
			t.refuse(s, "what is left at the end is kept, but a stop stops all of it")
		default:
			t.refuse(s, "a stop signals all processes")
		}
	}),
	"SendSIGKILL":       only("yes", "true", "on", "1"),
	"SuccessExitStatus": (*translator).successCodes,
	"Restart": single(func(t *translator, s setting) {
		if s.value != "no" {
			t.refuse(s, "a job with times is not restarted; retries tries failures again")
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

// signals are those that end something.
var signals = strings.Fields("HUP INT QUIT ABRT KILL USR1 USR2 PIPE ALRM TERM")

func (t *translator) execStart(all []setting) {
	if len(all) > 1 {
		for _, s := range all {
			t.refuse(s, "a job has one command; put them into a script")
		}
		return
	}
	s := all[0]
	c, err := parseCommand(s.value)
	switch {
	case err != nil:
		t.refuse(s, "%v", err)
		return
	case c.script != "":
		t.keys["shell"] = c.script
		t.note(s, "a shell expands the variables; quotes in their values do not count there")
	default:
		t.keys["cmd"] = c.argv
	}
	if c.lenient {
		t.refuse(s, `"-": a failure counts here; success_codes makes exit codes a success`)
	}
	t.asRoot = c.asRoot
}

func (t *translator) workingDirectory(s setting) {
	switch v, err := literal(s.value); {
	case err != nil:
		t.refuse(s, "%v", err)
	case v == "~":
		t.keys["dir"] = "" // the home, as without the key
	case strings.HasPrefix(v, "-/"):
		t.refuse(s, `"-": a directory that is missing is a start error here`)
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
			w, err2 := literal(w)
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
	path, err := literal(path)
	if err == nil && !strings.HasPrefix(path, "/") {
		err = fmt.Errorf("%q is not an absolute path", path)
	}
	if err != nil {
		t.refuse(s, "%v", err)
		return
	}
	t.keys["env_file"] = path
	if optional {
		t.refuse(s, `"-": a file that is missing is a start error here`)
	}
}

// exitNames are those of sysexits.h, from 64 on.
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
				t.refuse(s, "%q is not an exit code; the end by a signal never is a success", w)
				continue
			}
			codes = append(codes, n)
		}
	}
	if len(codes) > 1 {
		t.keys["success_codes"] = codes
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

func limit(name string) handler {
	return single(func(t *translator, s setting) {
		limits, _ := t.keys["limits"].(map[string]any)
		if limits == nil {
			limits = map[string]any{}
		}
		switch n := number(s.value); {
		case s.value == "infinity":
			limits[name] = "unlimited"
		case n >= 0:
			limits[name] = n
		default:
			t.refuse(s, "%q is neither a number nor infinity", s.value)
			return
		}
		t.keys["limits"] = limits
	})
}

// complete settles what depends on several settings, and what systemd does without any.
func (t *translator) complete() {
	switch len(t.nowhere) {
	case 1:
		t.refuse(t.nowhere[0], "either both outputs are discarded or none; both are in the log of the job")
	case 2:
		t.keys["log"] = map[string]any{"discard": true}
	}
	if t.asRoot && t.keys["user"] != nil {
		delete(t.keys, "user")
		t.refuse(t.user, `"+" has the command run as root, so user was left out`)
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
}

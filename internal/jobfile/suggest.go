package jobfile

import (
	"slices"
	"strings"
)

// elsewhere maps names that other programs and habits use for our keys: cron and anacron, systemd, supervisord,
// launchd, Kubernetes, runit. The names are in lower case without separators.
var elsewhere = map[string]string{
	"command": "cmd", "args": "cmd", "argv": "cmd", "exec": "cmd", "run": "cmd", "program": "cmd", "commandline": "cmd",
	"execstart": "cmd", "programarguments": "cmd", "entrypoint": "cmd", "script": "shell", "bash": "shell", "sh": "shell",
	"label": "name", "title": "name", "id": "name", "comment": "description", "summary": "description",
	"schedule": "start_at", "time": "start_at", "times": "start_at", "runat": "start_at", "startcalendarinterval": "start_at",
	"oncalendar": "start_at", "weekdays": "days", "weekday": "days", "dayofweek": "days", "dow": "days",
	"interval": "every", "startinterval": "every", "onunitactivesec": "every", "period": "every", "frequency": "every",
	"crontab": "cron", "cronexpression": "cron", "cronschedule": "cron", "expression": "cron",
	"date": "at", "datetime": "at", "once": "at", "onboot": "at_boot", "onbootsec": "at_boot", "runatload": "at_boot",
	"atreboot": "at_boot", "reboot": "at_boot", "onstartup": "at_boot",
	"restart": "keep_alive", "autorestart": "keep_alive", "autostart": "keep_alive", "service": "keep_alive",
	"daemon": "keep_alive", "respawn": "keep_alive", "restartsec": "keep_alive.delay", "throttleinterval": "keep_alive.delay",
	"startsecs": "keep_alive.stable", "retry": "retries", "maxretries": "retries", "retrycount": "retries",
	"startretries": "retries", "backofflimit": "retries", "retryinterval": "retry_delay",
	"depends": "after", "dependson": "after", "requires": "after", "wants": "after", "needs": "after",
	"tz": "timezone", "concurrency": "overlap", "concurrencypolicy": "overlap", "maxinstances": "overlap",
	"singleton": "overlap", "mutex": "lock", "persistent": "catch_up", "startingdeadlineseconds": "catch_up",
	"misfire": "catch_up", "randomizeddelaysec": "jitter", "randomdelay": "jitter", "splay": "jitter",
	"environment": "env", "environ": "env", "envvars": "env", "variables": "env", "environmentvariables": "env",
	"environmentfile": "env_file", "dotenv": "env_file", "passenvironment": "pass_env",
	"cwd": "dir", "wd": "dir", "chdir": "dir", "workdir": "dir", "workingdir": "dir", "workingdirectory": "dir",
	"directory": "dir", "path": "extra_path", "username": "user", "runas": "user", "uid": "user", "gid": "group",
	"groupname": "group", "host": "machines", "hosts": "machines", "hostname": "machines", "disabled": "enabled",
	"suspend": "enabled", "active": "enabled", "exitcodes": "success_codes", "successexitstatus": "success_codes",
	"killsignal": "stop_signal", "killmode": "leftovers", "killasgroup": "leftovers", "stopasgroup": "leftovers",
	"stopwaitsecs": "stop_timeout", "timeoutstopsec": "stop_timeout", "exittimeout": "stop_timeout",
	"gracetime": "stop_timeout", "timeoutsec": "timeout", "timeoutseconds": "timeout", "runtimemaxsec": "timeout",
	"maxruntime": "timeout", "activedeadlineseconds": "timeout", "priority": "nice", "niceness": "nice",
	"ulimit": "limits", "ulimits": "limits", "limitnofile": "limits.nofile", "limitcore": "limits.core",
	"mail": "notify.mail", "email": "notify.mail", "mailto": "notify.mail", "notifyemail": "notify.mail",
	"onfailure": "notify.on_failure", "onerror": "notify.on_failure", "onfail": "notify.on_failure",
	"onsuccess": "notify.on_success", "onrecovery": "notify.on_recovery", "onstart": "notify.on_start", "webhook": "notify.to",
	"slack": "notify.to", "alert": "notify.to", "alerts": "notify.to", "ping": "notify.to", "healthcheck": "notify.to",
	"deadline": "expect.done_within", "successwithin": "expect.success_within", "donewithin": "expect.done_within",
	"to": "notify.to", "failures": "notify.failures", "expected": "expect", "sla": "expect",
	"logfile": "log", "logpath": "log", "logs": "log", "stdout": "log", "stderr": "log", "output": "log",
	"stdoutlogfile": "log", "stderrlogfile": "log", "redirectstderr": "log", "standardoutput": "log", "standarderror": "log",
	"standardoutpath": "log", "standarderrorpath": "log", "stdoutlogfilemaxbytes": "log.max_size",
	"stdoutlogfilebackups": "log.keep",
}

// instead explains a key that differs from what the other program does.
var instead = map[string]string{
	"log":        `jobsd keeps the output of each job: "jobsd logs" prints it, and the table log sets how much is kept`,
	"keep_alive": "for a job that restarts whenever it ends",
}

// sections are the parts of systemd's units.
var sections = []string{"unit", "service", "timer", "install"}

// suggest returns which of names an unknown name probably means, "" if it is not clear.
func suggest(unknown string, names []string) string {
	if len(unknown) > 40 {
		return ""
	}
	plain := plainKey(unknown)
	if s := elsewhere[plain]; s != "" {
		if top, _, _ := strings.Cut(s, "."); slices.Contains(names, top) {
			return s
		}
	}
	if best := Nearest(unknown, names); best != "" {
		return best
	}
	for _, name := range names {
		if len(plain) >= 3 && strings.HasPrefix(plainKey(name), plain) {
			return name
		}
	}
	return ""
}

// Nearest returns which of names a misspelt word probably means, "" if none is near.
func Nearest(word string, names []string) string {
	plain := plainKey(word)
	best, least := "", min(3, (len(plain)+1)/2)
	for _, name := range names {
		if d := distance(plain, plainKey(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// plainKey returns a key or a name without what people vary: case and separators.
func plainKey(s string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
}

// distance counts the letters to insert, delete, replace or swap with their neighbour to turn a into b.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

package crontab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"jobsd/internal/jobfile"
)

// What cron puts into the environment of each command by itself. The path is cronie's, which begins with Debian's: what
// either finds is found in the same place.
const (
	usualPath  = "/usr/bin:/bin:/usr/sbin:/sbin"
	usualShell = "/bin/sh"
)

// spoken are the variables that speak to cron. A command sees them only if it names them.
var spoken = []string{"CRON_TZ", "MAILTO", "MAILFROM", "RANDOM_DELAY", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING"}

// space is what isspace(3) takes for white.
const space = " \t\v\f\r"

// setting reads NAME=value: both may be quoted, blanks around the sign do not count, nor do those at the end.
func setting(line string) (name, value string, ok bool) {
	name, rest, ok := named(line)
	if !ok {
		return "", "", false
	}
	rest = strings.Trim(rest, space)
	if rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return name, rest, true
	}
	value, after, closed := strings.Cut(rest[1:], rest[:1])
	return name, value, closed && after == ""
}

// named cuts off the name and the sign.
func named(line string) (name, rest string, ok bool) {
	if line[0] == '"' || line[0] == '\'' {
		name, rest, ok = strings.Cut(line[1:], line[:1])
		ok = ok && !strings.Contains(name, "=")
	} else if end := strings.IndexAny(line, space+"="); end >= 0 {
		name, rest, ok = line[:end], line[end:], true
	}
	rest, sign := strings.CutPrefix(strings.TrimLeft(rest, space), "=")
	return name, rest, ok && sign
}

// set takes in a variable, which counts for the entries below it.
func (t *translator) set(name, value string) {
	delete(t.env, name)
	switch {
	case name == "":
		t.refuse("the name of the variable is missing")
		return
	case strings.HasPrefix(name, "JOBSD_"):
		t.refuse("jobsd sets the variables of that name itself")
		return
	case len(name)+1+len(value) > jobfile.MaxArgument:
		t.refuse("the variable has 128 KiB or nearly, and nothing can be executed with it")
		return
	case name == "LOGNAME" || name == "USER":
		t.note("cron sets it to the user whatever stands here, and so does jobsd")
		return
	}
	switch name {
	case "MAILTO":
		if _, err := addresses(value); err != nil {
			t.refuse("%v", err)
			return
		}
	case "MAILFROM":
		t.note("the sender of all mails is [mail] from in jobsd.toml")
	case "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING":
		t.note("jobsd says itself what its mails are made of")
	case "CRON_TZ":
		t.general("CRON_TZ is the time zone of the entries below it, as cronie has it; Debian's cron hands it on to commands")
	case "RANDOM_DELAY":
		if _, err := randomDelay(value); err != nil {
			t.refuse("%v", err)
			return
		}
		t.general("RANDOM_DELAY became jitter, which is the same after each start; Debian's cron hands it on to commands")
	case "MLS_LEVEL":
		t.refuse("jobsd sets no security level of SELinux")
		return
	}
	t.env[name] = value
}

// addresses are those of a MAILTO; none is nobody.
func addresses(value string) ([]string, error) {
	list := []string{}
	for a := range strings.SplitSeq(value, ",") {
		if a = strings.TrimSpace(a); a == "" {
			continue
		}
		if strings.ContainsFunc(a, unsafe) || strings.ContainsAny(a[:1], "@!:%-._+") {
			return nil, fmt.Errorf("%q is not a mail address that cron accepts; the jobs below get no notify.mail", a)
		}
		list = append(list, a)
	}
	return list, nil
}

// unsafe tells what cron keeps from the command line of its mailer.
func unsafe(c rune) bool {
	return !strings.ContainsRune("@!:%-._+ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", c)
}

// randomDelay reads minutes as cronie does, which looks at the leading digits only.
func randomDelay(value string) (time.Duration, error) {
	value = strings.TrimLeft(value, space)
	n := 0
	if i := strings.IndexFunc(value, func(c rune) bool { return c < '0' || c > '9' }); i != 0 {
		if i < 0 {
			i = len(value)
		}
		n, _ = strconv.Atoi("0" + value[:i]) // out of range is above a day
	}
	if n > 24*60 || strings.HasPrefix(value, "-") {
		return 0, fmt.Errorf("cron takes delays of 0 to 1440 minutes only, and passes over this one")
	}
	return time.Duration(n) * time.Minute, nil
}

// environment is what the command of an entry gets.
func (t *translator) environment(command string) map[string]string {
	env := map[string]string{"PATH": usualPath, "SHELL": usualShell}
	for name, value := range t.env {
		if !slices.Contains(spoken, name) || strings.Contains(command, name) {
			env[name] = value
		}
	}
	return env
}

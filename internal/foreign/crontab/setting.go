package crontab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"jobsd/internal/jobfile"
)

// The variables that cron sets for each command. The path is that of cronie, which begins with that of Debian, so both
// find a program in the same place.
const (
	usualPath  = "/usr/bin:/bin:/usr/sbin:/sbin"
	usualShell = "/bin/sh"
)

// spoken are the variables that cron itself reads. A command gets one only if its text contains the name.
var spoken = []string{"CRON_TZ", "MAILTO", "MAILFROM", "RANDOM_DELAY", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING"}

// space holds the characters that isspace(3) accepts.
const space = " \t\v\f\r"

// setting reads NAME=value. Both may be quoted. Blanks around "=" and at the end do not count.
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

// named splits off the name and the "=".
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

// set sets a variable for the entries below it.
func (t *translator) set(name, value string) {
	delete(t.env, name)
	switch {
	case name == "":
		t.refuse("the name of the variable is missing")
		return
	case strings.HasPrefix(name, "JOBSD_"):
		t.refuse("jobsd sets variables with this name itself")
		return
	case !jobfile.IsVariable(name):
		t.refuse("%q is not the name of a variable in a job file: write another name", name)
		return
	case len(name)+1+len(value) > jobfile.MaxArgument:
		t.refuse("the variable is too long (128 KiB): no command can start with it")
		return
	case name == "LOGNAME" || name == "USER":
		t.note("cron and jobsd ignore this line and set the variable to the user")
		return
	}
	switch name {
	case "MAILTO":
		if _, err := addresses(value); err != nil {
			t.refuse("%v", err)
			return
		}
	case "MAILFROM":
		t.note("set the sender of all mails in jobsd.toml: [mail] from")
	case "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING":
		t.note("jobsd sets the content type of its mails itself")
	case "CRON_TZ":
		t.general("CRON_TZ becomes the time zone of the entries below it, as in cronie; Debian's cron only passes it to commands")
	case "RANDOM_DELAY":
		if _, err := randomDelay(value); err != nil {
			t.refuse("%v", err)
			return
		}
		t.general("RANDOM_DELAY becomes jitter, which stays the same after a restart; Debian's cron only passes it to commands")
	case "MLS_LEVEL":
		t.refuse("jobsd does not set SELinux security levels")
		return
	}
	t.env[name] = value
}

// addresses returns the addresses of a MAILTO. An empty list means no mail.
func addresses(value string) ([]string, error) {
	list := []string{}
	for a := range strings.SplitSeq(value, ",") {
		if a = strings.TrimSpace(a); a == "" {
			continue
		}
		if strings.ContainsFunc(a, unsafe) || strings.ContainsAny(a[:1], "@!:%-._+") {
			return nil, fmt.Errorf("cron does not accept the mail address %q; the jobs below get no notify.mail", a)
		}
		list = append(list, a)
	}
	return list, nil
}

// unsafe reports whether cron keeps a character from the command line of its mailer.
func unsafe(c rune) bool {
	return !strings.ContainsRune("@!:%-._+ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", c)
}

// randomDelay reads minutes as cronie does, which uses only the leading digits.
func randomDelay(value string) (time.Duration, error) {
	value = strings.TrimLeft(value, space)
	n := 0
	if i := strings.IndexFunc(value, func(c rune) bool { return c < '0' || c > '9' }); i != 0 {
		if i < 0 {
			i = len(value)
		}
		n, _ = strconv.Atoi("0" + value[:i]) // a number out of range is more than a day
	}
	if n > 24*60 || strings.HasPrefix(value, "-") {
		return 0, fmt.Errorf("cron ignores this delay, because it is not from 0 to 1440 minutes")
	}
	return time.Duration(n) * time.Minute, nil
}

// environment returns the environment of an entry's command.
func (t *translator) environment(command string) map[string]string {
	env := map[string]string{"PATH": usualPath, "SHELL": usualShell}
	for name, value := range t.env {
		if !slices.Contains(spoken, name) || strings.Contains(command, name) {
			env[name] = value
		}
	}
	return env
}

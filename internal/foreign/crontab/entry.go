package crontab

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	"jobsd/internal/foreign"
	"jobsd/internal/jobfile"
	"jobsd/internal/plain"
	"jobsd/internal/schedule"
)

// entry makes a job from a line that is not a setting.
func (t *translator) entry(line string) {
	e := entry{translator: t, user: t.User}
	if err := e.read(line); err != nil {
		t.refuse("%v", err)
		return
	}
	keys, err := e.keys()
	if err != nil {
		t.refuse("%v", err)
		return
	}
	for _, n := range e.reading.notes {
		t.note("%s", n)
	}
	t.general("cron mails all output; jobsd writes it to the log of the job, and mails failures " +
		"to MAILTO, or without one to [mail] to of jobsd.toml")
	name := foreign.NameOf(e.command, path.Base(t.File))
	t.result.Jobs = append(t.result.Jobs, foreign.Job{Place: t.Place, Name: name, Keys: keys})
}

// entry is a line in its parts.
type entry struct {
	*translator
	reading reading
	cron    string // "": at boot
	user    string // "": the daemon's user
	command string
	input   string
}

// guarded is the note about a command that ends in a test and "&&".
const guarded = "cron ignores exit codes; in jobsd the run fails if the test is false, unless you write: %s"

func (e *entry) read(line string) (err error) {
	quiet, rest := strings.HasPrefix(line, "-"), strings.TrimPrefix(line, "-")
	if e.Pick != nil {
		e.reading.pick = func(most int) int { return e.Pick(line, most) }
	}
	if e.cron, rest, err = e.when(rest); err != nil {
		return err
	}
	if quiet {
		e.reading.note(`"-" keeps it out of cron's log; jobsd logs every run in its journal`)
	}
	if e.System {
		e.user, rest = word(rest)
		if e.user != "" && e.HasUser != nil && !e.HasUser(e.user) {
			return fmt.Errorf("there is no user %q", e.user)
		}
	}
	if rest, err = e.options(rest); err != nil {
		return err
	}
	e.command, e.input = split(rest)
	switch first, _ := word(e.command); {
	case strings.TrimSpace(e.command) == "":
		return fmt.Errorf("there is no command")
	case first == "@AppleNotOnBattery":
		return fmt.Errorf("jobsd does not check the power supply; begin the command with: " +
			"pmset -g batt | grep -q 'AC Power' || exit 0;")
	case first == "root" && !e.System:
		return fmt.Errorf("the command begins with a user, as in the system's crontab: use --system")
	case number(first) >= 0:
		return fmt.Errorf("the command begins with the number %s; for an anacrontab use: jobsd import anacrontab FILE", first)
	}
	if better := foreign.Guard(e.command); better != "" {
		e.reading.note(guarded, plain.Cut(better, 300))
	}
	switch {
	case unlessAnacron.MatchString(e.command):
		e.reading.note("it does nothing if anacron is installed, because the anacrontab does the same work; keep one of the two")
	case startsAnacron.MatchString(e.command):
		e.reading.note("it starts anacron; remove it after you import the anacrontab, or all jobs in there run twice")
	}
	return nil
}

var (
	// unlessAnacron matches the way in which Debian's cron leaves the work to anacron.
	unlessAnacron = regexp.MustCompile(`^\s*(test -x|\[ -x) \S*/anacron( \])? \|\|`)
	// startsAnacron matches anacron itself, or its service.
	startsAnacron = regexp.MustCompile(`(^|[ \t;&|(/])anacron([ \t;&|)]+(-\w+|start|restart)\b|[ \t]*$)`)
)

// when reads the part before the command.
func (e *entry) when(line string) (cron, rest string, err error) {
	if !strings.HasPrefix(line, "@") {
		if second, ok, err := e.withSeconds(line); ok || err != nil {
			return second.cron, second.rest, err
		}
		cron, rest, err := expression(line, &e.reading)
		if err != nil && isAnacrontab.MatchString(line) {
			err = fmt.Errorf("%w; for an anacrontab use: jobsd import anacrontab FILE", err)
		}
		return cron, rest, err
	}
	first, rest := word(line)
	switch seconds := number(first[1:]); {
	case first == "@reboot":
		return "", rest, nil
	case first == "@every_minute":
		return "* * * * *", rest, nil
	case first == "@every_second":
		e.reading.every = time.Second
		e.reading.note("the interval begins when jobsd first loads the job")
		return "", rest, nil
	case seconds > 3650*24*60*60:
		return "", "", fmt.Errorf("%s is longer than 3650 days, the maximum in a job file", first)
	case seconds > 0:
		e.reading.every, e.reading.alone = time.Duration(seconds)*time.Second, true
		e.reading.note("cron starts it %d seconds after the previous run ends; jobsd starts it every %d seconds, but not "+
			"while it still runs", seconds, seconds)
		return "", rest, nil
	case first == "@every":
		span, _ := word(rest)
		return "", "", fmt.Errorf("cron has no %q; write the job by hand, with every = %q", first, span)
	case !macros[first]:
		return "", "", fmt.Errorf("%q is not one of @reboot, @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually, "+
			"@every_minute, @every_second and @SECONDS", first)
	}
	return first, rest, nil
}

// isAnacrontab matches a period, a delay and a name without a slash. No crontab has such a third field.
var isAnacrontab = regexp.MustCompile(`^\d+[ \t]+\d+[ \t]+[^ \t/]*[A-Za-z][^ \t/]*[ \t]+[^ \t]`)

// options reads the words before the command that are options of cronie and of the crons of the BSDs.
func (e *entry) options(rest string) (string, error) {
	for strings.HasPrefix(rest, "-") {
		option, command := word(rest)
		if strings.Trim(option[1:], "nqs") != "" || option == "-" {
			return "", fmt.Errorf("%q is not an option of any cron; if it is a command, write its path", option)
		}
		if strings.Contains(option, "q") {
			e.reading.note(`"-q" keeps it out of cron's log; jobsd logs every run in its journal`)
		}
		e.reading.alone = e.reading.alone || strings.Contains(option, "s")
		rest = command // -n: mail only failures, as jobsd does
	}
	return rest, nil
}

// split separates the command from its standard input at the first % without a backslash. Each further one ends a line
// of the input, and the last line always has an end.
func split(s string) (command, input string) {
	var c, in strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '%':
			s = s[i+1:]
			for i := 0; i < len(s); i++ {
				switch {
				case strings.HasPrefix(s[i:], `\%`):
					i++
					in.WriteByte('%')
				case s[i] == '%':
					in.WriteByte('\n')
				default:
					in.WriteByte(s[i])
				}
			}
			if input = in.String(); input != "" && !strings.HasSuffix(input, "\n") {
				input += "\n"
			}
			return c.String(), input
		case strings.HasPrefix(s[i:], `\%`):
			i++
			c.WriteByte('%')
		case s[i] == '\\' && i+1 < len(s): // the character after the backslash is not special
			c.WriteByte(s[i])
			i++
			c.WriteByte(s[i])
		default:
			c.WriteByte(s[i])
		}
	}
	return c.String(), ""
}

// keys returns the keys of the job file.
func (e *entry) keys() (keys []jobfile.Pair, err error) {
	add := func(key string, value any) { keys = append(keys, jobfile.Pair{Key: key, Value: value}) }
	if e.comment != nil {
		add("description", e.description())
	}
	run, err := e.run()
	if err != nil {
		return nil, err
	}
	keys = append(keys, run)
	if e.cron == "" && e.reading.every == 0 {
		add("at_boot", true)
	} else {
		timed, err := e.timed()
		if err != nil {
			return nil, err
		}
		keys = append(keys, timed...)
	}
	add("leftovers", "keep") // cron does not stop processes that a command leaves behind
	if e.user != "" {
		add("user", e.user)
	}
	if home, ok := e.env["HOME"]; ok {
		if !path.IsAbs(home) {
			return nil, fmt.Errorf("HOME is %q: cron starts the command there, and that is not an absolute path", home)
		}
		add("dir", home)
	}
	add("env", e.environment(e.command))
	if to, ok := e.env["MAILTO"]; ok {
		list, _ := addresses(to) // set has reported the error
		add("notify", map[string]any{"mail": list})
	}
	return keys, nil
}

// description returns the comment above the entry. It is cut, because many lines help nobody and may exceed the limit
// of a job file.
func (e *entry) description() string {
	const most = 1000
	text := strings.Join(e.comment, " ")
	short := plain.Cut(text, most)
	if short != text {
		e.reading.note("the comment above is cut after %d characters", most)
	}
	return short
}

// timed returns the keys of an entry that is due by the clock or by an interval.
func (e *entry) timed() ([]jobfile.Pair, error) {
	overlap := "allow" // cron ignores a run that is still active
	if e.reading.alone {
		overlap = "skip"
	}
	ending := []jobfile.Pair{{Key: "catch_up", Value: false}, {Key: "overlap", Value: overlap}} // cron never catches up
	if e.reading.every > 0 {
		return append([]jobfile.Pair{{Key: "every", Value: foreign.Duration(e.reading.every)}}, ending...), nil
	}
	keys := []jobfile.Pair{{Key: "cron", Value: e.cron}}
	k := schedule.Keys{Cron: []string{e.cron}}
	if zone := strings.TrimPrefix(e.env["CRON_TZ"], ":"); zone != "" {
		k.Timezone = &zone
		keys = append(keys, jobfile.Pair{Key: "timezone", Value: zone})
	}
	if _, errs := schedule.Parse(k, e.Local, e.Now); errs != nil {
		return nil, errs[0]
	}
	if d, _ := randomDelay(e.env["RANDOM_DELAY"]); d > 0 { // set has reported the error
		keys = append(keys, jobfile.Pair{Key: "jitter", Value: fmt.Sprintf("%dm", int(d.Minutes()))})
	}
	return append(keys, ending...), nil
}

// run returns the key with the command. Standard input is a here-document of the shell that runs the command. For a
// shell without here-documents, /bin/sh opens it and then executes that shell.
func (e *entry) run() (jobfile.Pair, error) {
	shell, ok := e.env["SHELL"]
	if !ok {
		shell = usualShell
	}
	script := e.command
	switch {
	case !strings.HasPrefix(shell, "/"):
		return jobfile.Pair{}, fmt.Errorf("SHELL is %q, which is not an absolute path: cron cannot execute it", shell)
	case shell != usualShell && e.input != "":
		script = "exec " + plain.Shell(shell, "-c", e.command) + " " + e.document()
	case e.input != "":
		script = "exec " + e.document() + e.command
	}
	switch {
	case len(script) > jobfile.MaxArgument:
		return jobfile.Pair{}, fmt.Errorf("the command is too long to execute (128 KiB); put it into a script")
	case shell != usualShell && e.input == "":
		return jobfile.Pair{Key: "cmd", Value: []string{shell, "-c", script}}, nil
	}
	return jobfile.Pair{Key: "shell", Value: script}, nil
}

// document returns the input as a here-document.
func (e *entry) document() string {
	end := "EOF"
	for strings.Contains("\n"+e.input, "\n"+end+"\n") {
		end += "F"
	}
	return "<<'" + end + "'\n" + e.input + end + "\n"
}

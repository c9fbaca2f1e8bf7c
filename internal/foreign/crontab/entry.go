package crontab

import (
	"fmt"
	"path"
	"strings"

	"jobsd/internal/foreign"
	"jobsd/internal/jobfile"
	"jobsd/internal/schedule"
)

// maxCommand is what cronie takes, and about what the kernel takes as one argument.
const maxCommand = 128 << 10

// entry makes a job of a line that is no setting.
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
	t.general("cron mails whatever a command writes; here that is in the log of the job, and mails tell of failures: " +
		"to MAILTO, or without one to [mail] to of jobsd.toml")
	name := foreign.NameOf(e.command, path.Base(t.File))
	t.result.Jobs = append(t.result.Jobs, foreign.Job{Place: t.Place, Name: name, Keys: keys})
}

// entry is a line in its parts.
type entry struct {
	*translator
	reading reading
	cron    string // "": at boot
	user    string // "": that of the daemon
	command string
	input   string
}

func (e *entry) read(line string) (err error) {
	quiet, rest := strings.HasPrefix(line, "-"), strings.TrimPrefix(line, "-")
	if e.Pick != nil {
		e.reading.pick = func(most int) int { return e.Pick(line, most) }
	}
	if e.cron, rest, err = when(rest, &e.reading); err != nil {
		return err
	}
	if quiet {
		e.reading.note(`"-" keeps it out of cron's log; jobsd journals every run`)
	}
	if strings.HasPrefix(rest, "*") {
		return fmt.Errorf("the command begins with *, which cron takes for a sixth field and refuses")
	}
	if e.System {
		e.user, rest = word(rest)
		if e.user != "" && e.HasUser != nil && !e.HasUser(e.user) {
			return fmt.Errorf("there is no user %q", e.user)
		}
	}
	if option, command := word(rest); option == "-n" && command != "" {
		rest = command // mail failures only, as we do
	}
	e.command, e.input = split(rest)
	switch {
	case strings.TrimSpace(e.command) == "":
		return fmt.Errorf("there is no command")
	case len(e.command)+len(e.input) > maxCommand:
		return fmt.Errorf("the command is longer than 128 KiB")
	}
	return nil
}

// when reads what comes before the command.
func when(line string, r *reading) (cron, rest string, err error) {
	if !strings.HasPrefix(line, "@") {
		return expression(line, r)
	}
	cron, rest = word(line)
	switch {
	case cron == "@reboot":
		return "", rest, nil
	case !macros[cron]:
		return "", "", fmt.Errorf("%q is not one of @reboot, @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually", cron)
	}
	return cron, rest, nil
}

// split parts the command from its standard input: at the first % that no backslash escapes. Further ones are the ends
// of lines, of which the last is always there.
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
		case s[i] == '\\' && i+1 < len(s): // what follows is not special
			c.WriteByte(s[i])
			i++
			c.WriteByte(s[i])
		default:
			c.WriteByte(s[i])
		}
	}
	return c.String(), ""
}

// keys are those of the job file.
func (e *entry) keys() (keys []jobfile.Pair, err error) {
	add := func(key string, value any) { keys = append(keys, jobfile.Pair{Key: key, Value: value}) }
	if e.comment != nil {
		add("description", strings.Join(e.comment, " "))
	}
	run, err := e.run()
	if err != nil {
		return nil, err
	}
	keys = append(keys, run)
	if e.cron == "" {
		add("at_boot", true)
	} else {
		timed, err := e.timed()
		if err != nil {
			return nil, err
		}
		keys = append(keys, timed...)
	}
	add("leftovers", "keep") // cron leaves alone what a command leaves behind
	if e.user != "" {
		add("user", e.user)
	}
	if home, ok := e.env["HOME"]; ok {
		if !path.IsAbs(home) {
			return nil, fmt.Errorf("HOME is %q: cron goes there first, and that is not an absolute path", home)
		}
		add("dir", home)
	}
	add("env", e.environment(e.command))
	if to, ok := e.env["MAILTO"]; ok {
		list, _ := addresses(to) // looked at where it was set
		add("notify", map[string]any{"mail": list})
	}
	return keys, nil
}

// timed are the keys of an entry that is due by the clock.
func (e *entry) timed() ([]jobfile.Pair, error) {
	keys := []jobfile.Pair{{Key: "cron", Value: e.cron}}
	k := schedule.Keys{Cron: []string{e.cron}}
	if zone := strings.TrimPrefix(e.env["CRON_TZ"], ":"); zone != "" {
		k.Timezone = &zone
		keys = append(keys, jobfile.Pair{Key: "timezone", Value: zone})
	}
	if _, errs := schedule.Parse(k, e.Local, e.Now); errs != nil {
		return nil, errs[0]
	}
	if d, _ := delay(e.env["RANDOM_DELAY"]); d > 0 { // looked at where it was set
		keys = append(keys, jobfile.Pair{Key: "jitter", Value: fmt.Sprintf("%dm", int(d.Minutes()))})
	}
	// cron makes up for nothing, and looks at nothing that still runs.
	return append(keys, jobfile.Pair{Key: "catch_up", Value: false}, jobfile.Pair{Key: "overlap", Value: "allow"}), nil
}

// run is the key of what is executed. Standard input is a here-document of the shell that runs the command, or, as not
// all shells have those, of a /bin/sh that becomes it.
func (e *entry) run() (jobfile.Pair, error) {
	shell, ok := e.env["SHELL"]
	if !ok {
		shell = usualShell
	}
	switch {
	case !strings.HasPrefix(shell, "/"):
		return jobfile.Pair{}, fmt.Errorf("SHELL is %q, which is not an absolute path: cron cannot execute it", shell)
	case shell != usualShell && e.input == "":
		return jobfile.Pair{Key: "cmd", Value: []string{shell, "-c", e.command}}, nil
	case shell != usualShell:
		return jobfile.Pair{Key: "shell", Value: "exec " + quote(shell) + " -c " + quote(e.command) + " " + e.document()}, nil
	case e.input != "":
		return jobfile.Pair{Key: "shell", Value: "exec " + e.document() + e.command}, nil
	}
	return jobfile.Pair{Key: "shell", Value: e.command}, nil
}

// document is the input as a here-document.
func (e *entry) document() string {
	end := "EOF"
	for strings.Contains("\n"+e.input, "\n"+end+"\n") {
		end += "F"
	}
	return "<<'" + end + "'\n" + e.input + end + "\n"
}

// quote quotes a word for a shell where it must be.
func quote(s string) string {
	if strings.Trim(s, "/._-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

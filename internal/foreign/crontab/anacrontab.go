package crontab

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"jobsd/internal/foreign"
	"jobsd/internal/jobfile"
)

// usualStart is when Debian's cron calls anacron first on a day, in minutes after midnight. An anacrontab that has no
// START_HOURS_RANGE does not say when its jobs may start.
const usualStart = 7*60 + 30

// ParseAnacrontab translates one anacrontab. anacron has no times of day: when it is called, it runs what has not run for
// a number of days. A job gets the time of day at which that happens on a machine that is always up, and catch_up does
// the rest.
func ParseAnacrontab(file, text string, o Options) *foreign.Result {
	t := &anacrontab{translator: translator{Options: o, Place: foreign.Place{File: file}, env: map[string]string{}}}
	next := 1
	var open []string // lines that end in a backslash go on in the next one
	for line := range strings.Lines(text) {
		line, crlf := strings.CutSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if crlf {
			t.general("lines end in CR LF: anacron makes the CR part of commands; it is left out")
		}
		if open == nil {
			t.Line = next
		}
		next++
		line, goesOn := strings.CutSuffix(line, `\`)
		if open = append(open, line); goesOn {
			continue
		}
		t.line(strings.Join(open, " "))
		open = nil
	}
	if open != nil {
		t.line(strings.Join(open, " "))
	}
	return &t.result
}

// anacrontab goes through one.
type anacrontab struct {
	translator
	from, to int // START_HOURS_RANGE in minutes after midnight; to is 0 without
}

// anacronSetting has the value as it stands, with its blanks and quotes.
var anacronSetting = regexp.MustCompile(`^[ \t]*([^ \t=]+)[ \t]*=(.*)$`)

func (t *anacrontab) line(line string) {
	t.Text = strings.TrimLeft(line, blanks)
	switch {
	case t.Text == "":
		t.comment = nil
		return
	case t.Text[0] == '#':
		t.remember(t.Text)
		return
	}
	defer func() { t.comment = nil }()
	switch m := anacronSetting.FindStringSubmatch(line); {
	case !utf8.ValidString(line) || strings.ContainsRune(line, 0):
		t.refuse("is not text in UTF-8")
	case m != nil && m[1] == "START_HOURS_RANGE":
		t.hours(m[2])
	case m != nil && m[1] == "NO_MAIL_OUTPUT":
		t.note("jobsd mails no output; mails tell of failures")
	case m != nil:
		t.set(m[1], m[2])
	default:
		keys, name, err := t.job()
		if err != nil {
			t.refuse("%v", err)
			return
		}
		t.result.Jobs = append(t.result.Jobs, foreign.Job{Place: t.Place, Name: name, Keys: keys})
	}
}

// hours takes in a START_HOURS_RANGE, such as 3-22.
func (t *anacrontab) hours(value string) {
	first, last, _ := strings.Cut(strings.TrimSpace(value), "-")
	from, to := number(first), number(last)
	if from < 0 || to > 24 || from >= to {
		t.refuse("%q is not a range of hours such as 3-22", value)
		return
	}
	t.from, t.to = from*60, to*60
}

// job makes the keys of a line that is no setting, and the name.
func (t *anacrontab) job() (keys []jobfile.Pair, name string, err error) {
	period, rest := word(t.Text)
	delay, rest := word(rest)
	id, command := word(rest)
	switch _, _, cron := expression(t.Text, nil); {
	case command == "" && id == "" || strings.TrimSpace(command) == "":
		return nil, "", fmt.Errorf("is neither a setting (NAME=value) nor a job with period, delay, name and command")
	case cron == nil && !isAnacrontab.MatchString(t.Text) && strings.ContainsAny(t.Text, "*"):
		return nil, "", fmt.Errorf("is a line of a crontab, which is read by: jobsd import crontab FILE")
	case strings.Contains(id, "/"):
		return nil, "", fmt.Errorf("the name %q has a slash, so anacron cannot remember its runs", id)
	case len(command) > jobfile.MaxArgument:
		return nil, "", fmt.Errorf("the command has 128 KiB or nearly, which cannot be executed; put it into a script")
	}
	e := entry{translator: &t.translator}
	if t.comment != nil {
		keys = append(keys, jobfile.Pair{Key: "description", Value: e.description()})
	}
	keys = append(keys, jobfile.Pair{Key: "shell", Value: command}) // whatever SHELL says
	timed, err := t.timed(period, delay)
	if err != nil {
		return nil, "", err
	}
	keys = append(keys, timed...)
	keys = append(keys, t.surroundings(command)...)
	for _, n := range e.reading.notes {
		t.note("%s", n)
	}
	if better := foreign.Guard(command); better != "" {
		t.note(guarded, foreign.Shorten(better, 300))
	}
	t.generals()
	if strings.ContainsFunc(id, func(c rune) bool { return c < '0' || c > '9' }) {
		return keys, foreign.NameOf(id, id), nil
	}
	return keys, foreign.NameOf(command, "anacron"), nil
}

// generals notes what is different for all jobs.
func (t *anacrontab) generals() {
	t.general("whenever cron or systemd calls anacron, it runs the jobs whose period is over; here a job has a time of day: " +
		"the start of START_HOURS_RANGE, or 7:30am as on Debian, plus the delay; if the machine is off at that time, the job runs " +
		"as soon as the machine is up, without the delay, and also on battery")
	t.general(`with lock = "anacron" the jobs run one after the other, as Debian and Fedora have it by calling "anacron -s"`)
	t.general("anacron mails whatever a command writes; here that is in the log of the job, and mails tell of failures: " +
		"to MAILTO, or without one to [mail] to of jobsd.toml")
}

// periods are those that have a name, in days; calendar ones are 0.
var periods = map[string]int{"@daily": 1, "@weekly": 7, "@monthly": 0, "@yearly": 0, "@annually": 0}

// timed are the keys of when a job is due.
func (t *anacrontab) timed(period, delay string) (keys []jobfile.Pair, err error) {
	days, named := periods[period]
	if !named {
		days = number(period)
	}
	minutes := number(delay)
	switch {
	case days < 1 && !named:
		return nil, fmt.Errorf("the period %q is neither a number of days from 1 on nor @daily, @weekly, @monthly or @yearly", period)
	case days > 3650:
		return nil, fmt.Errorf("the period is more than 3650 days, the most that a job file takes")
	case minutes < 0:
		return nil, fmt.Errorf("the delay %q is not a number of minutes", delay)
	}
	start := usualStart + minutes
	if t.to > 0 {
		start = t.from + minutes
	}
	if start >= 24*60 && (days < 2 || days == 7) {
		return nil, fmt.Errorf("the delay takes it past midnight, and the job file has a time of day; choose one and write the job by hand")
	}
	clock := time.Date(2000, 1, 1, 0, start, 0, 0, time.UTC)
	add := func(key string, value any) { keys = append(keys, jobfile.Pair{Key: key, Value: value}) }
	if days == 1 || days == 7 || period == "@monthly" {
		add("start_at", clock.Format("3:04pm"))
	}
	switch {
	case days == 7:
		add("days", "sun")
		t.note("anacron runs it 7 days after the last run; here it is due on Sundays")
	case period == "@monthly":
		add("days", []int{1})
		t.note("anacron runs it when it has not run in this month; here it is due on the first of the month")
	case days == 0:
		add("cron", fmt.Sprintf("%d %d 1 1 *", clock.Minute(), clock.Hour()))
		t.note("anacron runs it when it has not run in this year; here it is due on 1 January")
	case days > 1:
		add("every", fmt.Sprintf("%dd", days))
		t.note("it is due every %d days from when jobsd first loads it, at that time of day", days)
	}
	if d, _ := randomDelay(t.env["RANDOM_DELAY"]); d > 0 { // looked at where it was set
		add("jitter", fmt.Sprintf("%dm", int(d.Minutes())))
	}
	switch {
	case t.to == 0:
	case days == 1 && start < t.to: // the next one is due before that
		add("catch_up", foreign.Duration(time.Duration(t.to-start)*time.Minute))
	default:
		t.note("a missed run is made up for even after the end of START_HOURS_RANGE")
	}
	return keys, nil
}

// surroundings are the keys of what a job runs in.
func (t *anacrontab) surroundings(command string) (keys []jobfile.Pair) {
	add := func(key string, value any) { keys = append(keys, jobfile.Pair{Key: key, Value: value}) }
	add("lock", "anacron")
	add("leftovers", "keep") // anacron leaves alone what a command leaves behind
	if t.User != "" {
		add("user", t.User)
	}
	add("dir", "/")
	env := map[string]string{}
	for name, value := range t.env {
		if !slices.Contains(spoken, name) || strings.Contains(command, name) {
			env[name] = value
		}
	}
	if len(env) > 0 {
		add("env", env)
	}
	if to, ok := t.env["MAILTO"]; ok {
		list, _ := addresses(to) // looked at where it was set
		add("notify", map[string]any{"mail": list})
	}
	return keys
}

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
	"jobsd/internal/plain"
)

// usualStart is the time at which Debian's cron first calls anacron on a day, in minutes after midnight. It is the
// start if an anacrontab has no START_HOURS_RANGE.
const usualStart = 7*60 + 30

// ParseAnacrontab translates one anacrontab. anacron has no times of day: each time something calls it, it runs the
// jobs that have not run for a number of days. The job gets the time of day at which that happens on a machine that is
// always up, and catch_up covers machines that are not.
func ParseAnacrontab(file, text string, o Options) *foreign.Result {
	t := &anacrontab{translator: translator{Options: o, Place: foreign.Place{File: file}, env: map[string]string{}}}
	next := 1
	var open []string // lines that end in a backslash continue on the next line
	for line := range strings.Lines(text) {
		line, crlf := strings.CutSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if crlf {
			t.general("lines end in CR LF: anacron passes the CR to commands; the import removes it")
		}
		if open == nil {
			t.Line = next
		}
		next++
		line, continued := strings.CutSuffix(line, `\`)
		if open = append(open, line); continued {
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

// anacrontab translates one anacrontab.
type anacrontab struct {
	translator
	from, to int // START_HOURS_RANGE in minutes after midnight; to is 0 if it is not set
}

// anacronSetting matches a setting. The value keeps its blanks and quotes.
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
		t.refuse("is not UTF-8 text")
	case m != nil && m[1] == "START_HOURS_RANGE":
		t.hours(m[2])
	case m != nil && m[1] == "NO_MAIL_OUTPUT":
		t.note("jobsd never mails output; it mails failures")
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

// hours reads START_HOURS_RANGE, such as 3-22.
func (t *anacrontab) hours(value string) {
	first, last, _ := strings.Cut(strings.TrimSpace(value), "-")
	from, to := number(first), number(last)
	if from < 0 || to > 24 || from >= to {
		t.refuse("%q is not a range of hours such as 3-22", value)
		return
	}
	t.from, t.to = from*60, to*60
}

// job returns the keys and the name of the job on a line.
func (t *anacrontab) job() (keys []jobfile.Pair, name string, err error) {
	period, rest := word(t.Text)
	delay, rest := word(rest)
	id, command := word(rest)
	switch _, _, cron := expression(t.Text, nil); {
	case command == "" && id == "" || strings.TrimSpace(command) == "":
		return nil, "", fmt.Errorf("is neither a setting (NAME=value) nor a job with period, delay, name and command")
	case cron == nil && !isAnacrontab.MatchString(t.Text) && strings.ContainsAny(t.Text, "*"):
		return nil, "", fmt.Errorf("is a line of a crontab: use jobsd import crontab FILE")
	case strings.Contains(id, "/"):
		return nil, "", fmt.Errorf("the name %q has a slash, so anacron cannot remember its runs", id)
	case len(command) > jobfile.MaxArgument:
		return nil, "", fmt.Errorf("the command is too long to execute (128 KiB); put it into a script")
	}
	e := entry{translator: &t.translator}
	if t.comment != nil {
		keys = append(keys, jobfile.Pair{Key: "description", Value: e.description()})
	}
	keys = append(keys, jobfile.Pair{Key: "shell", Value: command}) // anacron ignores SHELL
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
		t.note(guarded, plain.Cut(better, 300))
	}
	t.generals()
	if strings.ContainsFunc(id, func(c rune) bool { return c < '0' || c > '9' }) {
		return keys, foreign.NameOf(id, id), nil
	}
	return keys, foreign.NameOf(command, "anacron"), nil
}

// generals adds the notes that concern all jobs.
func (t *anacrontab) generals() {
	t.general("when cron or systemd calls anacron, it runs the jobs whose period is over; jobsd runs a job at a time of day: " +
		"the start of START_HOURS_RANGE (or 7:30am, as on Debian) plus the delay; if the machine is off at that time, the job runs " +
		"without the delay as soon as the machine is up, also on battery")
	t.general(`lock = "anacron" makes the jobs run one after the other, like "anacron -s" on Debian and Fedora`)
	t.general("anacron mails all output; jobsd writes it to the log of the job, and mails failures " +
		"to MAILTO, or without one to [mail] to of jobsd.toml")
}

// periods are the named periods, in days. Those of the calendar are 0.
var periods = map[string]int{"@daily": 1, "@weekly": 7, "@monthly": 0, "@yearly": 0, "@annually": 0}

// timed returns the keys that say when a job is due.
func (t *anacrontab) timed(period, delay string) (keys []jobfile.Pair, err error) {
	days, named := periods[period]
	if !named {
		days = number(period)
	}
	minutes := number(delay)
	switch {
	case days < 1 && !named:
		return nil, fmt.Errorf("the period %q is neither a number of days (1 or more) nor @daily, @weekly, @monthly or @yearly", period)
	case days > 3650:
		return nil, fmt.Errorf("the period is longer than 3650 days, the maximum in a job file")
	case minutes < 0:
		return nil, fmt.Errorf("the delay %q is not a number of minutes", delay)
	}
	start := usualStart + minutes
	if t.to > 0 {
		start = t.from + minutes
	}
	if start >= 24*60 && (days < 2 || days == 7) {
		return nil, fmt.Errorf("the delay moves the start past midnight; choose a time of day and write the job by hand")
	}
	clock := time.Date(2000, 1, 1, 0, start, 0, 0, time.UTC)
	add := func(key string, value any) { keys = append(keys, jobfile.Pair{Key: key, Value: value}) }
	if days == 1 || days == 7 || period == "@monthly" {
		add("start_at", clock.Format("3:04pm"))
	}
	switch {
	case days == 7:
		add("days", "sun")
		t.note("anacron runs it 7 days after the last run; jobsd runs it on Sundays")
	case period == "@monthly":
		add("days", []int{1})
		t.note("anacron runs it if it has not run this month; jobsd runs it on the first of the month")
	case days == 0:
		add("cron", fmt.Sprintf("%d %d 1 1 *", clock.Minute(), clock.Hour()))
		t.note("anacron runs it if it has not run this year; jobsd runs it on 1 January")
	case days > 1:
		add("every", fmt.Sprintf("%dd", days))
		t.note("it is due every %d days, at the time of day at which jobsd first loads it", days)
	}
	if d, _ := randomDelay(t.env["RANDOM_DELAY"]); d > 0 { // set has reported the error
		add("jitter", fmt.Sprintf("%dm", int(d.Minutes())))
	}
	switch {
	case t.to == 0:
	case days == 1 && start < t.to: // the next run is due before the range ends
		add("catch_up", foreign.Duration(time.Duration(t.to-start)*time.Minute))
	default:
		t.note("jobsd catches up a missed run even after the end of START_HOURS_RANGE")
	}
	return keys, nil
}

// surroundings returns the keys of the environment of a job.
func (t *anacrontab) surroundings(command string) (keys []jobfile.Pair) {
	add := func(key string, value any) { keys = append(keys, jobfile.Pair{Key: key, Value: value}) }
	add("lock", "anacron")
	add("leftovers", "keep") // anacron does not stop processes that a command leaves behind
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
		list, _ := addresses(to) // set has reported the error
		add("notify", map[string]any{"mail": list})
	}
	return keys
}

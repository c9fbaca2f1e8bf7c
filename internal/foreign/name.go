package foreign

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

const maxName = 64

// Words of a shell that say nothing about the purpose of a command.
var passing = strings.Fields("cd test [ [[ true : command type which fi done for case esac" +
	" sleep read echo printf export set unset umask . source trap wait eval exit date expr")

// wrappers run another command: their options that take a value, and the number of their own arguments after these.
var wrappers = map[string]struct {
	valued string
	own    int
}{
	"sudo": {"ugh", 0}, "nice": {"n", 0}, "ionice": {"cn", 0}, "nohup": {}, "env": {"u", 0}, "exec": {}, "time": {},
	"timeout": {"sk", 1}, "flock": {"wEc", 1}, "chronic": {}, "setsid": {}, "chrt": {"p", 1}, "systemd-cat": {"tp", 0}, "invoke-rc.d": {}, "service": {},
	"if": {}, "then": {}, "else": {}, "elif": {}, "while": {}, "do": {}, "!": {},
}

var interpreters = strings.Fields("sh bash dash zsh ksh python python2 python3 perl ruby php node lua")

var (
	redirection = regexp.MustCompile(`\d*(>>|>\||<<<|<<|[<>])(&[\d-]|\s*[^\s;|&()]+)`)
	quoted      = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	special     = regexp.MustCompile("[;|&(){}<>\\s`]+")
	separator   = regexp.MustCompile("&&|\\|\\||[;|&(){}\n`]")
	assignment  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*=`)
	ending      = regexp.MustCompile(`\.(sh|bash|py|pl|php|rb|cron|timer|service)$`)
	unfit       = regexp.MustCompile(`[^A-Za-z0-9._@-]+`)
)

// NameOf derives the name of a job from its command: the name of the program that does the work. It returns fallback if
// the command has none.
func NameOf(command, fallback string) string {
	command = quoted.ReplaceAllStringFunc(command, func(s string) string { return special.ReplaceAllString(s, "_") })
	command = redirection.ReplaceAllString(command, " ")
	for _, part := range separator.Split(command, -1) {
		if name := fit(program(words(part))); name != "" {
			return name
		}
	}
	if name := fit(fallback); name != "" {
		return name
	}
	return "job"
}

// words returns the words of a simple command without its assignments.
func words(part string) []string {
	w := strings.Fields(strings.NewReplacer(`"`, "", `'`, "", `\`, "").Replace(part))
	for len(w) > 0 && assignment.MatchString(w[0]) {
		w = w[1:]
	}
	return w
}

// program returns the most significant word of a simple command, "" if there is none.
func program(w []string) string {
	for len(w) > 0 {
		wrapper, ok := wrappers[path.Base(w[0])]
		if !ok {
			break
		}
		w = w[1:]
		for len(w) > 0 && (w[0][0] == '-' || assignment.MatchString(w[0])) {
			if len(w[0]) == 2 && strings.Contains(wrapper.valued, w[0][1:]) {
				w = w[1:]
			}
			w = w[min(1, len(w)):]
		}
		w = w[min(wrapper.own, len(w)):]
	}
	if len(w) == 0 || w[0][0] == '-' || slices.Contains(passing, w[0]) {
		return ""
	}
	name := path.Base(w[0])
	switch {
	case name == "run-parts":
		return path.Base(w[len(w)-1])
	case slices.Contains(interpreters, name):
		for i, arg := range w[1:] {
			if arg[0] != '-' {
				return path.Base(arg)
			}
			if arg == "-m" && len(w) > i+2 {
				return w[i+2]
			}
			if arg == "-c" || arg == "-e" || arg == "-r" { // a script without a name
				return ""
			}
		}
	}
	return name
}

// fit makes a valid job name from s, "" if that is impossible.
func fit(s string) string {
	s = ending.ReplaceAllString(s, "")
	s = strings.Trim(unfit.ReplaceAllString(s, "-"), ".-")
	s = strings.TrimRight(s[:min(len(s), maxName)], ".-")
	if strings.Trim(s, "._@-0123456789") == "" {
		return ""
	}
	if strings.EqualFold(s, "jobsd") {
		return s + "-job"
	}
	return s
}

// Name makes the names of all jobs unique, ignoring case: the second "backup" becomes "backup-2".
func (r *Result) Name() {
	taken := map[string]bool{}
	next := map[string]int{} // by stem, so that many jobs with one command need no search from 2 on
	for i := range r.Jobs {
		j := &r.Jobs[i]
		stem := j.Name
		n := max(2, next[strings.ToLower(stem)])
		for ; taken[strings.ToLower(j.Name)]; n++ {
			number := fmt.Sprintf("-%d", n)
			j.Name = stem[:min(len(stem), maxName-len(number))] + number
		}
		next[strings.ToLower(stem)] = n
		taken[strings.ToLower(j.Name)] = true
	}
}

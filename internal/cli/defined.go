package cli

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/plain"
	"jobsd/internal/schedule"
	"jobsd/statefile"
)

// fact is one line about a job: "user: nobody".
type fact struct {
	key, text string
	ink       ink
}

// definition reads the definition of a job from its file, as the daemon would. If it cannot, it returns why.
func (s *site) definition(name string, j *statefile.Job) (*jobfile.Definition, string) {
	if j.File == "" {
		return nil, "the job was removed"
	}
	defs, errs := jobfile.ReadFileAs(j.File, s.config, s.daemonUser())
	if i := slices.IndexFunc(defs, func(d *jobfile.Definition) bool { return d.Name == name }); i >= 0 {
		return defs[i], ""
	}
	switch {
	case len(errs) == 0:
		return nil, "its file no longer contains it"
	case j.Stale:
		return nil, "cannot be shown: the file is refused, and the daemon uses the last good version"
	}
	return nil, "cannot be shown: " + strings.ReplaceAll(errs[0].Error(), "\n", " ")
}

// daemonUser is the user of the daemon that writes the state file. It may be a different user than the reader.
func (s *site) daemonUser() int {
	if info, err := os.Stat(filepath.Join(s.State, "state.json")); err == nil {
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			return int(st.Uid)
		}
	}
	return os.Geteuid()
}

// definedFacts returns what the file of a job says; owner is the user of the daemon. It leaves out the values of variables
// because they may be secrets.
func definedFacts(d *jobfile.Definition, owner *user.User) (facts []fact) {
	add := func(key string, words ...string) {
		if text := commas(words...); text != "" {
			facts = append(facts, fact{key: key, text: text})
		}
	}
	if d.Shell {
		add("script", d.Argv[len(d.Argv)-1])
	} else {
		add("command", plain.Shell(d.Argv...))
	}
	add("user", userWords(d, owner))
	add("directory", directoryWords(d, owner))
	add("environment", environmentWords(d)...)
	add("limits", limitWords(d)...)
	add("rules", ruleWords(d)...)
	add("notify", notifyWords(d.Notify)...)
	if d.Log.Discard {
		add("log", "none: the output is discarded")
	}
	return facts
}

// commas joins the words that are not empty.
func commas(words ...string) string {
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), ", ")
}

func userWords(d *jobfile.Definition, owner *user.User) string {
	if d.User == nil {
		return owner.Username + ", like the daemon"
	}
	return fmt.Sprintf("%s (uid %d, gid %d)", cmp.Or(d.User.Name, "no name"), d.User.UID, d.User.GID)
}

func directoryWords(d *jobfile.Definition, owner *user.User) string {
	home := owner.HomeDir
	if d.User != nil {
		home = d.User.Home
	}
	return cmp.Or(d.Dir, prefixed("home directory, ", home), "/, because the user has no home directory")
}

func environmentWords(d *jobfile.Definition) (words []string) {
	for _, v := range d.Env {
		name, _, _ := strings.Cut(v, "=")
		words = append(words, name)
	}
	if len(words) > 0 {
		words = []string{strings.Join(words, " ") + " (values are not shown)"}
	}
	if d.EnvFile != "" {
		words = append(words, "from "+d.EnvFile)
	}
	if len(d.PassEnv) > 0 {
		words = append(words, "from the daemon "+strings.Join(d.PassEnv, " "))
	}
	if len(d.ExtraPath) > 0 {
		words = append(words, "in front of PATH "+strings.Join(d.ExtraPath, ":"))
	}
	return words
}

// span writes a duration as in job files.
func span(d time.Duration) string { return schedule.FormatDuration(d) }

func limitWords(d *jobfile.Definition) (words []string) {
	timeout := "no timeout"
	if d.Timeout > 0 {
		timeout = "timeout " + span(d.Timeout)
	}
	words = append(words, timeout)
	for _, l := range d.Limits {
		value := fmt.Sprint(l.Value)
		if l.Value == math.MaxUint64 {
			value = "unlimited"
		}
		words = append(words, l.Name+" "+value)
	}
	if d.Nice != 0 {
		words = append(words, fmt.Sprintf("nice %d", d.Nice))
	}
	if d.Umask != jobfile.DefaultUmask && d.Umask >= 0 {
		words = append(words, fmt.Sprintf("umask %03o", d.Umask))
	}
	return words
}

// ruleWords describes when and how the job runs, except for its schedule and for defaults.
func ruleWords(d *jobfile.Definition) (words []string) {
	add := func(say bool, format string, args ...any) {
		if say {
			words = append(words, fmt.Sprintf(format, args...))
		}
	}
	add(!d.Enabled, "enabled = false")
	add(len(d.Machines) > 0, "machines %s", strings.Join(d.Machines, " "))
	add(d.Jitter > 0, "jitter below %s", span(d.Jitter))
	add(d.CatchUp.Max == 0, "missed slots get no catch-up run")
	add(d.CatchUp.Max > 0, "missed slots get one catch-up run if the newest is at most %s old", span(d.CatchUp.Max))
	add(d.Overlap != jobfile.Skip && d.KeepAlive == nil, "overlap %s", d.Overlap)
	add(d.Lock != "", "lock %s", d.Lock)
	if k := d.KeepAlive; k != nil {
		add(true, "restart %s", k.Restart)
	}
	if d.Retries > 0 {
		retries := "retries"
		if d.Retries == 1 {
			retries = "retry"
		}
		add(true, "%d %s with pauses of %s up to %s", d.Retries, retries, span(d.RetryDelay), span(d.RetryMaxDelay))
	}
	add(!slices.Equal(d.SuccessCodes, []int{0}), "success codes %v", d.SuccessCodes)
	add(d.StopSignal != "TERM" || d.StopTimeout != 10*time.Second, "stopped with %s, after %s with KILL", d.StopSignal, span(d.StopTimeout))
	add(d.StopLeader, "only the first process gets the stop signal")
	add(d.KeepLeftovers, "leftovers are kept")
	return words
}

func notifyWords(n *jobfile.Notify) (words []string) {
	if n == nil {
		return []string{"nobody"}
	}
	if len(n.Mail) > 0 {
		words = append(words, "mail to "+strings.Join(n.Mail, " "))
	}
	for _, c := range []struct {
		key  string
		argv []string
	}{{"on_failure", n.OnFailure}, {"on_success", n.OnSuccess}, {"on_recovery", n.OnRecovery}} {
		if len(c.argv) > 0 {
			words = append(words, c.key+" "+plain.Shell(c.argv...))
		}
	}
	if len(words) == 0 {
		return []string{"nobody"}
	}
	if n.Failures > 1 {
		words = append(words, fmt.Sprintf("after %d failures in a row", n.Failures))
	}
	return words
}

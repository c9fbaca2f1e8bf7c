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

// addDefined adds what the file of a job says; owner is the user of the daemon, and targets are those of jobsd.toml. It
// leaves out the values of variables because they may be secrets.
func (f *facts) addDefined(d *jobfile.Definition, owner *user.User, targets map[string]*jobfile.Target) {
	if d.Shell {
		f.add("script", "", "%s", d.Argv[len(d.Argv)-1])
	} else {
		f.add("command", "", "%s", plain.Shell(d.Argv...))
	}
	f.add("user", "", "%s", userWords(d, owner))
	f.add("directory", "", "%s", directoryWords(d, owner))
	if env := environmentWords(d); env != nil {
		f.add("environment", "", "%s", env)
	}
	f.add("limits", "", "%s", limitWords(d))
	if rules := ruleWords(d); rules != nil {
		f.add("rules", "", "%s", rules)
	}
	if e := d.Expect; e != nil {
		f.add("expect", "", "%s", expectWords(e))
	}
	f.addNotify(d.Notify, targets)
	switch {
	case d.Log.Discard:
		f.add("log", "", "none: the output is discarded")
	case d.Log.Timestamps:
		f.add("log", "", "each line begins with its time")
	}
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

func environmentWords(d *jobfile.Definition) (p phrases) {
	var names []string
	for _, v := range d.Env {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	p.add(names != nil, "%s (values are not shown)", strings.Join(names, " "))
	p.add(d.EnvFile != "", "from %s", d.EnvFile)
	p.add(len(d.PassEnv) > 0, "from the daemon %s", strings.Join(d.PassEnv, " "))
	p.add(len(d.ExtraPath) > 0, "in front of PATH %s", strings.Join(d.ExtraPath, ":"))
	return p
}

// span writes a duration as in job files.
func span(d time.Duration) string { return schedule.FormatDuration(d) }

func limitWords(d *jobfile.Definition) (p phrases) {
	p.add(d.Timeout <= 0, "no timeout")
	p.add(d.Timeout > 0, "timeout %s", span(d.Timeout))
	for _, l := range d.Limits {
		p.add(l.Value == math.MaxUint64, "%s unlimited", l.Name)
		p.add(l.Value != math.MaxUint64, "%s %d", l.Name, l.Value)
	}
	p.add(d.Nice != 0, "nice %d", d.Nice)
	p.add(d.Umask != jobfile.DefaultUmask && d.Umask >= 0, "umask %03o", d.Umask)
	return p
}

// ruleWords describes when and how the job runs, except for its schedule and for defaults.
func ruleWords(d *jobfile.Definition) (p phrases) {
	p.add(!d.Enabled, "enabled = false")
	p.add(len(d.Machines) > 0, "machines %s", strings.Join(d.Machines, " "))
	p.add(d.Jitter > 0, "jitter below %s", span(d.Jitter))
	p.add(d.CatchUp.Max == 0, "missed slots get no catch-up run")
	p.add(d.CatchUp.Max > 0, "missed slots get one catch-up run if the newest is at most %s old", span(d.CatchUp.Max))
	p.add(d.Overlap != jobfile.Skip && d.KeepAlive == nil, "overlap %s", d.Overlap)
	p.add(d.Lock != "", "lock %s", d.Lock)
	if k := d.KeepAlive; k != nil {
		p.add(true, "restart %s", k.Restart)
	}
	if d.Retries > 0 {
		retries := "retries"
		if d.Retries == 1 {
			retries = "retry"
		}
		p.add(true, "%d %s with pauses of %s up to %s", d.Retries, retries, span(d.RetryDelay), span(d.RetryMaxDelay))
	}
	p.add(!slices.Equal(d.SuccessCodes, []int{0}), "success codes %v", d.SuccessCodes)
	p.add(d.StopSignal != "TERM" || d.StopTimeout != 10*time.Second, "stopped with %s, after %s with KILL", d.StopSignal, span(d.StopTimeout))
	p.add(d.StopLeader, "only the first process gets the stop signal")
	p.add(d.KeepLeftovers, "leftovers are kept")
	return p
}

func expectWords(e *jobfile.Expect) (p phrases) {
	p.add(e.SuccessWithin > 0, "a success within %s", span(e.SuccessWithin))
	p.add(e.DoneWithin > 0, "runs done within %s", span(e.DoneWithin))
	return p
}

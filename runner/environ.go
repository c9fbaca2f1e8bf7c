package runner

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/spawn"
)

// environ builds the environment of a run.
func environ(s core.Start, self *jobfile.User, id, root string) []string {
	run := strconv.FormatUint(s.Run, 10)
	env := append(baseEnviron(s.Job, self, root), "JOBSD_JOB="+s.Job.Name, "JOBSD_RUN="+run, "JOBSD_REASON="+string(s.Reason),
		"JOBSD_ATTEMPT="+strconv.Itoa(s.Attempt), spawn.TagName+"="+ownershipTag(id, s.Job.Name, s.Run))
	if !s.Slot.IsZero() {
		env = append(env, "JOBSD_SLOT="+s.Slot.String())
	}
	return env
}

// baseEnviron builds the clean environment that all commands of a job have. Only named variables of the daemon's own
// environment are passed on.
func baseEnviron(d *jobfile.Definition, self *jobfile.User, root string) []string {
	user := cmp.Or(d.User, self)
	env := make([]string, 0, 20+len(d.Env))
	set := func(name, value string) {
		env = slices.DeleteFunc(env, func(s string) bool { return strings.HasPrefix(s, name+"=") })
		env = append(env, name+"="+value)
	}
	env = append(env, "HOME="+user.Home, "USER="+user.Name, "LOGNAME="+user.Name,
		"SHELL="+shellOf(user))
	for _, name := range []string{"LANG", "TZ"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	if root != "" {
		env = append(env, "JOBSD_ROOT="+root)
	}
	for _, name := range passed(d.PassEnv) {
		if v, ok := os.LookupEnv(name); ok {
			set(name, v)
		}
	}
	for _, pair := range d.Env {
		name, value, _ := strings.Cut(pair, "=")
		set(name, value)
	}
	set("PATH", d.Path(os.Getenv("PATH")))
	return env
}

// shellOf returns the shell for SHELL. Programs such as script(1), su(1) or ssh(1) with a ProxyCommand run commands
// with it. So an account that nobody may log in to, whose shell runs nothing, gets /bin/sh.
func shellOf(u *jobfile.User) string {
	switch filepath.Base(u.Shell) {
	case ".", "nologin", "false", "true", "sync":
		return "/bin/sh"
	}
	return u.Shell
}

// passed returns the names of the daemon's variables that match a list of names and patterns. A pattern is a prefix
// that ends in "_", followed by "*".
func passed(list []string) (names []string) {
	for _, item := range list {
		prefix, ok := strings.CutSuffix(item, "*")
		if !ok {
			names = append(names, item)
			continue
		}
		for _, pair := range os.Environ() {
			if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	return names
}

// ownershipTag returns the ownership tag of a run: the state directory, the job and the run that a process belongs to.
func ownershipTag(id, job string, run uint64) string {
	return id + "/" + job + "/" + strconv.FormatUint(run, 10)
}

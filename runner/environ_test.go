package runner

import (
	"slices"
	"strings"
	"testing"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/spawn"
)

// TestShellVariable: programs that run their arguments by $SHELL get a shell that works. Otherwise script, su and ssh
// with a ProxyCommand fail if the shell is nologin.
func TestShellVariable(t *testing.T) {
	for shell, want := range map[string]string{
		"/bin/bash": "/bin/bash", "/opt/nologin-not/zsh": "/opt/nologin-not/zsh", "": "/bin/sh",
		"/usr/sbin/nologin": "/bin/sh", "/sbin/nologin": "/bin/sh", "/bin/false": "/bin/sh", "/usr/bin/false": "/bin/sh",
		"/bin/true": "/bin/sh", "/bin/sync": "/bin/sh", "/run/current-system/sw/bin/nologin": "/bin/sh",
	} {
		user := &jobfile.User{Name: "www", Home: "/srv", Shell: shell}
		env := environ(core.Start{Job: &jobfile.Definition{Name: "j", Rules: &jobfile.Rules{User: user}}}, nil, "id", "")
		if !slices.Contains(env, "SHELL="+want) {
			t.Errorf("%q: %v", shell, env)
		}
	}
	env := environ(core.Start{Job: &jobfile.Definition{Name: "j", Rules: &jobfile.Rules{Env: []string{"SHELL=/usr/sbin/nologin"},
		User: &jobfile.User{Name: "www", Shell: "/bin/bash"}}}}, nil, "id", "")
	if !slices.Contains(env, "SHELL=/usr/sbin/nologin") {
		t.Errorf("what the job file says does not count: %v", env)
	}
}

// TestEmptyPathOfDaemon checks that the process of a run gets the PATH in which the load looked for its program, also
// if PATH is set but empty in the daemon's environment. With an empty entry it would look in its working directory.
func TestEmptyPathOfDaemon(t *testing.T) {
	t.Setenv("PATH", "")
	for _, extra := range [][]string{nil, {"/opt/bin"}} {
		d := &jobfile.Definition{Name: "j", Rules: &jobfile.Rules{PassEnv: []string{"PATH"}, ExtraPath: extra}}
		want := "PATH=" + strings.Join(append(extra, jobfile.DefaultPath), ":")
		if env := environ(core.Start{Job: d}, &jobfile.User{}, "id", ""); !slices.Contains(env, want) {
			t.Errorf("want %s: %v", want, env)
		}
	}
}

// TestNotifierIsNoRun: a command that notifies has the environment, the nice value and the limits of the job, but no
// variables of a run.
func TestNotifierIsNoRun(t *testing.T) {
	l := launcher{self: &jobfile.User{Name: "root", Home: "/root", Shell: "/bin/sh"}, id: "id"}
	d := &jobfile.Definition{Name: "j", Rules: &jobfile.Rules{Env: []string{"A=b"}, Nice: 5, Limits: []jobfile.Limit{{Name: "nofile", Value: 64}}}}
	for _, c := range []*spawn.Command{l.notifier(d, []string{"page"}), l.ofDaemon([]string{"page"})} {
		for _, pair := range c.Env {
			if strings.HasPrefix(pair, "JOBSD_") {
				t.Errorf("has %s", pair)
			}
		}
	}
	c := l.notifier(d, []string{"page"})
	if !slices.Contains(c.Env, "A=b") || c.Nice != 5 || !slices.Equal(c.Limits, []spawn.Limit{{Name: "nofile", Value: 64}}) {
		t.Errorf("got %+v", c)
	}
}

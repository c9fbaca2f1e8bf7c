package runner

import (
	"cmp"
	"os"
	"os/user"
	"slices"
	"strconv"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/spawn"
)

// launch builds the command for the process of a run.
func (l launcher) launch(s core.Start) *spawn.Command {
	d := s.Job
	c := l.command(d)
	c.Path, c.Argv, c.Env = d.Program, d.Argv, environ(s, l.self, l.id, l.root)
	if len(s.Args) > 0 {
		c.Argv = slices.Clone(d.Argv)
		if d.Shell { // the first argument after the script of sh -c is its name
			c.Argv = append(c.Argv, d.Name)
		}
		c.Argv = append(c.Argv, s.Args...)
	}
	return c
}

// command returns what all commands of a job have in common.
func (l launcher) command(d *jobfile.Definition) *spawn.Command {
	c := &spawn.Command{Dir: d.Dir, EnvFile: d.EnvFile, Umask: d.Umask, Nice: d.Nice, Title: "jobsd:" + d.Name, MayHang: d.DirMayHang}
	if c.Dir == "" {
		c.Dir, c.DirOptional = cmp.Or(d.User, l.self).Home, true
	}
	if d.User != nil {
		c.Credential = &spawn.Credential{UID: d.User.UID, GID: d.User.GID, Groups: d.User.Groups}
	}
	for _, limit := range d.Limits {
		c.Limits = append(c.Limits, spawn.Limit{Name: limit.Name, Value: limit.Value})
	}
	return c
}

// launcher has what all commands of a daemon share.
type launcher struct {
	self     *jobfile.User // the daemon's own user
	id, root string        // of the state directory; --root, "" without
}

func (l *loop) launcher() launcher { return launcher{l.self, l.core.ID(), l.o.Root} }

// whoAmI returns the daemon's own user, for jobs without a user.
func whoAmI() *jobfile.User {
	u := &jobfile.User{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), Home: cmp.Or(os.Getenv("HOME"), "/"), Shell: "/bin/sh"}
	u.Name = strconv.Itoa(os.Geteuid())
	if known, err := user.LookupId(u.Name); err == nil {
		u.Name = known.Username
		if known.HomeDir != "" {
			u.Home = known.HomeDir
		}
	}
	return u
}

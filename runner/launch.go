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
func (l *loop) launch(s core.Start, opened prepared) *spawn.Command {
	d := s.Job
	c := &spawn.Command{
		Path: d.Program, Argv: d.Argv, Env: environ(s, l.self, l.core.ID(), l.o.Root),
		Dir: d.Dir, EnvFile: d.EnvFile, Umask: d.Umask, Nice: d.Nice, Title: "jobsd:" + d.Name,
		MayHang: d.DirMayHang,
	}
	if len(s.Args) > 0 {
		c.Argv = slices.Clone(d.Argv)
		if d.Shell { // the first argument after the script of sh -c is its name
			c.Argv = append(c.Argv, d.Name)
		}
		c.Argv = append(c.Argv, s.Args...)
	}
	if c.Dir == "" {
		c.Dir, c.DirOptional = cmp.Or(d.User, l.self).Home, true
	}
	if d.User != nil {
		c.Credential = &spawn.Credential{UID: d.User.UID, GID: d.User.GID, Groups: d.User.Groups}
	}
	for _, limit := range d.Limits {
		c.Limits = append(c.Limits, spawn.Limit{Name: limit.Name, Value: limit.Value})
	}
	if opened.input != nil {
		c.Input = int(opened.input.Fd())
	}
	return c
}

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

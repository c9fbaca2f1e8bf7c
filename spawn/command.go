// Package spawn starts, signals, reaps and adopts processes. It knows nothing of jobs or schedules.
//
// Start and Reap belong to one goroutine, the loop: a process must have one waiter only, or statuses are stolen. So
// nothing here uses os/exec, and no goroutine of this package outlives a call.
package spawn

import (
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Command is all that the start of one process needs. Strings are taken as they are: nothing is expanded.
//
// The process gets a session and a process group of its own (both numbered like its pid), /dev/null as standard input unless Input says otherwise,
// default signal dispositions, an empty signal mask, and no other descriptor of the daemon.
type Command struct {
	Path        string      // absolute path of the program; "": the shim looks Argv[0] up in the PATH of Env
	Argv        []string    // at least Argv[0]
	Env         []string    // KEY=value; all of the environment but for EnvFile
	Dir         string      // working directory, entered as the process's user; "": the daemon's
	DirOptional bool        // a Dir that does not exist means /
	Credential  *Credential // nil: the daemon's own
	EnvFile     string      // file of KEY=value lines, see parseEnvFile; its values replace those of Env; "": none
	Umask       int         // 0..0777; -1: the daemon's, see ownUmask. Mind that the zero value is umask 000
	Nice        int         // -20..19; 0: the daemon's
	Limits      []Limit
	Input       int    // descriptor for standard input; 0: /dev/null
	Output      int    // descriptor for standard output and standard error; -1: /dev/null
	Cgroup      string // leaf to be born in, see Cgroups.Make; "": the daemon's own cgroup
	Title       string // argv[0] of the shim, while it is that
	MayHang     bool   // Path or Dir may make a process wait that opens them: only the shim touches them
}

// Credential is who a process runs as. To set it takes root.
type Credential struct {
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups"` // supplementary groups
}

// own reports whether the credential is that of this process. That the primary group is among the supplementary ones or
// not makes no difference.
func (u *Credential) own() bool {
	groups, err := unix.Getgroups()
	if err != nil || int(u.UID) != unix.Geteuid() || int(u.GID) != unix.Getegid() {
		return false
	}
	mine, wanted := []uint32{u.GID}, append([]uint32{u.GID}, u.Groups...)
	for _, g := range groups {
		mine = append(mine, uint32(g))
	}
	slices.Sort(mine)
	slices.Sort(wanted)
	return slices.Equal(slices.Compact(mine), slices.Compact(wanted))
}

// NeedsShim reports whether the process cannot be started directly. A direct start blocks the loop from the fork until
// the exec, so nobody but the daemon's user may be able to draw out that time. A process that has become another user's
// can be stopped by that user, who also decides how long their own files and file systems make it wait; and what is on a
// dead NFS makes it wait for good.
func (c *Command) NeedsShim() bool {
	return c.MayHang || c.Credential != nil && !c.Credential.own() || c.Path == "" || c.EnvFile != "" || c.Umask >= 0 && c.Umask != ownUmask || c.Nice != 0 || len(c.Limits) > 0
}

// secondLook is the command for the shim: a Path that came from a lookup is looked up again, for the program may stand
// elsewhere in PATH by now, or be one that only the daemon's user may execute.
func (c *Command) secondLook() *Command {
	again := *c
	if filepath.Base(c.Path) == c.Argv[0] {
		again.Path = ""
	}
	return &again
}

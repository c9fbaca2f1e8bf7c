// Package spawn starts, signals, reaps and adopts processes. It knows nothing about jobs or schedules.
//
// Only one goroutine, the loop, may call Start and Reap: if two goroutines waited for children, one could take a
// status that the other needs. So nothing here uses os/exec, and no goroutine of this package outlives the call that
// started it, except a reader of environments that the kernel holds up (see tagReader).
package spawn

import (
	"path/filepath"
	"slices"
	"sync"

	"golang.org/x/sys/unix"
)

// Command describes how to start one process. Its strings are used unchanged: nothing is expanded.
//
// The process gets its own session and process group (both with the number of its pid), /dev/null as standard input
// unless Input is set, default signal dispositions, an empty signal mask, and no other descriptor of the daemon.
type Command struct {
	Path        string      // absolute path of the program; "": the shim looks up Argv[0] in the PATH of Env
	Argv        []string    // at least Argv[0]
	Env         []string    // KEY=value; the whole environment except for EnvFile
	Dir         string      // working directory, entered as the user of the process; "": the daemon's
	DirOptional bool        // use / if Dir does not exist
	Credential  *Credential // nil: same as the daemon
	EnvFile     string      // file of KEY=value lines, see parseEnvFile; its values override those of Env; "": none
	Umask       int         // 0..0777; -1: the daemon's, see ownUmask. The zero value means umask 000
	Nice        int         // -20..19; 0: the daemon's
	Limits      []Limit
	Input       int    // descriptor for standard input; 0: /dev/null
	Output      int    // descriptor for standard output and standard error; -1: /dev/null
	Leaf        *Leaf  // to start in, see Cgroups.Make; nil: the daemon's own cgroup
	Title       string // argv[0] of the shim until it becomes the program
	MayHang     bool   // opening Path or Dir may block, so only the shim touches them

	Run      uint64    // the number of the run in the evidence; 0: it is no run
	Evidence *Evidence // says how far the start has come; nil: nothing does
}

// Credential is the user and the groups that a process runs as. Only root can change them.
type Credential struct {
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups"` // supplementary groups
}

// own reports whether the credential is the one of this process. It makes no difference whether the supplementary
// groups include the primary group.
func (u *Credential) own() bool {
	mine := ourselves()
	return mine != nil && u.UID == mine.UID && u.GID == mine.GID && slices.Equal(u.allGroups(), mine.Groups)
}

// allGroups returns the groups of a user in order, each once.
func (u *Credential) allGroups() []uint32 {
	all := append([]uint32{u.GID}, u.Groups...)
	slices.Sort(all)
	return slices.Compact(all)
}

// ourselves is the credential of this process with all its groups, nil if the kernel does not say. A daemon never changes
// its user, so it asks only once.
var ourselves = sync.OnceValue(func() *Credential {
	groups, err := unix.Getgroups()
	if err != nil {
		return nil
	}
	u := &Credential{UID: uint32(unix.Geteuid()), GID: uint32(unix.Getegid())}
	for _, g := range groups {
		u.Groups = append(u.Groups, uint32(g))
	}
	u.Groups = u.allGroups()
	return u
})

// NeedsShim reports whether the process cannot be started directly. A direct start blocks the loop from the fork to
// the exec, so only the daemon's user may be able to delay it. Another user can delay a process that runs as that
// user: by stopping it, or by making it wait for a file or a file system of their own. A dead NFS server can block it
// for ever.
func (c *Command) NeedsShim() bool {
	return c.MayHang || c.Credential != nil && !c.Credential.own() || c.Path == "" || c.EnvFile != "" || c.Umask >= 0 && c.Umask != ownUmask || c.Nice != 0 || len(c.Limits) > 0
}

// secondLook returns the command for the shim. If Path came from a lookup, the shim looks it up again, because the
// program may have moved within PATH, or only the daemon's user may be allowed to execute the file that was found.
func (c *Command) secondLook() *Command {
	again := *c
	if filepath.Base(c.Path) == c.Argv[0] {
		again.Path = ""
	}
	return &again
}

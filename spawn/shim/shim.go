// Package shim is the process between the fork and the program of a job. It is this program, started again as the
// future process. It does what ForkExec cannot do and what may block, and then becomes the program. The pid stays the
// same throughout.
//
// Hundreds of jobs may be due at one instant, so a shim must be cheap. The largest part of its cost would be the
// initialisation of packages that it does not use. Go initialises packages in the order of their dependencies, and
// otherwise in the order of their import paths. So this package imports only packages that are ready early, and its
// init function becomes the program before the other packages are initialised. Package spawn does the rest where a
// shim needs more than this package can do.
package shim

import (
	"strconv"
	"syscall"
)

// Arg is argv[1] of a shim.
const Arg = "@stage2"

// These are the stages of a start in the order in which a shim passes them, without those of package spawn.
const (
	StageNice    = "nice"
	StageLimits  = "limits"
	StageKeyring = "keyring"
	StageUser    = "user"
	StageDir     = "dir"
	StageExec    = "exec"
)

// Rest is what a shim has not done when only package spawn can continue.
type Rest struct {
	*Instructions
	Program string        // the program that could not be executed, "" if the env_file must be read first
	Errno   syscall.Errno // why
}

// Resume returns what is left to do, after it has done everything else. It returns nil if the environment has no
// instructions.
func Resume() *Rest {
	if begun == nil {
		begun = begin()
	}
	return begun
}

// begun is what the init function has left to do, nil if it did nothing.
var begun *Rest

// begin becomes the program, or ends with a report. It returns only if something is left for package spawn.
func begin() *Rest {
	i := received()
	if i == nil {
		return nil
	}
	syscall.CloseOnExec(ReportFD)
	if i.Umask >= 0 {
		syscall.Umask(i.Umask)
	}
	i.setNice()
	i.setLimits()
	i.setKeyring()
	i.setUser()
	i.enterDir()
	if i.EnvFile != "" {
		return &Rest{Instructions: i}
	}
	return i.Exec()
}

func (i *Instructions) setNice() {
	if i.Nice == 0 {
		return
	}
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, 0, i.Nice); err != nil {
		fail(StageNice, err, strconv.Itoa(i.Nice))
	}
}

func (i *Instructions) setLimits() {
	for _, l := range i.Limits {
		if err := l.set(); err != nil {
			fail(StageLimits, err, l.Name)
		}
	}
}

// setKeyring runs while the shim is still the daemon's user, whose quota has room for the keyring.
func (i *Instructions) setKeyring() {
	if !i.Keyring {
		return
	}
	if err := JoinKeyring(); err != nil {
		fail(StageKeyring, err, i.Name())
	}
}

func (i *Instructions) setUser() {
	u := i.User
	if u == nil {
		return
	}
	err := u.become()
	if err != nil {
		fail(StageUser, err, "uid "+strconv.Itoa(int(u.UID))+" gid "+strconv.Itoa(int(u.GID)))
	}
}

func (i *Instructions) enterDir() {
	if i.Dir == "" {
		return
	}
	err := syscall.Chdir(i.Dir)
	// ENOTDIR: some accounts have /dev/null as their home.
	if i.DirOptional && (err == syscall.ENOENT || err == syscall.ENOTDIR) {
		err = syscall.Chdir("/")
	}
	if err != nil {
		fail(StageDir, err, i.Dir)
	}
}

// Name returns the name of the program for errors.
func (i *Instructions) Name() string {
	if i.Path != "" {
		return i.Path
	}
	return i.Args[0]
}

package jobfile

import (
	"path"
	"slices"
	"strings"
	"time"

	"jobsd/internal/schedule"
)

// Definition is what a job file says of one job, parsed, checked and completed with defaults. It is immutable.
type Definition struct {
	Name        string
	Description string
	File        string // base name of its job file
	When        string // in words what starts it by itself; each time of day is written as 15:04

	Argv []string // what is executed; for Shell: /bin/sh -c SCRIPT
	// Program is the absolute path of the executable of Argv[0] in the job's PATH, as found at the load where
	// nothing can make the loader wait; "" where it could not be found or not be looked for, which is left to the start.
	Program string

	Schedule *schedule.Schedule // never nil; of kind None when the job runs only when asked
	After    []string
	Jitter   time.Duration
	CatchUp  CatchUp
	Machines []string // globs of host names; empty = all

	KeepAlive *KeepAlive // nil: not a service
	Overlap   Overlap
	Lock      string

	Timeout       time.Duration // 0: none
	StopSignal    string        // without SIG
	StopTimeout   time.Duration
	RetryDelay    time.Duration
	RetryMaxDelay time.Duration
	SuccessCodes  []int

	User      *User    // nil: the daemon's own
	Dir       string   // "": the user's home, or / where that is missing
	Env       []string // NAME=value, sorted by name
	EnvFile   string
	PassEnv   []string
	ExtraPath []string
	Limits    []Limit

	Log    Log
	Notify *Notify // nil: nobody

	// Hashes of the effective definition: of what says when, of what its process sees, of all. Sixteen hex digits.
	ScheduleHash, ProcessHash, Hash string

	// The small ones stand together: there may be ten thousand definitions in memory.
	Umask         int // -1: the daemon's own
	Nice          int
	Line          int32 // of File, where the job begins
	Retries       int32
	Shell         bool
	Enabled       bool
	AtBoot        bool
	KeepLeftovers bool
	StopLeader    bool // the stop signal goes to the leader of the process group alone
	DirMayHang    bool // the folder that it starts in may make a process wait that enters it
}

// CatchUp says which missed slots are made up: those at most Max old; with Max < 0 any, with 0 none.
type CatchUp struct{ Max time.Duration }

// Overlap says what happens to a slot that is due while a run is alive or pending.
type Overlap string

// The values of Overlap.
const (
	Skip    Overlap = "skip"
	Queue   Overlap = "queue"
	Replace Overlap = "replace"
	Allow   Overlap = "allow"
)

// KeepAlive makes a job a service.
type KeepAlive struct {
	Restart  Restart
	Delay    time.Duration
	MaxDelay time.Duration
	Stable   time.Duration
}

// Restart says after which ends a service is started again.
type Restart string

// The values of Restart.
const (
	Always    Restart = "always"
	OnFailure Restart = "on-failure"
	OnSuccess Restart = "on-success"
	Never     Restart = "never"
)

// After tells whether a service is started again after an end that was or was not a success.
func (r Restart) After(success bool) bool {
	switch r {
	case OnFailure:
		return !success
	case OnSuccess:
		return success
	}
	return r != Never
}

// User is whom a run's process belongs to, as /etc/passwd and /etc/group had it at the load.
type User struct {
	Name   string
	UID    uint32
	GID    uint32
	Groups []uint32
	Home   string
	Shell  string
}

// Limit is one resource limit; Value is math.MaxUint64 for unlimited.
type Limit struct {
	Name  string
	Value uint64
}

// Log says how a job's log file is kept.
type Log struct {
	MaxSize int64 // bytes
	Keep    int
	Discard bool
}

// Notify says who is told of a job's outcomes.
type Notify struct {
	Mail                             []string
	OnFailure, OnSuccess, OnRecovery []string
	Failures                         int
}

// ActiveOn tells whether the job runs on the machine of that host name: whether one of Machines matches it, or its part
// before the first dot, in whatever case.
func (d *Definition) ActiveOn(host string) bool {
	host = strings.ToLower(host)
	short, _, _ := strings.Cut(host, ".")
	return len(d.Machines) == 0 || slices.ContainsFunc(d.Machines, func(glob string) bool {
		glob = strings.ToLower(glob)
		full, _ := path.Match(glob, host)
		part, _ := path.Match(glob, short)
		return full || part
	})
}

package jobfile

import (
	"path"
	"slices"
	"strings"
	"time"

	"jobsd/internal/machine"
	"jobsd/internal/schedule"
)

// Definition is one job of a job file, parsed, checked and completed with defaults. It is immutable.
type Definition struct {
	Name        string
	Description string
	File        string // base name of its job file
	When        string // says when the job starts by itself; each time of day is written as 15:04

	Argv []string // the command; for Shell: /bin/sh -c SCRIPT
	// Program is the absolute path of the executable of Argv[0], found at the load in the job's PATH. It is "" if the
	// loader did not find it, or did not look because that could block; then the start of a run looks for it.
	Program string

	Schedule *schedule.Schedule // never nil; of kind None when the job runs only on request
	After    []string
	Jitter   time.Duration
	CatchUp  CatchUp
	Machines []string // glob patterns of host names; empty: all machines

	KeepAlive *KeepAlive // nil: not a service
	Overlap   Overlap
	Lock      string

	Timeout       time.Duration // 0: none
	StopSignal    string        // without SIG
	StopTimeout   time.Duration
	RetryDelay    time.Duration
	RetryMaxDelay time.Duration
	SuccessCodes  []int

	User      *User    // nil: the daemon's user
	Dir       string   // "": the user's home, or / if that does not exist
	Env       []string // NAME=value, sorted by name
	EnvFile   string
	PassEnv   []string
	ExtraPath []string
	Limits    []Limit

	Log    Log
	Notify *Notify // nil: no notifications

	// Hashes of the effective definition, sixteen hex digits each: of its schedule, of all that its process sees, of
	// everything.
	ScheduleHash, ProcessHash, Hash string

	// The small fields stand together to save memory, as there may be ten thousand definitions.
	Umask         int // -1: the daemon's umask
	Nice          int
	Line          int32 // of File, on which the job begins
	Retries       int32
	Shell         bool
	Enabled       bool
	AtBoot        bool
	KeepLeftovers bool
	StopLeader    bool // only the leader of the process group gets the stop signal
	DirMayHang    bool // a process that enters the job's directory may hang there
}

// CatchUp says which missed slots are made up: those at most Max old, with Max < 0 all, with 0 none.
type CatchUp struct{ Max time.Duration }

// Overlap says what happens to a slot that is due while a run is active or pending.
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

// Restart says which outcomes restart a service.
type Restart string

// The values of Restart.
const (
	Always    Restart = "always"
	OnFailure Restart = "on-failure"
	OnSuccess Restart = "on-success"
	Never     Restart = "never"
)

// After reports whether a service restarts after a success or a failure.
func (r Restart) After(success bool) bool {
	switch r {
	case OnFailure:
		return !success
	case OnSuccess:
		return success
	}
	return r != Never
}

// User is the user that owns a run's process, as this machine knew it at the load.
type User = machine.User

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

	Timestamps bool // in front of each line
}

// Notify says who gets which notifications about a job's outcomes.
type Notify struct {
	Mail                             []string
	OnFailure, OnSuccess, OnRecovery []string
	Failures                         int
}

// ActiveOn reports whether the job runs on the machine with that host name. It does if one of Machines matches the
// name, or its part before the first dot. Case does not count.
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

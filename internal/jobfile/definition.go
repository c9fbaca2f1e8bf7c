package jobfile

import (
	"path"
	"reflect"
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

	Argv []string // the command; for Shell: /bin/sh -c SCRIPT
	// Program is the absolute path of the executable of Argv[0], found at the load in the job's PATH. It is "" if the
	// loader did not find it, or did not look because that could block; then the start of a run looks for it.
	Program string

	Schedule *schedule.Schedule // never nil; of kind None when the job runs only on request

	// Hashes of the effective definition: of its schedule, of all that its process sees, of everything.
	ScheduleHash, ProcessHash, Hash Hash

	Line int32 // of File, on which the job begins
	*Rules
}

// Hash is a hash of keys. It is never zero.
type Hash uint64

// Rules is the part of a definition that many jobs have in common. Definitions of one load share equal ones, to save
// memory, so nothing changes them.
type Rules struct {
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
	Retries       int32
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
	Umask     int // -1: the daemon's umask
	Nice      int

	Log    Log
	Notify *Notify // nil: no notifications
	Expect *Expect // nil: no expectations

	Shell         bool
	Enabled       bool
	AtBoot        bool
	KeepLeftovers bool
	StopLeader    bool // only the leader of the process group gets the stop signal
	DirMayHang    bool // a process that enters the job's directory may hang there
}

// maxShared is how many Rules a load compares a definition with.
const maxShared = 64

// sharedRules are Rules of one load, the last one used first.
type sharedRules []*Rules

// share returns equal Rules that another definition has, or else a copy.
func (s *sharedRules) share(rules *Rules) *Rules {
	i := slices.IndexFunc(*s, func(other *Rules) bool { return reflect.DeepEqual(other, rules) })
	var found *Rules
	if i >= 0 {
		found = (*s)[i]
		*s = slices.Delete(*s, i, i+1)
	} else {
		own := *rules
		found = &own
	}
	*s = slices.Insert((*s)[:min(len(*s), maxShared-1)], 0, found)
	return found
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

// Notify says who gets which notifications about a job.
type Notify struct {
	Mail                                      []string
	To                                        []string // names of targets, see Config.Targets; a target that was removed may be among them
	On                                        []string // the kinds that the targets get; see Tells
	OnStart, OnFailure, OnSuccess, OnRecovery []string // commands
	Failures                                  int
}

// Kinds of notifications, as in notify.on.
const (
	KindFailure  = "failure"
	KindRecovery = "recovery"
	KindLate     = "late" // the last success is too long ago
	KindSlow     = "slow" // a run takes too long
	KindStart    = "start"
	KindSuccess  = "success"
)

// Kinds are all kinds of notifications, in the order in which people see them.
var Kinds = []string{KindFailure, KindRecovery, KindLate, KindSlow, KindStart, KindSuccess}

// NotifyCommand is a command of a job that runs at an event.
type NotifyCommand struct {
	Key  string // as in notify: on_failure
	Argv []string
}

// Commands returns the commands of the job, also those that are not set.
func (n *Notify) Commands() []NotifyCommand {
	return []NotifyCommand{{"on_start", n.OnStart}, {"on_failure", n.OnFailure}, {"on_success", n.OnSuccess}, {"on_recovery", n.OnRecovery}}
}

// Tells reports whether the target t, which is in n.To, gets notifications of that kind. A crash loop counts as a
// failure. A target with the preset healthchecks always gets start, success and failure: that service waits for the end
// of each run that has started.
func (n *Notify) Tells(t *Target, kind string) bool {
	if t.Preset == PresetHealthchecks && (kind == KindStart || kind == KindSuccess || kind == KindFailure) {
		return true
	}
	if kind == "crash_loop" {
		kind = KindFailure
	}
	return slices.Contains(n.On, kind)
}

// Expect says what is expected of a job. A breach causes a notification and changes nothing else.
type Expect struct {
	SuccessWithin time.Duration // the longest time between two successes; 0: any
	DoneWithin    time.Duration // the longest duration of a run; 0: any
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

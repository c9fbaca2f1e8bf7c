package statefile

import "jobsd/internal/joblog"

// Version is the version of both the state file and the journal. Readers refuse all other versions: the older ones are
// those of development builds.
const Version = 3

// State is the state file, documented field by field in jobsd-state(5). It is derived from the journal and the
// current state of the daemon, so it may be deleted.
type State struct {
	Version int             `json:"version"`
	Daemon  Daemon          `json:"daemon"`
	Jobs    map[string]*Job `json:"jobs"`
	CRC     string          `json:"crc"` // checksum of everything before it; see checksum.go
}

// Daemon describes the daemon that wrote the state file and its condition.
type Daemon struct {
	PID             int         `json:"pid"`
	PIDStart        uint64      `json:"pid_start"` // the kernel's start time of PID, in the unit of the system
	StartedAt       Time        `json:"started_at"`
	BootID          string      `json:"boot_id"`
	Machine         string      `json:"machine"`
	Version         string      `json:"version"`
	JobsDir         string      `json:"jobs_dir"`
	ConfigFile      string      `json:"config_file"`
	RunDir          string      `json:"run_dir"`
	Uptime          Seconds     `json:"uptime"` // at the time of writing
	CleanShutdown   bool        `json:"clean_shutdown"`
	UncleanRestarts uint64      `json:"unclean_restarts"`
	Upgrades        uint64      `json:"upgrades"`
	Degraded        []string    `json:"degraded"`      // current problems of the daemon, in words; empty if there are none
	DroppedLines    uint64      `json:"dropped_lines"` // of output of jobs that standard output did not take since the daemon started
	DisabledBy      *DisabledBy `json:"disabled_by"`
	Reload          Reload      `json:"reload"`
}

// Reload describes the newest finished load of the job files.
type Reload struct {
	Begun  Seconds  `json:"begun"`  // boot clock
	Done   Seconds  `json:"done"`   // boot clock
	At     Time     `json:"at"`     // wall clock at Done
	Errors []string `json:"errors"` // one for each refused file or setting; empty if there are none
	Files  string   `json:"files"`  // the jobfile.Fingerprint of what was read; "" if the jobs directory could not be read
}

// DisabledBy says who disabled a job, or all of them.
type DisabledBy struct {
	Who    string `json:"who"`
	When   Time   `json:"when"`
	Reason string `json:"reason"`
	Until  Time   `json:"until"` // null: until a person enables it
}

// Job is the current state of one job.
type Job struct {
	State               string         `json:"state"`       // waiting needs_arm armed running needs_delete deleted
	File                string         `json:"file"`        // its path
	Schedule            string         `json:"schedule"`    // in words
	Description         string         `json:"description"` // as in the file
	NextRun             Time           `json:"next_run"`
	LastRun             *Run           `json:"last_run"`       // the last run that ended
	Running             []Running      `json:"running"`        // pending runs too
	DelayedStarts       []DelayedStart `json:"delayed_starts"` // delayed starts
	Runs                uint64         `json:"runs"`           // executions
	Failures            uint64         `json:"failures"`       // slots whose last attempt failed
	ConsecutiveFailures uint64         `json:"consecutive_failures"`
	Skipped             uint64         `json:"skipped"`
	Missed              uint64         `json:"missed"`
	Stale               bool           `json:"stale"`
	Elsewhere           bool           `json:"elsewhere"`
	Disabled            bool           `json:"disabled"`
	Held                bool           `json:"held"`
	CrashLoop           bool           `json:"crash_loop"`
	Late                bool           `json:"late"` // no success came within expect.success_within
	Slow                bool           `json:"slow"` // a run took longer than expect.done_within, and no later success was in time
	Unkillable          bool           `json:"unkillable"`
	InternalError       bool           `json:"internal_error"`
	Error               *string        `json:"error"`
	NextTry             Time           `json:"next_try"`
	Deaths              []Death        `json:"deaths"`
	LastSuccess         Time           `json:"last_success"`
	DisabledBy          *DisabledBy    `json:"disabled_by"`
	NotifyError         *string        `json:"notify_error"`
}

// Run is the outcome of one run that ended.
type Run struct {
	Run         uint64        `json:"run"`
	Slot        Time          `json:"slot"`
	Reason      Reason        `json:"reason"`
	Attempt     int           `json:"attempt"`
	StartedAt   Time          `json:"started_at"` // null if it never started
	EndedAt     Time          `json:"ended_at"`
	Duration    Seconds       `json:"duration"`
	Outcome     Outcome       `json:"outcome"`
	ExitCode    *int          `json:"exit_code"`
	Signal      *string       `json:"signal"` // without SIG
	Core        bool          `json:"core"`
	UserCPU     Seconds       `json:"user_cpu"`
	SystemCPU   Seconds       `json:"system_cpu"`
	MaxRSS      int64         `json:"max_rss"` // bytes
	StartError  *StartError   `json:"start_error"`
	LostStage   *LostStage    `json:"lost_stage"`
	By          *string       `json:"by"` // who stopped it: "root (uid 0)", "uid N", shutdown, replace, reload
	Leftovers   int           `json:"leftovers"`
	Missed      uint64        `json:"missed"` // slots that this run makes up for, including its own
	Unjournaled bool          `json:"unjournaled"`
	Output      *joblog.Place `json:"output"` // null: not known yet, or discarded
}

// StartError describes which step of a start failed, why, and on which file or value.
type StartError struct {
	Stage string `json:"stage"`
	Errno string `json:"errno"`
	Path  string `json:"path"`
	Text  string `json:"text"` // the whole error in words
}

// Running is a run that has not ended.
type Running struct {
	Run           uint64   `json:"run"`
	State         RunState `json:"state"`
	Why           *Why     `json:"why"`
	Lock          *string  `json:"lock"` // of a pending run that waits for a lock: the name of the lock
	Error         *string  `json:"error"`
	Slot          Time     `json:"slot"`
	Reason        Reason   `json:"reason"`
	Attempt       int      `json:"attempt"`
	PID           *int     `json:"pid"`
	StartedAt     Time     `json:"started_at"`
	Adopted       bool     `json:"adopted"`
	OldDefinition bool     `json:"old_definition"`
	Unjournaled   bool     `json:"unjournaled"`
}

// DelayedStart is a delayed start.
type DelayedStart struct {
	Run uint64 `json:"run"` // the number that the run will have
	Due Time   `json:"due"`
	By  string `json:"by"` // "root (uid 0)" or "uid N"
}

// Death is one end of a run of a service.
type Death struct {
	At       Time    `json:"at"`
	Outcome  Outcome `json:"outcome"`
	ExitCode *int    `json:"exit_code"`
	Signal   *string `json:"signal"`
	RanFor   Seconds `json:"ran_for"`
}

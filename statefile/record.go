package statefile

// Entry is one line of the journal.
type Entry struct {
	At Time
	Record
}

// Record is what one line says. The kinds are a closed list, documented in jobsd-state(5).
type Record interface {
	Kind() string
	apply(f *Facts, at Time)
}

// Checkpoint opens each journal file: it replaces all that came before it.
type Checkpoint struct{ Facts }

// Start is written by a daemon before anything else.
type Start struct {
	PID      int    `json:"pid"`
	PIDStart uint64 `json:"pid_start"`
	BootID   string `json:"boot_id"`
	Machine  string `json:"machine"`
	Version  string `json:"version"`
	Upgraded bool   `json:"upgraded,omitempty"` // it goes on under the pid of the one before it
	Unclean  bool   `json:"unclean"`            // the daemon before it ended without a Clean, in the same boot
	Suspect  string `json:"suspect,omitempty"`  // the job whose event the daemon before it was handling when it crashed
	Device   uint64 `json:"device,omitempty"`   // of the state directory
	Inode    uint64 `json:"inode,omitempty"`    // of the state directory
	ID       string `json:"id,omitempty"`       // the new one of a state directory that is a copy
}

// Ready says that the first load of this daemon is in force.
type Ready struct {
	Jobs int `json:"jobs"`
}

// Clean is the last word of a daemon that ended in order.
type Clean struct {
	By      string `json:"by"`                 // TERM INT QUIT or upgrade
	LastRun uint64 `json:"last_run,omitempty"` // the highest run number that it gave to a run
}

// Reserved says that the daemon may give the numbers up to UpTo to runs. It is durable before it does, so that no number
// is given a second time when the records of the runs that had it are lost.
type Reserved struct {
	UpTo uint64 `json:"up_to"`
}

// Reloaded sums up a load.
type Reloaded struct {
	Begun   Seconds `json:"begun"`
	New     int     `json:"new"`
	Changed int     `json:"changed"`
	Removed int     `json:"removed"`
	Refused int     `json:"refused"`

	Settings    []string `json:"settings,omitempty"`     // the keys of jobsd.toml that changed
	ChangedJobs []string `json:"changed_jobs,omitempty"` // ten at most; "web restarted" of a service that is started anew
}

// Defined says that a job was first loaded, came back, or changed.
type Defined struct {
	Job        string  `json:"job"`
	Schedule   string  `json:"schedule"`
	Process    string  `json:"process"`
	Definition string  `json:"definition"`
	LastSlot   Time    `json:"last_slot,omitzero"` // slots count from here
	Anchor     *Anchor `json:"anchor,omitempty"`
	BootDone   string  `json:"boot_done,omitempty"` // it came too late for this boot's at_boot run
}

// Deleted says that no file defines the job any more and no run of it is left.
type Deleted struct {
	Job string `json:"job"`
}

// Held says that a person stopped a service, which then waits for one to start it, or that one started it again; the
// latter also of a job that was set aside.
type Held struct {
	Job  string `json:"job"`
	Held bool   `json:"held"`
	By   string `json:"by"` // "root (uid 0)" or "uid N"
}

// Disabled says that a person disabled a job or, without By, enabled it again: what passed meanwhile is not missed.
type Disabled struct {
	Job  string      `json:"job"`
	By   *DisabledBy `json:"by"`
	From Time        `json:"from,omitzero"` // of an end at a set time: slots count from here, not from the record
}

// AllDisabled says the same of all jobs, those too that are to come.
type AllDisabled struct {
	By   *DisabledBy `json:"by"`
	From Time        `json:"from,omitzero"` // as in Disabled
}

// Later says that a person asked for a start that is to come.
type Later struct {
	Job     string   `json:"job"`
	Run     uint64   `json:"run"`
	Due     Anchor   `json:"due"`
	By      string   `json:"by"` // "root (uid 0)" or "uid N"
	Args    []string `json:"-"`  // they may be secrets: the daemon keeps them elsewhere
	HasArgs bool     `json:"has_args,omitempty"`
}

// SetAside says that something within the daemon went wrong over a job, which then waits for a person.
type SetAside struct {
	Job   string `json:"job"`
	Error string `json:"error"`
}

// Epoch begins a new clock epoch: the clock was set back by a minute or more. Reset: by so much that slots before
// the change count for nothing.
type Epoch struct {
	Epoch uint64 `json:"epoch"`
	Wall  Time   `json:"wall"`
	Reset bool   `json:"reset"`
}

// Anchored moves the anchor of an `every` job without a run.
type Anchored struct {
	Job    string `json:"job"`
	Anchor Anchor `json:"anchor"`
}

// Passed is a streak of slots that did not become runs.
type Passed struct {
	Job    string  `json:"job"`
	How    string  `json:"how"`    // skipped or missed
	Reason string  `json:"reason"` // why, in a word
	First  Time    `json:"first"`
	Last   Time    `json:"last"`
	Number uint64  `json:"number"`
	Epoch  uint64  `json:"epoch"`
	At     bool    `json:"at_slot,omitempty"` // the slot is the job's `at`
	Anchor *Anchor `json:"anchor,omitempty"`  // the new one of an `every` job
}

// Intent says that a run is about to be started. It is durable before the fork.
type Intent struct {
	Job       string  `json:"job"`
	Run       uint64  `json:"run"`
	Slot      Time    `json:"slot,omitzero"`
	Epoch     uint64  `json:"epoch"`
	Reason    string  `json:"reason"`
	Attempt   int     `json:"attempt"`
	Missed    uint64  `json:"missed,omitempty"`
	At        bool    `json:"at_slot,omitempty"` // the slot is the job's `at`
	Anchor    *Anchor `json:"anchor,omitempty"`  // the new one of an `every` job
	LogOffset int64   `json:"log_offset"`        // where its output begins in the job's log, counted over rotations
	OwnLog    bool    `json:"own_log,omitempty"` // it writes to a file of its own, which goes into the job's log at its end
}

// Started says that the run's process lives.
type Started struct {
	Job      string `json:"job"`
	Run      uint64 `json:"run"`
	PID      int    `json:"pid"`
	Inode    uint64 `json:"inode,omitempty"`     // of its pidfd, Linux 6.9+
	PIDStart uint64 `json:"pid_start,omitempty"` // the kernel's start time, where there is no inode
	BootID   string `json:"boot_id"`
	Reason   string `json:"reason,omitempty"` // of the run, should its intent be damaged
}

// Stopping says that a run was told to end: whatever becomes of the daemon, nothing of it is to survive.
type Stopping struct {
	Job string `json:"job"`
	Run uint64 `json:"run"`
	By  string `json:"by"` // as in Run, or timeout or "start timeout"
}

// Ended is the outcome of a run.
type Ended struct {
	Job      string `json:"job"`
	Outcome  Run    `json:"outcome"`
	Failed   bool   `json:"failed"`             // neither success nor stopped
	Retry    *Retry `json:"retry,omitempty"`    // it will be tried again: this is no failure of its slot yet
	Short    bool   `json:"short,omitempty"`    // of a service: a life too short
	Finished bool   `json:"finished,omitempty"` // of a service: it is not to be started again
	Alarm    bool   `json:"alarm,omitempty"`    // its failure is told; none after it is until the job recovers
	Owes     []Owed `json:"owes,omitempty"`     // what is to be sent to tell of it
	LogStart int64  `json:"log_start"`          // where its output begins, as in Intent
	Drained  bool   `json:"drained"`            // nothing of its group is left
	LogEnd   int64  `json:"log_end"`            // where its output ends, as LogOffset counts
	Open     bool   `json:"open,omitempty"`     // what it left behind may still write for a moment: Output follows
}

// GaveUp says that a run will not be that was to come: another try of a failed one, the slot of which has failed then, or
// a start that was asked for.
type GaveUp struct {
	Job   string `json:"job"`
	Run   uint64 `json:"run"` // that will not be
	Why   string `json:"why"`
	Alarm bool   `json:"alarm,omitempty"`
	Owes  []Owed `json:"owes,omitempty"`
}

// Stable says that a service has lived long enough for what came before to be over.
type Stable struct {
	Job  string `json:"job"`
	Run  uint64 `json:"run"`
	Owes []Owed `json:"owes,omitempty"`
}

// Told says what became of notifications.
type Told struct {
	IDs   []uint64 `json:"ids"`
	Error string   `json:"error,omitempty"`
	Kept  bool     `json:"kept,omitempty"` // they will be sent later
}

// OwedMail is a notification about the daemon itself.
type OwedMail struct {
	Owes []Owed `json:"owes"`
}

// Output says where the output of an ended run is, which had not ended with its leader.
type Output struct {
	Job      string `json:"job"`
	Run      uint64 `json:"run"`
	LogStart int64  `json:"log_start"` // as in Ended
	LogEnd   int64  `json:"log_end"`
}

// Drained says that the group of an ended run is empty.
type Drained struct {
	Job string `json:"job"`
	Run uint64 `json:"run"`
}

// LogCut says that the front of a job's live log was moved to an archive or, with EmptiedBy, that a run emptied the
// live log: its output begins at Base, and what earlier runs wrote from there on is gone.
type LogCut struct {
	Job       string `json:"job"`
	Base      int64  `json:"base"`
	EmptiedBy uint64 `json:"emptied_by,omitempty"`
}

// Damaged says that lines before it were damaged and left out, and what they may have said is in doubt; see doubt.go.
type Damaged struct {
	Lines   int    `json:"lines"`
	LastRun uint64 `json:"last_run"`          // runs are numbered on from here
	Until   Time   `json:"until,omitzero"`    // the clock had been further ahead: fixed times up to then are settled
	BootID  string `json:"boot_id,omitempty"` // the boot that the lines behind the damage are of; "": it may be any
}

func (*Checkpoint) Kind() string  { return "checkpoint" }
func (*Start) Kind() string       { return "start" }
func (*Ready) Kind() string       { return "ready" }
func (*Clean) Kind() string       { return "clean" }
func (*Reserved) Kind() string    { return "reserved" }
func (*Reloaded) Kind() string    { return "reloaded" }
func (*Defined) Kind() string     { return "defined" }
func (*Deleted) Kind() string     { return "deleted" }
func (*Held) Kind() string        { return "held" }
func (*Disabled) Kind() string    { return "disabled" }
func (*AllDisabled) Kind() string { return "all_disabled" }
func (*Later) Kind() string       { return "later" }
func (*SetAside) Kind() string    { return "set_aside" }
func (*Epoch) Kind() string       { return "epoch" }
func (*Anchored) Kind() string    { return "anchored" }
func (*Passed) Kind() string      { return "passed" }
func (*Intent) Kind() string      { return "intent" }
func (*Started) Kind() string     { return "started" }
func (*Stopping) Kind() string    { return "stopping" }
func (*Ended) Kind() string       { return "ended" }
func (*GaveUp) Kind() string      { return "gave_up" }
func (*Stable) Kind() string      { return "stable" }
func (*Told) Kind() string        { return "told" }
func (*OwedMail) Kind() string    { return "owed" }
func (*Output) Kind() string      { return "output" }
func (*Drained) Kind() string     { return "drained" }
func (*LogCut) Kind() string      { return "log_cut" }
func (*Damaged) Kind() string     { return "damaged" }

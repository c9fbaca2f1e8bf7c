package statefile

import "jobsd/internal/joblog"

// Entry is one line of the journal.
type Entry struct {
	At Time
	Record
}

// Record is the content of one line. The kinds are a closed list, documented in jobsd-state(5).
type Record interface {
	Kind() string
	apply(f *Facts, at Time)
}

// Checkpoint is the first line of each journal file. It replaces everything before it.
type Checkpoint struct{ Facts }

// Start is the first entry of a daemon.
type Start struct {
	PID      int    `json:"pid"`
	PIDStart uint64 `json:"pid_start"`
	BootID   string `json:"boot_id"`
	Machine  string `json:"machine"`
	Version  string `json:"version"`
	Upgraded bool   `json:"upgraded,omitempty"` // it continues with the pid of the previous daemon
	Unclean  bool   `json:"unclean"`            // the previous daemon crashed or was killed in the same boot
	Suspect  string `json:"suspect,omitempty"`  // the job whose event the previous daemon was handling when it crashed
	Device   uint64 `json:"device,omitempty"`   // of the state directory
	Inode    uint64 `json:"inode,omitempty"`    // of the state directory
	ID       string `json:"id,omitempty"`       // the new id of a state directory that is a copy

	Uncounted Seconds `json:"uncounted,omitzero"` // as in Uncounted, with the time before it in which no daemon ran
}

// Ready records that the first load of this daemon is in force.
type Ready struct {
	Jobs int `json:"jobs"`
}

// Clean is the last entry of a daemon that ends cleanly.
type Clean struct {
	By      string `json:"by"`                 // TERM INT QUIT or upgrade
	LastRun uint64 `json:"last_run,omitempty"` // the highest run number that it used
}

// Reserved allows the daemon to use run numbers up to UpTo. It is durable before the daemon uses them. So no number
// is used twice, even if the records of its run are lost.
type Reserved struct {
	UpTo uint64 `json:"up_to"`
}

// Reloaded summarizes a load.
type Reloaded struct {
	Begun   Seconds `json:"begun"`
	New     int     `json:"new"`
	Changed int     `json:"changed"`
	Removed int     `json:"removed"`
	Refused int     `json:"refused"`

	Settings    []string `json:"settings,omitempty"`     // the keys of jobsd.toml that changed
	ChangedJobs []string `json:"changed_jobs,omitempty"` // at most ten; "web restarted" for a service that is restarted
}

// Defined records that a job was loaded for the first time, came back, or changed.
type Defined struct {
	Job string `json:"job"`
	Timing
	Process    Hash    `json:"process"`
	Definition Hash    `json:"definition"`
	LastSlot   Time    `json:"last_slot,omitzero"` // slots count from here
	Anchor     *Anchor `json:"anchor,omitempty"`
	BootDone   string  `json:"boot_done,omitempty"` // the job came too late for this boot's at_boot run
}

// Deleted records that a job was removed and has no runs left.
type Deleted struct {
	Job string `json:"job"`
}

// Held records that a person stopped a service, which then waits for a person to start it, or that a person started
// it again. It also records that a person started a job that was set aside.
type Held struct {
	Job  string `json:"job"`
	Held bool   `json:"held"`
	By   string `json:"by"` // "root (uid 0)" or "uid N"
}

// Disabled records that a person disabled a job or, without By, enabled it again. Slots between the two do not count
// as missed.
type Disabled struct {
	Job  string      `json:"job"`
	By   *DisabledBy `json:"by"`
	From Time        `json:"from,omitzero"` // if the job was enabled at a set time: slots count from this time, not from At
}

// AllDisabled records the same for all jobs, including jobs that are added later.
type AllDisabled struct {
	By   *DisabledBy `json:"by"`
	From Time        `json:"from,omitzero"` // as in Disabled
}

// Delayed records that a person asked for a delayed start.
type Delayed struct {
	Job     string   `json:"job"`
	Run     uint64   `json:"run"`
	Due     Anchor   `json:"due"`
	By      string   `json:"by"` // "root (uid 0)" or "uid N"
	Args    []string `json:"-"`  // may be secret, so the daemon keeps them elsewhere
	HasArgs bool     `json:"has_args,omitempty"`
}

// SetAside records that an internal error of the daemon stopped a job until a person starts it.
type SetAside struct {
	Job           string         `json:"job"`
	Error         string         `json:"error"`
	Notifications []Notification `json:"notifications,omitempty"`
}

// Epoch starts a new clock epoch, because the clock was set back by a minute or more. Reset means that it was set
// back so far that slots before the change no longer count.
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

// NotRun records consecutive slots that were skipped or missed for the same reason.
type NotRun struct {
	Missed bool    `json:"-"` // its kind is missed; otherwise it is skipped
	Job    string  `json:"job"`
	Reason Cause   `json:"reason"` // one word
	First  Time    `json:"first_slot"`
	Last   Time    `json:"last_slot"`
	Number uint64  `json:"number"`
	Epoch  uint64  `json:"epoch"`
	At     bool    `json:"at_slot,omitempty"` // the slot is the job's `at`
	Anchor *Anchor `json:"anchor,omitempty"`  // the new one of an `every` job
}

// Identity says which run of a job it is, and why it exists.
type Identity struct {
	Run     uint64 `json:"run"`
	Slot    Time   `json:"slot,omitzero"`
	Epoch   uint64 `json:"epoch"` // epoch of Slot
	Reason  Reason `json:"reason"`
	Attempt int    `json:"attempt"`
	Missed  uint64 `json:"missed,omitempty"` // slots that the run makes up for, including its own
}

// Intent records that a run is about to start. It is durable before the fork.
type Intent struct {
	Job string `json:"job"`
	Identity
	At      bool    `json:"at_slot,omitempty"`  // the slot is the job's `at`
	Discard bool    `json:"discard,omitempty"`  // its output is discarded
	HasArgs bool    `json:"has_args,omitempty"` // a person added arguments, which the daemon keeps elsewhere
	Anchor  *Anchor `json:"anchor,omitempty"`   // the new one of an `every` job
}

// Started records that the run's process exists.
type Started struct {
	Job      string `json:"job"`
	Run      uint64 `json:"run"`
	PID      int    `json:"pid"`
	Inode    uint64 `json:"inode,omitempty"`     // inode of its pidfd, Linux 6.9 or later
	PIDStart uint64 `json:"pid_start,omitempty"` // the kernel's start time, if there is no inode
	BootID   string `json:"boot_id"`
	Reason   Reason `json:"reason"` // reason of the run, in case its intent gets damaged

	Notifications []Notification `json:"notifications,omitempty"` // that it has started
}

// Stopping records that a run was stopped. Even if the daemon crashes, no process of the run may survive.
type Stopping struct {
	Job string `json:"job"`
	Run uint64 `json:"run"`
	By  string `json:"by"` // as in Run, or timeout or "start timeout"
}

// Ended is the outcome of a run.
type Ended struct {
	Job             string         `json:"job"`
	Outcome         Run            `json:"outcome"`
	Failed          bool           `json:"failed"`                     // neither a success nor stopped
	Retry           *Retry         `json:"retry,omitempty"`            // the retry of the run, if there is one: the slot has not failed yet
	Short           bool           `json:"short,omitempty"`            // for a service: it ran too short a time
	Finished        bool           `json:"finished,omitempty"`         // for a service: it will not be restarted
	FailureNotified bool           `json:"failure_notified,omitempty"` // a notification about the failure is sent, and no more until the job recovers
	Notifications   []Notification `json:"notifications,omitempty"`    // notifications to send
	InTime          bool           `json:"in_time,omitempty"`          // it took no longer than expected
	Drained         bool           `json:"drained"`                    // no process of its group is left
	Open            bool           `json:"open,omitempty"`             // its output is not complete yet, and an Output follows
}

// Dropped records that a pending run was dropped: a retry, whose slot has then failed, or a delayed start.
type Dropped struct {
	Job             string         `json:"job"`
	Run             uint64         `json:"run"` // number of the dropped run
	Why             string         `json:"why"`
	FailureNotified bool           `json:"failure_notified,omitempty"`
	Notifications   []Notification `json:"notifications,omitempty"`
}

// Stable records that a service has run long enough to forget its earlier failures.
type Stable struct {
	Job           string         `json:"job"`
	Run           uint64         `json:"run"`
	Notifications []Notification `json:"notifications,omitempty"`
}

// Expected records that a job is expected to succeed within some time from now on, or no longer.
type Expected struct {
	Job      string `json:"job"`
	Expected bool   `json:"expected"`
}

// Late records that a job has had no success for longer than expected, or that it is no longer late because more time is
// expected now. A success needs no such record.
type Late struct {
	Job           string         `json:"job"`
	Over          bool           `json:"over,omitempty"` // it is no longer late
	Notifications []Notification `json:"notifications,omitempty"`
}

// Slow records that a run takes longer than expected, or that the job is no longer slow because nothing is expected of
// it any more.
type Slow struct {
	Job           string         `json:"job"`
	Run           uint64         `json:"run,omitempty"`
	Over          bool           `json:"over,omitempty"` // it is no longer slow
	Notifications []Notification `json:"notifications,omitempty"`
}

// Uncounted records time that counts neither as time without a success nor as the duration of a run: the machine was
// asleep, or the wall clock was set, also back.
type Uncounted struct {
	Total Seconds `json:"total"` // in all, from the first entry on
}

// Message records which notifications are delivered in one message. If its delivery is interrupted or fails, the same
// message is sent again.
type Message struct {
	Number uint64   `json:"number"`
	IDs    []uint64 `json:"ids"` // of its notifications
}

// Delivery records the result of one attempt to deliver notifications.
type Delivery struct {
	IDs     []uint64 `json:"ids"`
	Error   string   `json:"error,omitempty"`
	RetryAt Time     `json:"retry_at,omitzero"` // the next attempt; zero: there is none
}

// DaemonNotification is a notification about the daemon itself.
type DaemonNotification struct {
	Notifications []Notification `json:"notifications"`
}

// Output records where the output of a run is: once it begins, if the run takes a while, and once it is complete.
type Output struct {
	Job string `json:"job"`
	Run uint64 `json:"run"`
	joblog.Place
}

// Drained records that the process group of an ended run is empty.
type Drained struct {
	Job string `json:"job"`
	Run uint64 `json:"run"`
}

// Damaged records that lines before it were damaged and left out, and that their content is in doubt; see doubt.go.
type Damaged struct {
	Lines   int    `json:"lines"`
	LastRun uint64 `json:"last_run"`          // later runs get higher numbers
	Until   Time   `json:"until,omitzero"`    // the clock had been ahead: fixed times up to this one are settled
	BootID  string `json:"boot_id,omitempty"` // the boot of the lines after the damage; "": unknown
}

func (*Checkpoint) Kind() string         { return "checkpoint" }
func (*Start) Kind() string              { return "start" }
func (*Ready) Kind() string              { return "ready" }
func (*Clean) Kind() string              { return "clean" }
func (*Reserved) Kind() string           { return "reserved" }
func (*Reloaded) Kind() string           { return "reloaded" }
func (*Defined) Kind() string            { return "defined" }
func (*Deleted) Kind() string            { return "deleted" }
func (*Held) Kind() string               { return "held" }
func (*Disabled) Kind() string           { return "disabled" }
func (*AllDisabled) Kind() string        { return "all_disabled" }
func (*Delayed) Kind() string            { return "delayed" }
func (*SetAside) Kind() string           { return "set_aside" }
func (*Epoch) Kind() string              { return "epoch" }
func (*Anchored) Kind() string           { return "anchored" }
func (*Intent) Kind() string             { return "intent" }
func (*Started) Kind() string            { return "started" }
func (*Stopping) Kind() string           { return "stopping" }
func (*Ended) Kind() string              { return "ended" }
func (*Dropped) Kind() string            { return "dropped" }
func (*Stable) Kind() string             { return "stable" }
func (*Expected) Kind() string           { return "expected" }
func (*Late) Kind() string               { return "late" }
func (*Slow) Kind() string               { return "slow" }
func (*Uncounted) Kind() string          { return "uncounted" }
func (*Message) Kind() string            { return "message" }
func (*Delivery) Kind() string           { return "delivery" }
func (*DaemonNotification) Kind() string { return "daemon_notification" }
func (*Output) Kind() string             { return "output" }
func (*Drained) Kind() string            { return "drained" }
func (*Damaged) Kind() string            { return "damaged" }

func (r *NotRun) Kind() string {
	if r.Missed {
		return "missed"
	}
	return "skipped"
}

package statefile

import (
	"slices"
	"time"
)

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
	Unclean  bool   `json:"unclean"`           // the daemon before it ended without a Clean, in the same boot
	Suspect  string `json:"suspect,omitempty"` // the job whose event the daemon before it was handling when it crashed
}

// Ready says that the first load of this daemon is in force.
type Ready struct {
	Jobs int `json:"jobs"`
}

// Clean is the last word of a daemon that ended in order.
type Clean struct {
	By string `json:"by"` // TERM INT QUIT or upgrade
}

// Reloaded sums up a load.
type Reloaded struct {
	Begun   Seconds `json:"begun"`
	New     int     `json:"new"`
	Changed int     `json:"changed"`
	Removed int     `json:"removed"`
	Refused int     `json:"refused"`

	ChangedJobs []string `json:"changed_jobs,omitempty"` // ten at most; "web restarted" of a service that is started anew
}

// Defined says that a job was first loaded, came back, or changed in when it is due or what its process sees.
type Defined struct {
	Job      string  `json:"job"`
	Schedule string  `json:"schedule"`
	Process  string  `json:"process"`
	LastSlot Time    `json:"last_slot,omitzero"` // slots count from here
	Anchor   *Anchor `json:"anchor,omitempty"`
	BootDone string  `json:"boot_done,omitempty"` // it came too late for this boot's at_boot run
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
	By   string `json:"by"` // uid N
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
}

// GaveUp says that a failed run is not tried again although it was to be: its slot has failed.
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

// Drained says that the group of an ended run is empty.
type Drained struct {
	Job string `json:"job"`
	Run uint64 `json:"run"`
}

// LogCut says that the front of a job's live log was moved to an archive.
type LogCut struct {
	Job  string `json:"job"`
	Base int64  `json:"base"`
}

func (*Checkpoint) Kind() string { return "checkpoint" }
func (*Start) Kind() string      { return "start" }
func (*Ready) Kind() string      { return "ready" }
func (*Clean) Kind() string      { return "clean" }
func (*Reloaded) Kind() string   { return "reloaded" }
func (*Defined) Kind() string    { return "defined" }
func (*Deleted) Kind() string    { return "deleted" }
func (*Held) Kind() string       { return "held" }
func (*Epoch) Kind() string      { return "epoch" }
func (*Anchored) Kind() string   { return "anchored" }
func (*Passed) Kind() string     { return "passed" }
func (*Intent) Kind() string     { return "intent" }
func (*Started) Kind() string    { return "started" }
func (*Ended) Kind() string      { return "ended" }
func (*GaveUp) Kind() string     { return "gave_up" }
func (*Stable) Kind() string     { return "stable" }
func (*Told) Kind() string       { return "told" }
func (*OwedMail) Kind() string   { return "owed" }
func (*Drained) Kind() string    { return "drained" }
func (*LogCut) Kind() string     { return "log_cut" }

func (r *Checkpoint) apply(f *Facts, _ Time) {
	*f = *r.Facts.Clone()
	f.Version = Version
}

func (r *Start) apply(f *Facts, _ Time) {
	if f.BootID != r.BootID {
		f.BootID, f.BootReady = r.BootID, false
		for _, j := range f.Jobs {
			j.Held, j.Finished, j.ShortLives = false, false, 0
		}
	}
	if r.Unclean {
		f.Unclean++
	}
	if r.Suspect != "" && r.Suspect == f.Suspect {
		f.Job(r.Suspect).SetAside = true
	}
	f.Suspect = r.Suspect
	f.Clean = false
}

func (r *Ready) apply(f *Facts, _ Time)    { f.BootReady = true }
func (r *Clean) apply(f *Facts, _ Time)    { f.Clean = true }
func (r *Reloaded) apply(f *Facts, _ Time) {}

func (r *Defined) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	if j.FirstLoad.IsZero() {
		j.FirstLoad = at
		j.StartTick = f.Tick
	}
	if r.BootDone != "" {
		j.BootDone = r.BootDone
	}
	if j.Schedule != r.Schedule || !j.Vanished.IsZero() {
		j.Beyond = Time{}
		j.Schedule, j.Anchor = r.Schedule, r.Anchor
		j.LastSlot, j.WildSlot, j.SlotEpoch = r.LastSlot, r.LastSlot, f.Epoch
	}
	j.Vanished = Time{}
	j.Process = r.Process
	j.SetAside, j.Finished = false, false
}

func (r *Deleted) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	j.Vanished, j.Waiting = at, nil
}

func (r *Held) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	j.Held = r.Held
	if j.SetAside && !r.Held && at.After(j.LastSlot.Time) { // what passed while it was set aside is not missed
		j.LastSlot = at
	}
	j.SetAside = j.SetAside && r.Held
}

func (r *Epoch) apply(f *Facts, _ Time) {
	f.Epoch, f.EpochAt = r.Epoch, r.Wall
	if !r.Reset {
		return
	}
	f.ResetEpoch = r.Epoch
	for _, j := range f.Jobs {
		if j.LastSlot.After(r.Wall.Time) {
			j.Beyond, j.LastSlot = j.LastSlot, r.Wall
		}
	}
}

func (r *Anchored) apply(f *Facts, _ Time) { f.Job(r.Job).Anchor = &r.Anchor }

func (r *Passed) apply(f *Facts, _ Time) {
	j := f.Job(r.Job)
	if r.How == "skipped" {
		j.Skipped += r.Number
	} else {
		j.Missed += r.Number
	}
	f.take(j, r.Last, r.Epoch)
	j.moveAnchor(r.Anchor)
	if r.At && (r.How == "skipped" || r.Reason == "past") { // one that was missed is settled by LastSlot, which a reset takes back
		j.AtDone = r.Last
	}
}

func (r *Intent) apply(f *Facts, _ Time) {
	f.LastRun = max(f.LastRun, r.Run)
	j := f.Job(r.Job)
	if j.live(r.Run) != nil || j.over(r.Run) {
		return
	}
	f.take(j, r.Slot, r.Epoch)
	j.moveAnchor(r.Anchor)
	if r.At {
		j.AtDone = r.Slot
	}
	if r.Reason == "boot" {
		j.BootDone = f.BootID
	}
	if r.Reason == "service" {
		j.Finished = false
	}
	j.noRetry(r.Run)
	j.Live = append(j.Live, Live{Run: r.Run, Slot: r.Slot, Epoch: r.Epoch, Reason: r.Reason, Attempt: r.Attempt, Missed: r.Missed,
		LogOffset: r.LogOffset, OwnLog: r.OwnLog})
}

func (r *Started) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	l := j.live(r.Run)
	if j.over(r.Run) || l != nil && l.PID == r.PID && l.Inode == r.Inode && l.PIDStart == r.PIDStart {
		return
	}
	if l == nil || l.PID == 0 { // else a shim before it failed for want of something
		j.Runs++
	}
	f.Tick++
	j.LastStart, j.StartTick = at, f.Tick
	if l != nil {
		l.PID, l.Inode, l.PIDStart, l.BootID, l.StartedAt = r.PID, r.Inode, r.PIDStart, r.BootID, at
	}
}

func (r *Ended) apply(f *Facts, _ Time) {
	j := f.Job(r.Job)
	if j.over(r.Outcome.Run) {
		return
	}
	run := r.Outcome
	j.LastRun, j.LogStart, j.LogEnd = &run, r.LogStart, r.LogEnd
	switch {
	case r.Retry != nil:
		j.Waiting = append(j.Waiting, *r.Retry)
		f.LastRun = max(f.LastRun, r.Retry.Run)
	case r.Failed:
		j.Failures++
		j.Consecutive++
	case run.Outcome == "exited":
		j.Consecutive, j.Told = 0, false
		f.Tick++
		j.LastSuccess, j.SuccessTick = run.EndedAt, f.Tick
	}
	j.Told = j.Told || r.Alarm
	if run.Reason == "service" {
		j.died(&run, r.Short)
		j.Finished = r.Finished
	}
	f.owe(r.Owes)
	if l := j.live(run.Run); l != nil {
		l.Ended = true
		if run.Outcome == "start_error" && l.PID > 0 && j.Runs > 0 { // a shim that never became the job's program
			j.Runs--
		}
	}
	if r.Drained {
		j.drop(run.Run)
	}
}

func (r *GaveUp) apply(f *Facts, _ Time) {
	j := f.Job(r.Job)
	if j.noRetry(r.Run) {
		j.Failures++
		j.Consecutive++
		j.Told = j.Told || r.Alarm
	}
	f.owe(r.Owes)
}

func (r *Stable) apply(f *Facts, _ Time) {
	j := f.Job(r.Job)
	j.ShortLives, j.Consecutive, j.Told = 0, 0, false
	f.owe(r.Owes)
}

func (r *OwedMail) apply(f *Facts, at Time) {
	f.CrashMail = at
	f.owe(r.Owes)
}

func (r *Told) apply(f *Facts, _ Time) {
	keep := f.Owed[:0:0]
	for _, o := range f.Owed {
		if !slices.Contains(r.IDs, o.ID) {
			keep = append(keep, o)
			continue
		}
		if j := f.Jobs[o.Job]; j != nil {
			j.NotifyError = nil
			if r.Error != "" {
				j.NotifyError = &r.Error
			}
		}
		if r.Kept {
			o.Tries++
			keep = append(keep, o)
		}
	}
	f.Owed = keep
}

func (r *Drained) apply(f *Facts, _ Time) { f.Job(r.Job).drop(r.Run) }
func (r *LogCut) apply(f *Facts, _ Time)  { f.Job(r.Job).LogBase = r.Base }

// Prune forgets the facts of jobs that vanished more than KeepVanished before now.
func (f *Facts) Prune(now time.Time) {
	for name, j := range f.Jobs {
		if !j.Vanished.IsZero() && now.Sub(j.Vanished.Time) > KeepVanished && len(j.Live) == 0 {
			delete(f.Jobs, name)
		}
	}
}

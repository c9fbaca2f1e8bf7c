package statefile

import (
	"slices"
	"time"

	"jobsd/internal/joblog"
)

// KeepRemoved is how long the facts of a removed job are kept.
const KeepRemoved = 90 * 24 * time.Hour

// Facts is everything that is durable, and the content of a checkpoint. Only Apply changes it, both in the daemon and
// in a replay, so a replay of the journal gives the same facts as the daemon had in memory.
type Facts struct {
	Version          int                  `json:"version"`
	ID               string               `json:"id"`                 // of the state directory: 32 random hex digits
	LastRun          uint64               `json:"last_run"`           // the run counter
	Reserved         uint64               `json:"reserved,omitempty"` // run numbers up to this one may have been used
	BootID           string               `json:"boot_id"`
	BootReady        bool                 `json:"boot_ready"`            // this boot has had its first ready
	BootDoubt        bool                 `json:"boot_doubt,omitempty"`  // the next daemon's boot may already have had its first ready and its at_boot runs
	Device           uint64               `json:"device,omitempty"`      // of the state directory, in that boot
	Inode            uint64               `json:"inode,omitempty"`       // of the state directory, in that boot
	Epoch            uint64               `json:"epoch"`                 // the clock epoch
	EpochAt          Time                 `json:"epoch_at"`              // the new clock's reading when the epoch began
	ResetEpoch       uint64               `json:"reset_epoch,omitempty"` // the newest epoch that began with a reset: slots of older epochs are of a wrong clock
	Clean            bool                 `json:"clean"`                 // the last daemon ended cleanly
	Unclean          uint64               `json:"unclean_restarts"`      // daemons that crashed or were killed while the machine kept running
	Upgrades         uint64               `json:"upgrades"`
	Sequence         uint64               `json:"sequence"` // counts starts and successes, to order them independently of the clock
	DisabledBy       *DisabledBy          `json:"disabled_by"`
	Suspect          string               `json:"suspect,omitempty"`           // as in Start, from the last Start
	DaemonNotified   Time                 `json:"daemon_notified,omitzero"`    // when a notification about the daemon itself was last due
	DoubtUntil       Time                 `json:"doubt_until,omitzero"`        // unsettled slots up to this time are in doubt
	DoubtRun         uint64               `json:"doubt_run,omitempty"`         // unfinished runs up to this number are in doubt
	LastAt           Time                 `json:"last_at,omitzero"`            // when the last entry was recorded
	Uncounted        Seconds              `json:"uncounted,omitzero"`          // time in which nothing could succeed, in all: the machine was asleep or no daemon ran
	LastNotification uint64               `json:"last_notification,omitempty"` // the highest number of a notification so far
	Notifications    []Notification       `json:"notifications,omitempty"`     // undelivered notifications, the oldest first
	Jobs             map[string]*JobFacts `json:"jobs"`

	copying *Copy `json:"-"` // nil: no copy is being made
}

// JobFacts holds the durable facts of one job.
type JobFacts struct {
	FirstLoad Time `json:"first_load"`
	RemovedAt Time `json:"removed_at,omitzero"` // when the job was removed
	Timing
	Process             Hash        `json:"process"`                         // hash of the keys that affect its process
	Definition          Hash        `json:"definition,omitempty"`            // hash of all keys
	LastSlot            Time        `json:"last_slot,omitzero"`              // the latest slot that was taken, skipped or missed
	LastSlotBeforeReset Time        `json:"last_slot_before_reset,omitzero"` // LastSlot before a reset: if the clock reaches it again, no slot up to it counts as missed
	EpochSlot           Time        `json:"epoch_slot,omitzero"`             // the newest slot of SlotEpoch, which is before LastSlot if the clock went back
	SlotEpoch           uint64      `json:"slot_epoch,omitzero"`             // the clock epoch of EpochSlot
	Anchor              *Anchor     `json:"anchor,omitempty"`                // for `every`
	AtDone              Time        `json:"at_done,omitzero"`                // the newest `at` time that is settled
	AtDoneBefore        *[]Time     `json:"at_done_before,omitempty"`        // settled before AtDone; kept because the file may name them again
	BootDone            string      `json:"boot_done,omitempty"`             // boot id of the last at_boot run
	DisabledBy          *DisabledBy `json:"disabled_by,omitempty"`
	Runs                uint64      `json:"runs,omitempty"`
	Failures            uint64      `json:"failures,omitempty"`
	Consecutive         uint64      `json:"consecutive_failures,omitempty"`
	Skipped             uint64      `json:"skipped,omitempty"`
	Missed              uint64      `json:"missed,omitempty"`
	Deaths              *[]Death    `json:"deaths,omitempty"`
	ShortRuns           uint64      `json:"short_runs,omitempty"`      // for a service: runs in a row that were too short
	SetAsideError       string      `json:"set_aside_error,omitempty"` // what went wrong
	NotifyError         *string     `json:"notify_error,omitempty"`
	Retries             *[]Retry    `json:"retries,omitempty"` // waiting retries
	Delayed             *[]Delayed  `json:"delayed,omitempty"` // delayed starts
	LastRun             *Run        `json:"last_run,omitempty"`
	LastStart           Time        `json:"last_start,omitzero"`
	LastSuccess         Time        `json:"last_success,omitzero"`
	ExpectedSince       Time        `json:"expected_since,omitzero"`    // when that began, or the last success after that
	UncountedBefore     Seconds     `json:"uncounted_before,omitzero"`  // Uncounted at ExpectedSince
	StartSequence       uint64      `json:"start_sequence,omitempty"`   // Sequence of the last start, or of the first load
	SuccessSequence     uint64      `json:"success_sequence,omitempty"` // Sequence of the last success
	Live                []Live      `json:"live,omitempty"`
	Held                bool        `json:"held,omitempty"`
	Finished            bool        `json:"finished,omitempty"`         // for a service: not to be started again in this boot
	SetAside            bool        `json:"set_aside,omitempty"`        // an internal error stopped the job until a person starts it
	FailureNotified     bool        `json:"failure_notified,omitempty"` // a failure was notified, so the recovery will be too
	Expected            bool        `json:"expected,omitempty"`         // a success is expected within some time
	Late                bool        `json:"late,omitempty"`             // no success came within that time
	Slow                bool        `json:"slow,omitempty"`             // a run took longer than expected, and no later success was in time
}

// Timing changes when a job becomes due at other times.
type Timing struct {
	Schedule      Hash   `json:"schedule"`                // hash of the keys that decide when it runs
	Circumstances string `json:"circumstances,omitempty"` // words for what else decides that on this machine
}

// Anchor is the due time from which the next slot of an `every` job is counted.
type Anchor struct {
	Wall   Time          `json:"wall"`
	Boot   time.Duration `json:"boot"` // boot clock in nanoseconds
	BootID string        `json:"boot_id"`
}

// Live is a run whose intent is durable and whose end is not.
type Live struct {
	Identity
	PID       int    `json:"pid,omitempty"` // 0: not known to have started
	Inode     uint64 `json:"inode,omitempty"`
	PIDStart  uint64 `json:"pid_start,omitempty"`
	BootID    string `json:"boot_id,omitempty"`
	StartedAt Time   `json:"started_at,omitzero"`

	UncountedBefore Seconds `json:"uncounted_before,omitzero"` // Uncounted at StartedAt, and the time since then in which no daemon ran

	StoppedBy string        `json:"stopped_by,omitempty"` // who stopped it
	Ended     bool          `json:"ended,omitempty"`      // it is draining
	Open      bool          `json:"open,omitempty"`       // it has ended but its output has not
	Drained   bool          `json:"drained,omitempty"`    // none of its processes is left
	Discard   bool          `json:"discard,omitempty"`    // its output is discarded
	HasArgs   bool          `json:"has_args,omitempty"`   // as in Intent
	Output    *joblog.Place `json:"output,omitempty"`
}

// Retry is a run that will retry a slot.
type Retry struct {
	Identity
	Due Time `json:"due"`
}

// Notification is a notification that has not been delivered.
type Notification struct {
	ID             uint64   `json:"id"` // higher for later ones
	At             Time     `json:"at"`
	Job            string   `json:"job,omitempty"` // "": about the daemon itself
	Kind           string   `json:"kind"`          // start failure late slow recovery success stopped crash_loop daemon
	Via            string   `json:"via"`           // mail, on_start, on_failure, on_success, on_recovery, or the name of a target
	Run            *Run     `json:"run,omitempty"`
	FailuresBefore uint64   `json:"failures_before,omitempty"` // earlier failures in a row
	Text           string   `json:"text,omitempty"`            // for a notification about the daemon
	RecoveredFrom  []string `json:"recovered_from,omitempty"`  // of a recovery: failure, late, slow
	Tries          int      `json:"tries,omitempty"`           // failed attempts to deliver it
	RetryAt        Time     `json:"retry_at,omitzero"`         // the next attempt, if one failed
	Message        uint64   `json:"message,omitempty"`         // the message that delivers it; 0: none yet
}

// maxDeaths is the number of kept deaths of a service.
const maxDeaths = 20

// NewFacts returns the facts of a new state directory with this id.
func NewFacts(id string) *Facts {
	return &Facts{Version: Version, ID: id, Clean: true, Jobs: map[string]*JobFacts{}}
}

// HighestRun returns the highest run number that a daemon may have used.
func (f *Facts) HighestRun() uint64 { return max(f.LastRun, f.Reserved) }

// Apply changes the facts by what e records.
func (f *Facts) Apply(e Entry) {
	e.Record.apply(f, e.At)
	if _, ok := e.Record.(*Checkpoint); !ok { // it repeats what was recorded
		f.LastAt = At(e.At.Time().UTC())
	}
}

// Job returns the facts of the job with this name. It makes them if there are none.
func (f *Facts) Job(name string) *JobFacts {
	j := f.Jobs[name]
	if j == nil {
		j = &JobFacts{}
		f.Jobs[name] = j
	}
	f.copying.changes(name)
	return j
}

// known returns the facts of a job to change them, or nil if there are none.
func (f *Facts) known(name string) *JobFacts {
	if f.Jobs[name] == nil {
		return nil
	}
	return f.Job(name)
}

// all returns the facts of all jobs to change them.
func (f *Facts) all() map[string]*JobFacts {
	f.copying.begin()
	return f.Jobs
}

// Fill copies the durable facts to v. Only this function maps facts to the state file.
func (j *JobFacts) Fill(v *Job) {
	v.LastRun, v.LastSuccess = j.LastRun, j.LastSuccess
	v.Runs, v.Failures, v.ConsecutiveFailures = j.Runs, j.Failures, j.Consecutive
	v.Skipped, v.Missed = j.Skipped, j.Missed
	v.Held, v.DisabledBy, v.Deaths = j.Held, j.DisabledBy, Items(j.Deaths)
	v.InternalError, v.NotifyError = j.SetAside, j.NotifyError
	v.Late, v.Slow = j.Late, j.Slow
}

// addDeath records the end of a run of a service. A stopped service did not die. If a run was lost, it is unknown how
// long it would have lived.
func (j *JobFacts) addDeath(o *Run, short bool) {
	switch {
	case o.Outcome == OutcomeStopped:
		j.ShortRuns = 0
		return
	case short:
		j.ShortRuns++
	case o.Outcome != OutcomeLost:
		j.ShortRuns = 0
	}
	before := Items(j.Deaths)
	before = before[max(0, len(before)+1-maxDeaths):]
	j.Deaths = with(&before, Death{At: o.EndedAt, Outcome: o.Outcome, ExitCode: o.ExitCode, Signal: o.Signal, RanFor: o.Duration})
}

// without returns a list without some items, nil if none is left. Other code may still use the old list.
func without[T any](list []T, gone func(T) bool) []T {
	list = slices.DeleteFunc(slices.Clone(list), gone)
	if len(list) == 0 {
		return nil
	}
	return list
}

// removeRetry removes a waiting retry, and reports whether there was one.
func (j *JobFacts) removeRetry(run uint64) bool {
	n := len(Items(j.Retries))
	j.Retries = listOf(without(Items(j.Retries), func(t Retry) bool { return t.Run == run }))
	return len(Items(j.Retries)) < n
}

// removeDelayed removes a delayed start.
func (j *JobFacts) removeDelayed(run uint64) {
	j.Delayed = listOf(without(Items(j.Delayed), func(l Delayed) bool { return l.Run == run }))
}

func (f *Facts) addNotifications(list []Notification) {
	for _, o := range list {
		if o.ID > f.LastNotification {
			f.LastNotification = o.ID
			f.Notifications = append(f.Notifications, o)
		}
	}
}

// over reports whether the run is the last one that ended. Then another line of the run adds nothing new.
func (j *JobFacts) over(run uint64) bool { return j.LastRun != nil && j.LastRun.Run == run }

func (j *JobFacts) live(run uint64) *Live {
	if i := slices.IndexFunc(j.Live, func(l Live) bool { return l.Run == run }); i >= 0 {
		return &j.Live[i]
	}
	return nil
}

func (j *JobFacts) drop(run uint64) {
	j.Live = without(j.Live, func(l Live) bool { return l.Run == run })
}

// keepDone is how long settled `at` times are kept in addition to the newest. It is longer than an `at` time may be
// past and still run when a changed file is loaded, even if the clock was set back by up to three hours. If the clock
// went back further, jobsd believes the new clock, and times that it shows again may run again.
const keepDone = 4 * time.Hour

// done records that an `at` time is settled. Earlier times stay, because a change of the file may bring them back.
func (j *JobFacts) done(slot, at Time) {
	if slot.Time().Equal(j.AtDone.Time()) {
		return
	}
	var too []Time
	for _, t := range append(slices.Clip(Items(j.AtDoneBefore)), j.AtDone) {
		if !t.IsZero() && !t.Time().Equal(slot.Time()) && t.Time().After(at.Time().Add(-keepDone)) {
			too = append(too, t)
		}
	}
	j.AtDone, j.AtDoneBefore = slot, listOf(too)
}

// moveAnchor moves the anchor forward. It does not move it back for a run that waited while later slots were settled.
func (j *JobFacts) moveAnchor(a *Anchor) {
	if a != nil && (j.Anchor == nil || a.BootID != j.Anchor.BootID || a.Boot > j.Anchor.Boot) {
		j.Anchor = a
	}
}

// enable makes the slots of a job count from this time on.
func (f *Facts) enable(j *JobFacts, at Time) {
	f.take(j, at, f.Epoch)
	if f.BootReady {
		j.BootDone = f.BootID
	}
}

// take records that a slot is settled: taken, skipped or missed. LastSlot only rises, which fixed times need;
// EpochSlot follows a clock that went back.
func (f *Facts) take(j *JobFacts, slot Time, epoch uint64) {
	if slot.IsZero() || epoch < f.ResetEpoch {
		return
	}
	if slot.Time().After(j.LastSlot.Time()) {
		j.LastSlot = slot
	}
	if epoch == f.Epoch && (j.SlotEpoch != epoch || slot.Time().After(j.EpochSlot.Time())) {
		j.EpochSlot, j.SlotEpoch = slot, epoch
	}
}

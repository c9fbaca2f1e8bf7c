package statefile

import (
	"slices"
	"time"
)

// KeepVanished is how long the facts of a job that no file defines any more are kept.
const KeepVanished = 90 * 24 * time.Hour

// Facts is everything durable: what a checkpoint holds. It changes by Apply alone, in the daemon as in a replay, so
// that what is rebuilt from the journal is what was in memory.
type Facts struct {
	Version    int                  `json:"version"`
	ID         string               `json:"id"`                 // of the state directory: 32 random hex digits
	LastRun    uint64               `json:"last_run"`           // the run counter
	Reserved   uint64               `json:"reserved,omitempty"` // run numbers up to this one may have been used
	BootID     string               `json:"boot_id"`
	BootReady  bool                 `json:"boot_ready"`            // this boot has had its first ready
	BootDoubt  bool                 `json:"boot_doubt,omitempty"`  // the boot of the next daemon may have had it, and its at_boot runs
	Device     uint64               `json:"device,omitempty"`      // of the state directory, in that boot
	Inode      uint64               `json:"inode,omitempty"`       // of the state directory, in that boot
	Epoch      uint64               `json:"epoch"`                 // the clock epoch
	EpochAt    Time                 `json:"epoch_at"`              // the new clock's reading when the epoch began
	ResetEpoch uint64               `json:"reset_epoch,omitempty"` // the newest that began with a reset: what is of an older one is of a clock that was wrong
	Clean      bool                 `json:"clean"`                 // the last daemon ended in order
	Unclean    uint64               `json:"unclean_restarts"`
	Upgrades   uint64               `json:"upgrades"`
	Tick       uint64               `json:"tick"` // counts starts and successes: which came first, whatever the clock did
	DisabledBy *DisabledBy          `json:"disabled_by"`
	Suspect    string               `json:"suspect,omitempty"`    // as in Start, of the last one
	CrashMail  Time                 `json:"crash_mail,omitzero"`  // when a crash was last told
	DoubtUntil Time                 `json:"doubt_until,omitzero"` // slots up to here that are not settled are in doubt
	DoubtRun   uint64               `json:"doubt_run,omitempty"`  // and so are the runs up to this one that had not ended
	LastOwed   uint64               `json:"last_owed,omitempty"`
	Owed       []Owed               `json:"owed,omitempty"` // notifications not delivered yet, the oldest first
	Jobs       map[string]*JobFacts `json:"jobs"`
}

// JobFacts is what is durable of one job.
type JobFacts struct {
	FirstLoad   Time        `json:"first_load"`
	Vanished    Time        `json:"vanished,omitzero"`    // since when no file defines it
	Schedule    string      `json:"schedule"`             // hash of the keys that say when
	Process     string      `json:"process"`              // hash of the keys that its process sees
	Definition  string      `json:"definition,omitempty"` // hash of all keys
	LastSlot    Time        `json:"last_slot,omitzero"`   // the latest slot taken, skipped or missed
	Beyond      Time        `json:"beyond,omitzero"`      // LastSlot before a reset: if the clock gets there again, nothing is missed up to there
	WildSlot    Time        `json:"wild_slot,omitzero"`   // the newest one, of SlotEpoch
	SlotEpoch   uint64      `json:"slot_epoch,omitzero"`
	Anchor      *Anchor     `json:"anchor,omitempty"` // of every
	AtDone      Time        `json:"at_done,omitzero"`
	AtDoneToo   []Time      `json:"at_done_too,omitempty"` // settled before AtDone, and due again if the file named them again
	BootDone    string      `json:"boot_done,omitempty"`   // boot id of the last at_boot run
	DisabledBy  *DisabledBy `json:"disabled_by,omitempty"`
	Held        bool        `json:"held,omitempty"`
	Runs        uint64      `json:"runs,omitempty"`
	Failures    uint64      `json:"failures,omitempty"`
	Consecutive uint64      `json:"consecutive_failures,omitempty"`
	Skipped     uint64      `json:"skipped,omitempty"`
	Missed      uint64      `json:"missed,omitempty"`
	Deaths      []Death     `json:"deaths,omitempty"`
	ShortLives  uint64      `json:"short_lives,omitempty"` // of a service, in a row
	Finished    bool        `json:"finished,omitempty"`    // a service that is not to be started again in this boot
	SetAside    bool        `json:"set_aside,omitempty"`   // it waits for a person
	Fault       string      `json:"fault,omitempty"`       // and why: what went wrong within the daemon
	Told        bool        `json:"told,omitempty"`        // that it fails; its recovery will be, too
	NotifyError *string     `json:"notify_error,omitempty"`
	Waiting     []Retry     `json:"waiting,omitempty"`
	Later       []Later     `json:"promised,omitempty"`  // starts that are to come
	LogStart    int64       `json:"log_start,omitempty"` // of the output of the last run
	LogEnd      int64       `json:"log_end,omitempty"`
	LastRun     *Run        `json:"last_run,omitempty"`
	LastStart   Time        `json:"last_start,omitzero"`
	LastSuccess Time        `json:"last_success,omitzero"`
	StartTick   uint64      `json:"start_tick,omitempty"`   // of the last start, or the first load
	SuccessTick uint64      `json:"success_tick,omitempty"` // of the last success
	Live        []Live      `json:"live,omitempty"`
	LogBase     int64       `json:"log_base,omitempty"` // bytes cut off the front of the live log so far
}

// Anchor is the due instant from which the next one of an `every` job is counted.
type Anchor struct {
	Wall   Time          `json:"wall"`
	Boot   time.Duration `json:"boot"` // boot clock, nanoseconds
	BootID string        `json:"boot_id"`
}

// Live is a run whose intent is durable and whose end is not.
type Live struct {
	Run       uint64 `json:"run"`
	Slot      Time   `json:"slot,omitzero"`
	Epoch     uint64 `json:"epoch,omitempty"` // of Slot
	Reason    string `json:"reason"`
	Attempt   int    `json:"attempt"`
	Missed    uint64 `json:"missed,omitempty"`
	PID       int    `json:"pid,omitempty"` // 0: not known to have started
	Inode     uint64 `json:"inode,omitempty"`
	PIDStart  uint64 `json:"pid_start,omitempty"`
	BootID    string `json:"boot_id,omitempty"`
	StartedAt Time   `json:"started_at,omitzero"`
	StopBy    string `json:"stop_by,omitempty"` // who has told it to end
	Ended     bool   `json:"ended,omitempty"`   // draining
	Open      bool   `json:"open,omitempty"`    // and its output has not ended
	LogOffset int64  `json:"log_offset,omitempty"`
	OwnLog    bool   `json:"own_log,omitempty"`
}

// Retry is a run that will be another try of a slot.
type Retry struct {
	Run     uint64 `json:"run"`
	Slot    Time   `json:"slot,omitzero"`
	Epoch   uint64 `json:"epoch"`
	Reason  string `json:"reason"`
	Attempt int    `json:"attempt"`
	Missed  uint64 `json:"missed,omitempty"`
	Due     Time   `json:"due"`
}

// Owed is a notification that has not been delivered.
type Owed struct {
	ID       uint64 `json:"id"` // rises
	At       Time   `json:"at"`
	Job      string `json:"job,omitempty"` // "": the daemon itself
	Kind     string `json:"kind"`          // failure recovery success crash_loop daemon
	Way      string `json:"way"`           // mail on_failure on_success on_recovery
	Run      *Run   `json:"run,omitempty"`
	InRow    uint64 `json:"in_row,omitempty"` // failures before this one
	Text     string `json:"text,omitempty"`   // of the daemon's own
	Tries    int    `json:"tries,omitempty"`  // that failed
	LogStart int64  `json:"log_start,omitempty"`
	LogEnd   int64  `json:"log_end,omitempty"`
}

// deathsKept is how many ends of a service are kept.
const deathsKept = 20

// NewFacts returns the facts of a state directory that has none, known by id.
func NewFacts(id string) *Facts {
	return &Facts{Version: Version, ID: id, Clean: true, Jobs: map[string]*JobFacts{}}
}

// HighestRun returns the highest run number that a daemon may have given to a run.
func (f *Facts) HighestRun() uint64 { return max(f.LastRun, f.Reserved) }

// Apply makes what e records a fact.
func (f *Facts) Apply(e Entry) { e.Record.apply(f, e.At) }

// Job returns the facts of the job of that name, made if there are none.
func (f *Facts) Job(name string) *JobFacts {
	j := f.Jobs[name]
	if j == nil {
		j = &JobFacts{}
		f.Jobs[name] = j
	}
	return j
}

// Clone returns a copy that shares nothing that Apply changes: what pointers other than those to JobFacts lead to is
// replaced, never changed.
func (f *Facts) Clone() *Facts {
	c := *f
	c.Owed = slices.Clone(f.Owed)
	c.Jobs = make(map[string]*JobFacts, len(f.Jobs))
	for name, j := range f.Jobs {
		if j == nil {
			continue // only a damaged file says null
		}
		k := *j
		k.Live = slices.Clone(j.Live)
		k.Deaths = slices.Clone(j.Deaths)
		k.Waiting = slices.Clone(j.Waiting)
		k.Later = slices.Clone(j.Later)
		c.Jobs[name] = &k
	}
	return &c
}

// Fill sets what of v is durable. This is the one place that maps facts to the state file.
func (j *JobFacts) Fill(v *Job) {
	v.LastRun, v.LastSuccess = j.LastRun, j.LastSuccess
	v.Runs, v.Failures, v.ConsecutiveFailures = j.Runs, j.Failures, j.Consecutive
	v.Skipped, v.Missed = j.Skipped, j.Missed
	v.Held, v.DisabledBy, v.Deaths = j.Held, j.DisabledBy, j.Deaths
	v.InternalError, v.NotifyError = j.SetAside, j.NotifyError
}

// died notes the end of a service's life. One that was stopped did not die; of one that was lost nobody knows how long
// it would have lived.
func (j *JobFacts) died(o *Run, short bool) {
	switch {
	case o.Outcome == "stopped":
		j.ShortLives = 0
		return
	case short:
		j.ShortLives++
	case o.Outcome != "lost":
		j.ShortLives = 0
	}
	j.Deaths = append(j.Deaths, Death{At: o.EndedAt, Outcome: o.Outcome, ExitCode: o.ExitCode, Signal: o.Signal, RanFor: o.Duration})
	if n := len(j.Deaths) - deathsKept; n > 0 {
		j.Deaths = slices.Clone(j.Deaths[n:]) // a view may still show the old ones
	}
}

// noRetry forgets a retry that waited, and reports whether there was one.
func (j *JobFacts) noRetry(run uint64) bool {
	n := len(j.Waiting)
	j.Waiting = slices.DeleteFunc(slices.Clone(j.Waiting), func(t Retry) bool { return t.Run == run })
	if len(j.Waiting) == 0 {
		j.Waiting = nil
	}
	return len(j.Waiting) < n
}

// noLater forgets a start that was to come.
func (j *JobFacts) noLater(run uint64) {
	j.Later = slices.DeleteFunc(slices.Clone(j.Later), func(l Later) bool { return l.Run == run })
	if len(j.Later) == 0 {
		j.Later = nil
	}
}

func (f *Facts) owe(list []Owed) {
	for _, o := range list {
		if o.ID > f.LastOwed {
			f.LastOwed = o.ID
			f.Owed = append(f.Owed, o)
		}
	}
}

// over tells whether the run is the last one that ended: a line of it that comes again says nothing new.
func (j *JobFacts) over(run uint64) bool { return j.LastRun != nil && j.LastRun.Run == run }

func (j *JobFacts) live(run uint64) *Live {
	if i := slices.IndexFunc(j.Live, func(l Live) bool { return l.Run == run }); i >= 0 {
		return &j.Live[i]
	}
	return nil
}

func (j *JobFacts) drop(run uint64) {
	j.Live = slices.DeleteFunc(j.Live, func(l Live) bool { return l.Run == run })
	if len(j.Live) == 0 {
		j.Live = nil
	}
}

// keepDone is for how long the instants of an `at` that are settled are kept, besides the newest: longer than an instant
// may be past and still run at the load of a changed file, also if the clock was set back by up to three hours. A clock
// that went back further is believed for all, and what it shows again may run again.
const keepDone = 4 * time.Hour

// done notes that an instant of an `at` is settled. Earlier ones stay: the file may be changed back to them.
func (j *JobFacts) done(slot, at Time) {
	if slot.Equal(j.AtDone.Time) {
		return
	}
	var too []Time
	for _, t := range append(slices.Clip(j.AtDoneToo), j.AtDone) {
		if !t.IsZero() && !t.Equal(slot.Time) && t.After(at.Add(-keepDone)) {
			too = append(too, t)
		}
	}
	j.AtDone, j.AtDoneToo = slot, too
}

// moveAnchor moves the anchor on. It does not go back for a run that waited while later slots were settled.
func (j *JobFacts) moveAnchor(a *Anchor) {
	if a != nil && (j.Anchor == nil || a.BootID != j.Anchor.BootID || a.Boot > j.Anchor.Boot) {
		j.Anchor = a
	}
}

// enable has what is due of a job count from then on.
func (f *Facts) enable(j *JobFacts, at Time) {
	f.take(j, at, f.Epoch)
	if f.BootReady {
		j.BootDone = f.BootID
	}
}

// take notes that the slot is settled: taken, skipped or missed. LastSlot only rises, for the sake of fixed times;
// WildSlot follows a clock that went back.
func (f *Facts) take(j *JobFacts, slot Time, epoch uint64) {
	if slot.IsZero() || epoch < f.ResetEpoch {
		return
	}
	if slot.After(j.LastSlot.Time) {
		j.LastSlot = slot
	}
	if epoch == f.Epoch && (j.SlotEpoch != epoch || slot.After(j.WildSlot.Time)) {
		j.WildSlot, j.SlotEpoch = slot, epoch
	}
}

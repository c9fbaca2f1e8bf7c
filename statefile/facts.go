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
	ID         string               `json:"id"`       // of the state directory: 32 random hex digits
	LastRun    uint64               `json:"last_run"` // the run counter
	BootID     string               `json:"boot_id"`
	BootReady  bool                 `json:"boot_ready"` // this boot has had its first ready
	Epoch      uint64               `json:"epoch"`      // the clock epoch
	EpochAt    Time                 `json:"epoch_at"`   // the new clock's reading when the epoch began
	Clean      bool                 `json:"clean"`      // the last daemon ended in order
	Unclean    uint64               `json:"unclean_restarts"`
	Upgrades   uint64               `json:"upgrades"`
	Tick       uint64               `json:"tick"` // counts starts and successes: which came first, whatever the clock did
	DisabledBy *DisabledBy          `json:"disabled_by"`
	Jobs       map[string]*JobFacts `json:"jobs"`
}

// JobFacts is what is durable of one job.
type JobFacts struct {
	FirstLoad   Time        `json:"first_load"`
	Vanished    Time        `json:"vanished,omitzero"`  // since when no file defines it
	Schedule    string      `json:"schedule"`           // hash of the keys that say when
	Process     string      `json:"process"`            // hash of the keys that its process sees
	LastSlot    Time        `json:"last_slot,omitzero"` // the latest slot taken, skipped or missed
	Beyond      Time        `json:"beyond,omitzero"`    // LastSlot before a reset: if the clock gets there again, nothing is missed up to there
	WildSlot    Time        `json:"wild_slot,omitzero"` // the newest one, of SlotEpoch
	SlotEpoch   uint64      `json:"slot_epoch,omitzero"`
	Anchor      *Anchor     `json:"anchor,omitempty"` // of every
	AtDone      Time        `json:"at_done,omitzero"`
	BootDone    string      `json:"boot_done,omitempty"` // boot id of the last at_boot run
	DisabledBy  *DisabledBy `json:"disabled_by,omitempty"`
	Held        bool        `json:"held,omitempty"`
	Runs        uint64      `json:"runs,omitempty"`
	Failures    uint64      `json:"failures,omitempty"`
	Consecutive uint64      `json:"consecutive_failures,omitempty"`
	Skipped     uint64      `json:"skipped,omitempty"`
	Missed      uint64      `json:"missed,omitempty"`
	Deaths      []Death     `json:"deaths,omitempty"`
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
	Reason    string `json:"reason"`
	Attempt   int    `json:"attempt"`
	Missed    uint64 `json:"missed,omitempty"`
	PID       int    `json:"pid,omitempty"` // 0: not known to have started
	Inode     uint64 `json:"inode,omitempty"`
	PIDStart  uint64 `json:"pid_start,omitempty"`
	BootID    string `json:"boot_id,omitempty"`
	StartedAt Time   `json:"started_at,omitzero"`
	Ended     bool   `json:"ended,omitempty"` // draining
}

// NewFacts returns the facts of a state directory that has none, known by id.
func NewFacts(id string) *Facts {
	return &Facts{Version: Version, ID: id, Clean: true, Jobs: map[string]*JobFacts{}}
}

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
	c.Jobs = make(map[string]*JobFacts, len(f.Jobs))
	for name, j := range f.Jobs {
		if j == nil {
			continue // only a damaged file says null
		}
		k := *j
		k.Live = slices.Clone(j.Live)
		k.Deaths = slices.Clone(j.Deaths)
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

// moveAnchor moves the anchor on. It does not go back for a run that waited while later slots were settled.
func (j *JobFacts) moveAnchor(a *Anchor) {
	if a != nil && (j.Anchor == nil || a.BootID != j.Anchor.BootID || a.Boot > j.Anchor.Boot) {
		j.Anchor = a
	}
}

// take notes that the slot is settled: taken, skipped or missed. LastSlot only rises, for the sake of fixed times;
// WildSlot follows a clock that went back.
func (j *JobFacts) take(slot Time, epoch uint64) {
	if slot.IsZero() {
		return
	}
	if slot.After(j.LastSlot.Time) {
		j.LastSlot = slot
	}
	if j.SlotEpoch != epoch || slot.After(j.WildSlot.Time) {
		j.WildSlot, j.SlotEpoch = slot, epoch
	}
}

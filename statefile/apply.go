package statefile

import (
	"slices"
	"time"

	"jobsd/internal/joblog"
)

// This file defines how each record changes the facts. The daemon and a replay of the journal use the same code.

func (r *Checkpoint) apply(f *Facts, _ Time) {
	*f = *r.Facts.Clone()
	f.Version = Version
}

func (r *Start) apply(f *Facts, at Time) {
	if f.BootDoubt && r.BootID != "" {
		f.servedBoot(r.BootID)
	}
	f.Device, f.Inode = r.Device, r.Inode
	if r.ID != "" {
		f.ID = r.ID
		f.doubt(at)
	}
	if r.BootID != "" && f.BootID != r.BootID { // "": the boot is unknown, so the facts of the last known boot stay
		f.BootID, f.BootReady = r.BootID, false
		for _, j := range f.all() {
			j.Held, j.Finished, j.ShortRuns = false, false, 0
		}
	}
	if r.Unclean {
		f.Unclean++
	}
	if r.Upgraded {
		f.Upgrades++
	}
	if r.Suspect != "" && r.Suspect == f.Suspect {
		j := f.Job(r.Suspect)
		j.SetAside, j.SetAsideError = true, "the daemon crashed twice while it handled this job"
	}
	f.Suspect = r.Suspect
	f.Clean = false
	for _, j := range f.all() {
		for i := range j.Live { // a run goes on while no daemon does
			j.Live[i].UncountedBefore += r.Uncounted - f.Uncounted
		}
	}
	f.Uncounted = r.Uncounted
}

func (r *Ready) apply(f *Facts, _ Time)    { f.BootReady = true }
func (r *Reserved) apply(f *Facts, _ Time) { f.Reserved = max(f.Reserved, r.UpTo) }
func (r *Reloaded) apply(f *Facts, _ Time) {}

// A clean end records which numbers were used, so that the next daemon need not skip the rest of the reserved ones.
func (r *Clean) apply(f *Facts, _ Time) {
	f.Clean = true
	f.LastRun, f.Reserved = max(f.LastRun, r.LastRun), 0
}

func (r *Defined) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	if j.FirstLoad.IsZero() {
		j.FirstLoad = at
		j.StartSequence = f.Sequence
	}
	if r.BootDone != "" {
		j.BootDone = r.BootDone
	}
	if j.Timing != r.Timing || j.Process != r.Process || !j.RemovedAt.IsZero() {
		j.SetAside, j.SetAsideError, j.Finished = false, "", false
	}
	if j.Definition != r.Definition {
		j.SetAside, j.SetAsideError = false, ""
	}
	if j.Timing != r.Timing || !j.RemovedAt.IsZero() {
		j.LastSlotBeforeReset = Time{}
		j.Timing, j.Anchor = r.Timing, r.Anchor
		j.LastSlot, j.EpochSlot, j.SlotEpoch = r.LastSlot, r.LastSlot, f.Epoch
	}
	j.RemovedAt = Time{}
	j.Process, j.Definition = r.Process, r.Definition
}

func (r *Deleted) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	j.RemovedAt, j.Retries, j.Delayed = at, nil, nil
	j.Expected, j.Late, j.Slow = false, false, false
}

func (r *Held) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	j.Held = r.Held
	if j.SetAside && !r.Held && at.Time().After(j.LastSlot.Time()) { // slots while the job was set aside do not count as missed
		j.LastSlot = at
	}
	if !r.Held {
		j.SetAside, j.SetAsideError = false, ""
	}
}

func (r *Disabled) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	if j.DisabledBy = r.By; r.By == nil {
		f.enable(j, r.from(at))
	}
}

// from is the time from which slots count after the job is enabled.
func (r *Disabled) from(at Time) Time {
	if r.From.IsZero() {
		return at
	}
	return r.From
}

func (r *AllDisabled) apply(f *Facts, at Time) {
	if f.DisabledBy = r.By; r.By == nil {
		from := (&Disabled{From: r.From}).from(at)
		for _, j := range f.all() {
			f.enable(j, from)
		}
	}
}

func (r *Delayed) apply(f *Facts, _ Time) {
	f.LastRun = max(f.LastRun, r.Run)
	j := f.Job(r.Job)
	if !slices.ContainsFunc(Items(j.Delayed), func(l Delayed) bool { return l.Run == r.Run }) {
		j.Delayed = with(j.Delayed, *r)
	}
}

func (r *SetAside) apply(f *Facts, _ Time) {
	j := f.Job(r.Job)
	j.SetAside, j.SetAsideError = true, r.Error
	j.FailureNotified = j.FailureNotified || len(r.Notifications) > 0
	f.addNotifications(r.Notifications)
}

func (r *Epoch) apply(f *Facts, _ Time) {
	f.Epoch, f.EpochAt = r.Epoch, r.Wall
	if f.DoubtUntil.Time().After(r.Wall.Time()) { // times that the clock shows again are no longer in doubt
		f.DoubtUntil = r.Wall
	}
	if !r.Reset {
		return
	}
	f.ResetEpoch = r.Epoch
	for _, j := range f.all() {
		if j.LastSlot.Time().After(r.Wall.Time()) {
			j.LastSlotBeforeReset, j.LastSlot = j.LastSlot, r.Wall
		}
	}
}

func (r *Anchored) apply(f *Facts, _ Time) { f.Job(r.Job).Anchor = &r.Anchor }

func (r *NotRun) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	if r.Missed {
		j.Missed += r.Number
	} else {
		j.Skipped += r.Number
	}
	f.take(j, r.Last, r.Epoch)
	j.moveAnchor(r.Anchor)
	// Other missed slots are settled by LastSlot instead, which a reset sets back.
	if r.At && (!r.Missed || r.Reason == CausePast || r.Reason == CauseDoubt) {
		j.done(r.Last, at)
	}
}

func (r *Intent) apply(f *Facts, at Time) {
	f.LastRun = max(f.LastRun, r.Run)
	j := f.Job(r.Job)
	if j.live(r.Run) != nil || j.over(r.Run) {
		return
	}
	f.take(j, r.Slot, r.Epoch)
	j.moveAnchor(r.Anchor)
	if r.At {
		j.done(r.Slot, at)
	}
	if r.Reason == ReasonBoot {
		j.BootDone = f.BootID
	}
	if r.Reason == ReasonService {
		j.Finished = false
	}
	j.removeRetry(r.Run)
	j.removeDelayed(r.Run)
	j.Live = append(j.Live, Live{Identity: r.Identity, Discard: r.Discard, HasArgs: r.HasArgs})
}

func (r *Started) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	l := j.live(r.Run)
	if j.over(r.Run) {
		return
	}
	if l != nil && l.PID == r.PID && l.Inode == r.Inode && l.PIDStart == r.PIDStart {
		f.addNotifications(r.Notifications) // the first record of the process may lack them
		return
	}
	if l == nil { // its intent is among the damaged lines, but its process may be alive
		j.Live = append(j.Live, Live{Identity: Identity{Run: r.Run, Reason: r.Reason, Attempt: 1}})
		l = &j.Live[len(j.Live)-1]
		f.LastRun = max(f.LastRun, r.Run)
	}
	if l.PID == 0 { // otherwise an earlier shim of this run failed for lack of a resource
		j.Runs++
	}
	f.Sequence++
	j.LastStart, j.StartSequence = at, f.Sequence
	l.PID, l.Inode, l.PIDStart, l.BootID, l.StartedAt = r.PID, r.Inode, r.PIDStart, r.BootID, at
	l.UncountedBefore = f.Uncounted
	f.addNotifications(r.Notifications)
}

func (r *Stopping) apply(f *Facts, _ Time) {
	if l := f.Job(r.Job).live(r.Run); l != nil {
		l.StoppedBy = r.By
	}
}

func (r *Ended) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	if j.over(r.Outcome.Run) {
		return
	}
	run := r.Outcome
	j.LastRun = &run
	switch {
	case r.Retry != nil:
		j.Retries = with(j.Retries, *r.Retry)
		f.LastRun = max(f.LastRun, r.Retry.Run)
	case r.Failed:
		j.Failures++
		j.Consecutive++
	case run.Outcome == OutcomeExited:
		j.Consecutive, j.FailureNotified = 0, false
		f.Sequence++
		j.LastSuccess, j.SuccessSequence = run.EndedAt, f.Sequence
		j.Late, j.Slow = false, j.Slow && !r.InTime
		j.expectSince(at, f)
	}
	j.FailureNotified = j.FailureNotified || r.FailureNotified
	// A run lost at its intent may have started, so a job with `after` must wait for a new success.
	if run.LostStage != nil && *run.LostStage == LostIntent {
		f.Sequence++
		j.StartSequence = f.Sequence
	}
	if run.Reason == ReasonService {
		j.addDeath(&run, r.Short)
		j.Finished = r.Finished
	}
	f.addNotifications(r.Notifications)
	if l := j.live(run.Run); l != nil {
		l.Ended, l.Open = true, r.Open
		if run.Outcome == OutcomeStartError && l.PID > 0 && j.Runs > 0 { // the shim never became the job's program
			j.Runs--
		}
	}
	if r.Drained {
		j.drained(run.Run)
	}
}

func (r *Dropped) apply(f *Facts, _ Time) {
	j := f.Job(r.Job)
	j.removeDelayed(r.Run)
	if j.removeRetry(r.Run) {
		j.Failures++
		j.Consecutive++
		j.FailureNotified = j.FailureNotified || r.FailureNotified
	}
	f.addNotifications(r.Notifications)
}

func (r *Stable) apply(f *Facts, _ Time) {
	j := f.Job(r.Job)
	j.ShortRuns, j.Consecutive, j.FailureNotified = 0, 0, false
	f.addNotifications(r.Notifications)
}

func (r *DaemonNotification) apply(f *Facts, at Time) {
	f.DaemonNotified = at
	f.addNotifications(r.Notifications)
}

func (r *Expected) apply(f *Facts, at Time) {
	j := f.Job(r.Job)
	if j.Expected, j.Late = r.Expected, false; r.Expected {
		j.expectSince(at, f)
	}
}

// expectSince makes the time without a success begin. The two values belong together, because each step of the wall
// clock changes Uncounted.
func (j *JobFacts) expectSince(at Time, f *Facts) {
	j.ExpectedSince, j.UncountedBefore = at, f.Uncounted
}

func (r *Late) apply(f *Facts, _ Time) {
	f.Job(r.Job).Late = !r.Over
	f.addNotifications(r.Notifications)
}

func (r *Slow) apply(f *Facts, _ Time) {
	f.Job(r.Job).Slow = !r.Over
	f.addNotifications(r.Notifications)
}

func (r *Uncounted) apply(f *Facts, _ Time) { f.Uncounted = r.Total }

func (r *Message) apply(f *Facts, _ Time) {
	f.Notifications = slices.Clone(f.Notifications) // other code may still use the old list
	ids := setOf(r.IDs)
	for i, o := range f.Notifications {
		if ids[o.ID] {
			f.Notifications[i].Message = r.Number
		}
	}
}

func (r *Delivery) apply(f *Facts, _ Time) {
	ids, keep := setOf(r.IDs), make([]Notification, 0, len(f.Notifications))
	for _, o := range f.Notifications {
		if !ids[o.ID] {
			keep = append(keep, o)
			continue
		}
		if j := f.known(o.Job); j != nil {
			j.NotifyError = nil
			if r.Error != "" {
				j.NotifyError = &r.Error
			}
		}
		if !r.RetryAt.IsZero() {
			if !r.RetryAt.Time().Equal(o.RetryAt.Time()) { // otherwise the attempt was before its time, and does not count
				o.Tries++
			}
			o.RetryAt = r.RetryAt
			keep = append(keep, o)
		}
	}
	f.Notifications = keep
}

func setOf(ids []uint64) map[uint64]bool {
	set := make(map[uint64]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func (r *Output) apply(f *Facts, _ Time) {
	j, place := f.Job(r.Job), r.Place
	if l := j.live(r.Run); l != nil {
		l.Output = &place
		if r.To != nil {
			l.Open = false
			if l.Drained {
				j.drop(r.Run)
			}
		}
	}
	// Other code may still use the old list and the old outcomes. Many notifications may wait for a receiver that does not
	// work, so the list is copied once, and the notifications of one event share their outcome as before.
	if o := j.LastRun; o != nil && o.Run == r.Run {
		j.LastRun = o.withOutput(&place)
	}
	about := func(o Notification) bool { return o.Job == r.Job && o.Run != nil && o.Run.Run == r.Run }
	first := slices.IndexFunc(f.Notifications, about)
	if first < 0 {
		return
	}
	f.Notifications = slices.Clone(f.Notifications)
	runs := map[*Run]*Run{}
	for i, o := range f.Notifications[first:] {
		if !about(o) {
			continue
		}
		if runs[o.Run] == nil {
			runs[o.Run] = o.Run.withOutput(&place)
		}
		f.Notifications[first+i].Run = runs[o.Run]
	}
}

func (o *Run) withOutput(place *joblog.Place) *Run {
	with := *o
	with.Output = place
	return &with
}

func (r *Drained) apply(f *Facts, _ Time) { f.Job(r.Job).drained(r.Run) }

// drained records that a run has no process any more. The run stays live until its output is complete, too.
func (j *JobFacts) drained(run uint64) {
	if l := j.live(run); l != nil && l.Open {
		l.Drained = true
	} else {
		j.drop(run)
	}
}

func (r *Damaged) apply(f *Facts, at Time) {
	f.LastRun = max(f.LastRun, r.LastRun)
	f.Clean = true // it is unknown whether the previous daemon crashed
	f.doubt(at)
	if f.BootDoubt = r.BootID == ""; !f.BootDoubt {
		f.servedBoot(r.BootID)
	}
	for _, j := range f.all() {
		if r.Until.Time().After(j.LastSlot.Time()) {
			j.LastSlot = r.Until
		}
	}
}

// doubt records that the outcome of everything due or started before is unknown. A job that follows a success waits
// for a new success.
func (f *Facts) doubt(at Time) {
	f.DoubtUntil, f.DoubtRun = at, f.HighestRun()
	for _, j := range f.all() {
		j.StartSequence = f.Sequence
		j.Finished = j.Finished || j.mayHaveFinished()
	}
}

// mayHaveFinished reports whether a service without a known live run may have finished since its last known run. A
// service that was stopped is started again as usual.
func (j *JobFacts) mayHaveFinished() bool {
	return j.LastRun != nil && j.LastRun.Reason == ReasonService && j.LastRun.Outcome != OutcomeStopped &&
		!slices.ContainsFunc(j.Live, func(l Live) bool { return l.Reason == ReasonService })
}

// servedBoot records that all jobs may already have had their at_boot run of that boot.
func (f *Facts) servedBoot(id string) {
	f.BootID, f.BootReady, f.BootDoubt = id, true, false
	for _, j := range f.all() {
		j.BootDone = id
	}
}

// Prune deletes the facts of jobs that vanished more than KeepVanished before now.
func (f *Facts) Prune(now time.Time) {
	for name, j := range f.Jobs {
		if !j.RemovedAt.IsZero() && now.Sub(j.RemovedAt.Time()) > KeepRemoved && len(j.Live) == 0 {
			delete(f.Jobs, name)
			f.copying.forget(name)
		}
	}
}

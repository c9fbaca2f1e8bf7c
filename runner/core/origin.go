package core

import "jobsd/statefile"

// source is what made a run.
type source uint8

const (
	fromSlot    source = iota // a slot, or missed slots that it makes up for; they are settled by its intent
	fromBoot                  // the boot of the machine
	fromService               // a service that must be up
	fromAfter                 // the success of the jobs that its job follows
	fromPerson                // a request
	fromDelayed               // a delayed start, which the journal knows
	fromRetry                 // a failed attempt; the journal knows the retry, and its slot is settled
	fromJournal               // the previous daemon
)

// origin says where a run comes from and what the journal knows of it. So it says what is lost if the run is dropped
// before it starts.
type origin struct {
	source
	reason   statefile.Reason // retries keep the reason of the first attempt
	intended bool             // its intent has been handed to the disk: it cannot be dropped any more
	inactive bool             // a person requested it although the job is not active
}

// holdsSlot reports whether only the intent of the run will settle its slot. A record of a later slot would settle it,
// too, so such records must wait.
func (o origin) holdsSlot() bool { return o.source == fromSlot && !o.intended }

// retries reports whether the run is a retry that has not begun. A new slot cancels it.
func (o origin) retries() bool { return o.source == fromRetry && !o.intended }

// queues reports whether the run must start in the order of the runs of its job.
func (o origin) queues() bool { return o.source != fromRetry && !o.intended }

// requested reports whether the run is there only because a person requested it.
func (o origin) requested() bool {
	return (o.source == fromPerson || o.source == fromDelayed) && o.reason == statefile.ReasonManual && !o.intended
}

// delayed reports whether the journal knows the run as a delayed start.
func (o origin) delayed() bool { return o.source == fromDelayed && !o.intended }

// onlyHere reports whether only this daemon knows of the run. The next daemon would not make it again.
func (o origin) onlyHere() bool {
	return (o.source == fromAfter || o.source == fromPerson && o.reason != statefile.ReasonService) && !o.intended
}

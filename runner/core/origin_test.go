package core

import (
	"testing"

	"jobsd/statefile"
)

// TestOrigin says for each origin what becomes of the run if it is dropped before it starts.
func TestOrigin(t *testing.T) {
	for _, c := range []struct {
		origin
		holdsSlot, retries, queues, requested, promised, onlyHere bool
	}{
		{origin: origin{source: fromSlot, reason: statefile.ReasonSchedule}, holdsSlot: true, queues: true},
		{origin: origin{source: fromSlot, reason: statefile.ReasonCatchUp}, holdsSlot: true, queues: true},
		{origin: origin{source: fromBoot, reason: statefile.ReasonBoot}, queues: true},
		{origin: origin{source: fromService, reason: statefile.ReasonService}, queues: true},
		{origin: origin{source: fromAfter, reason: statefile.ReasonAfter}, queues: true, onlyHere: true},
		{origin: origin{source: fromPerson, reason: statefile.ReasonManual}, queues: true, requested: true, onlyHere: true},
		{origin: origin{source: fromPerson, reason: statefile.ReasonService}, queues: true},
		{origin: origin{source: fromDelayed, reason: statefile.ReasonManual}, queues: true, requested: true, promised: true},
		{origin: origin{source: fromDelayed, reason: statefile.ReasonService}, queues: true, promised: true},
		{origin: origin{source: fromRetry, reason: statefile.ReasonManual}, retries: true},
		{origin: origin{source: fromJournal, reason: statefile.ReasonManual, intended: true}},
	} {
		got := [...]bool{c.origin.holdsSlot(), c.origin.retries(), c.origin.queues(), c.origin.requested(), c.origin.delayed(), c.origin.onlyHere()}
		if want := [...]bool{c.holdsSlot, c.retries, c.queues, c.requested, c.promised, c.onlyHere}; got != want {
			t.Errorf("%+v: %v, want %v", c.origin, got, want)
		}
		c.origin.intended = true // now it starts in any case
		if o := c.origin; o.holdsSlot() || o.retries() || o.queues() || o.requested() || o.delayed() || o.onlyHere() {
			t.Errorf("%+v can still be dropped", o)
		}
	}
}

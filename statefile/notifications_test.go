package statefile

import (
	"fmt"
	"testing"

	"jobsd/internal/joblog"
)

// TestManyNotifications: thousands of notifications may wait for receivers that do not work. What becomes of one run must
// not cost a copy of all of them for each notification about it.
func TestManyNotifications(t *testing.T) {
	const n = 1000
	facts := NewFacts("id")
	outcome := &Run{Run: 7, Outcome: OutcomeExited}
	ended := &Ended{Job: "j", Outcome: *outcome}
	ids := make([]uint64, n)
	for i := range n {
		ids[i] = uint64(i + 1)
		ended.Notifications = append(ended.Notifications, Notification{ID: ids[i], Job: "j", Kind: "success", Via: fmt.Sprint("t", i), Run: outcome})
	}
	facts.Apply(Entry{someTime, ended})
	old := facts.Notifications
	place := joblog.Place{From: joblog.Position{Inode: 1, At: 2}, Alone: true}
	for what, r := range map[string]Record{"an output": &Output{Job: "j", Run: 7, Place: place}, "a message": &Message{Number: n, IDs: ids}} {
		if got := testing.AllocsPerRun(1, func() { facts.Apply(Entry{someTime, r}) }); got > n/10 {
			t.Errorf("%s of a run with %d notifications took %.0f allocations", what, n, got)
		}
	}
	for i, o := range facts.Notifications {
		if o.Message != n || o.Run.Output == nil || *o.Run.Output != place {
			t.Fatalf("notification %d: %+v", i, o)
		}
		if o.Run != facts.Notifications[0].Run {
			t.Fatalf("notification %d has an outcome of its own", i)
		}
	}
	if old[0].Run.Output != nil || old[0].Message != 0 {
		t.Error("the old list has changed")
	}
	facts.Apply(Entry{someTime, &Delivery{IDs: ids[:n-1]}})
	if len(facts.Notifications) != 1 || facts.Notifications[0].ID != n {
		t.Errorf("%d notifications are left", len(facts.Notifications))
	}
}

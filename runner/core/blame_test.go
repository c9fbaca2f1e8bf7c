package core

import (
	"testing"

	"jobsd/statefile"
)

// TestLostStartOfRemovedJob: a daemon is killed while it gives up a start that takes too long, and the job is removed
// before the next one begins.
func TestLostStartOfRemovedJob(t *testing.T) {
	w := newWorld(t, 1)
	w.calm = true
	at := statefile.At(w.wall)
	for _, r := range []statefile.Record{
		&statefile.Intent{Job: "gone", Identity: statefile.Identity{Run: 7, Reason: statefile.ReasonManual, Attempt: 1}},
		&statefile.Started{Job: "gone", Run: 7, PID: 1007, BootID: "boot-0", Reason: statefile.ReasonManual},
		&statefile.Stopping{Job: "gone", Run: 7, By: "start timeout"},
	} {
		w.journal = append(w.journal, statefile.Entry{At: at, Record: r})
	}
	w.start()
	w.finishDisk()
	for _, e := range w.journal {
		if r, ok := e.Record.(*statefile.Ended); ok && r.Outcome.Run == 7 {
			if o := r.Outcome; o.Outcome != statefile.OutcomeStartError || o.StartError == nil {
				t.Errorf("%+v", o)
			}
			return
		}
	}
	t.Error("the run has not ended")
}

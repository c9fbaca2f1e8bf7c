package runner

import (
	"testing"

	"jobsd/internal/jobfile"
	"jobsd/runner/core"
	"jobsd/statefile"
)

// TestMessageWithoutDisk: a message does not wait forever for a disk that hangs, and the answer of the disk does not send it
// again.
func TestMessageWithoutDisk(t *testing.T) {
	l, k := testLoop(t, 0)
	p := &peer{T: t, delivering: l.delivering}
	p.connect()
	t.Cleanup(func() { p.end.Close(); p.close() })
	m := core.Deliver{Number: 7, Target: &jobfile.Target{Name: "ops", URL: "http://x", Preset: "json"},
		Events: []core.NotifiedEvent{{Notification: statefile.Notification{ID: 7, Kind: "daemon", Via: "ops"}}}}
	l.effect(m)
	l.turn()
	if l.delivering.pending(7) {
		t.Fatal("it was sent before the disk answered")
	}
	if w := l.unsent.wait(k.clock.Mono); w <= 0 || w > core.JournalWait {
		t.Errorf("the loop waits %s", w)
	}
	k.pass(core.JournalWait)
	l.turn()
	if !l.delivering.pending(7) {
		t.Fatal("it was not sent")
	}
	delete(l.delivering.sent, 7)
	l.pump.Post([]prepared{{message: &m}})
	l.turn()
	if l.delivering.pending(7) {
		t.Error("it was sent twice")
	}
	l.effect(m) // the next attempt
	l.pump.Post([]prepared{{message: &m}})
	l.turn()
	if !l.delivering.pending(7) || len(l.unsent.list) > 0 {
		t.Error("the next attempt was not sent when the disk answered")
	}
}

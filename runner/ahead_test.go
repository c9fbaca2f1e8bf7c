package runner

import (
	"testing"
	"time"
)

// TestRecorderStartsAhead: the recorder starts a moment before the first job is due, not earlier and not after it.
func TestRecorderStartsAhead(t *testing.T) {
	l, k := testLoop(t, 1) // it is due in a minute
	wait := func() time.Duration { return l.prestartWait(l.core.Wait(), k.clock) }
	if got, want := wait(), l.core.Wait().Wall.Sub(k.clock.Wall)-recorderLead; got != want {
		t.Errorf("a minute before the job is due, the recorder waits %v, want %v", got, want)
	}
	l.turn()
	if l.recording.conn != nil {
		t.Error("the recorder has started too early")
	}
	k.pass(time.Minute - recorderLead/2)
	if got := wait(); got != 0 {
		t.Errorf("shortly before the job is due, the recorder waits %v, want 0", got)
	}
	k.pass(recorderLead)
	if got := wait(); got >= 0 {
		t.Errorf("when the job is due, the recorder waits %v", got)
	}
}

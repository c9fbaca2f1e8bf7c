package runner

import (
	"fmt"
	"maps"
	"slices"
	"syscall"
	"time"

	"jobsd/internal/recorder"
	"jobsd/spawn"
)

// A recorder may hang: somebody stops it, or its disk does not answer. Then the loop does not wait for it. It reports
// that the recorder is silent, and lets new runs wait before pipes and messages pile up.

const (
	// maxAwaited is how many outputs may wait for the recorder until new runs wait, too. The recorder reports the begin
	// and the end of an output at once, unless it hangs or the disk is full.
	maxAwaited = 1000
	// maxMarkers is how many messages may wait until markers between runs are dropped.
	maxMarkers = 10_000
	// recorderPatience is how long a recorder may be silent until it is asked for a sign of life, and again until that is
	// late.
	recorderPatience = 3 * time.Second
)

// silence is the time in which the recorder has said nothing although it has something to report.
type silence struct {
	since  time.Duration // 0: it has nothing to report
	pinged bool          // the recorder has been asked for a sign of life
	long   bool          // it has been reported
}

// full returns an error if no run may start, because the recorder does not take its output.
func (r *recording) full() error {
	if r.awaited < maxAwaited {
		return nil
	}
	return fmt.Errorf("the output of %d runs waits for the recorder: %w", r.awaited, &spawn.Error{Stage: spawn.StageFork, Errno: syscall.EAGAIN})
}

// crowded reports whether so many messages wait for the recorder that markers are dropped.
func (r *recording) crowded() bool {
	return len(r.notes) >= maxMarkers || r.conn != nil && r.conn.Queued() >= maxMarkers
}

// count keeps the number of outputs of which the recorder has something to report.
func (r *recording) count(o *output) {
	awaited := o.read >= 0 && o.start != "" && !o.began || o.ending && !o.ended
	switch {
	case awaited && !o.awaited:
		r.awaited++
	case !awaited && o.awaited:
		r.awaited--
	}
	o.awaited = awaited
	if r.awaited > 0 && r.silent.since == 0 {
		r.silent.since = r.now()
	}
}

// heard says that the recorder lives.
func (r *recording) heard() {
	if r.silent.long {
		r.complain("")
	}
	r.silent = silence{}
	if r.awaited > 0 || !r.ready {
		r.silent.since = r.now()
	}
}

// answerWait returns how long it takes until the recorder has been silent for too long, or a negative time.
func (r *recording) answerWait() time.Duration {
	if r.silent.since == 0 || r.silent.long {
		return -1
	}
	return max(0, r.silent.since+recorderPatience-r.now())
}

// checkAnswer asks a silent recorder for a sign of life, and then reports it. It may be silent because it waits for the
// disk or for a pipe, which it has reported itself.
func (r *recording) checkAnswer() {
	if r.conn == nil || r.answerWait() != 0 {
		return
	}
	switch {
	case r.quitting, r.ready && r.awaited == 0: // one that ends may wait for the disk
		r.silent = silence{}
	case !r.silent.pinged:
		if r.ready { // otherwise the hello asks for one
			r.conn.Send(recorder.Message{Kind: recorder.Ping})
		}
		r.silent.since, r.silent.pinged = r.now(), true
	default:
		r.silent.long = true
		r.complain("the recorder does not answer, so runs that print much wait, and so do notifications")
	}
}

// offerPause is how long outputs wait that the recorder has refused, until they are offered again.
const offerPause = time.Second

// offerWait returns how long they still wait, or a negative time.
func (r *recording) offerWait() time.Duration {
	if len(r.refused) == 0 {
		return -1
	}
	return max(0, r.offerAt-r.now())
}

// offer hands over again the outputs for which the recorder had no room.
func (r *recording) offer() {
	if r.conn == nil || !r.greeted || r.offerWait() != 0 {
		return
	}
	for _, run := range slices.Sorted(maps.Keys(r.refused)) {
		if o := r.outputs[run]; o != nil {
			r.send(run, o)
		}
	}
	clear(r.refused)
}

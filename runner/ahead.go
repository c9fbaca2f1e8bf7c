package runner

import (
	"time"

	"jobsd/runner/core"
)

// recorderLead is how long before the next deadline the first recorder starts. Otherwise the first run waits for the fork
// of the recorder, and the start of the recorder takes the processors from the runs that are due at the same time.
const recorderLead = 200 * time.Millisecond

// prestart starts a recorder shortly before it is needed.
func (l *loop) prestart() {
	if l.prestartWait(l.core.Wait(), l.sys.now()) == 0 {
		l.recording.start()
	}
}

// prestartWait returns how long until the recorder should start, or a negative time if it need not.
func (l *loop) prestartWait(w core.Wait, now core.Now) time.Duration {
	if l.recording.conn != nil || l.recording.retry != 0 || !l.core.Known() {
		return -1
	}
	d := untilBoot(w, now)
	if !w.Wall.IsZero() {
		d = sooner(d, max(0, w.Wall.Sub(now.Wall)))
	}
	if d <= 0 { // there is nothing, or it is due now
		return -1
	}
	return max(0, d-recorderLead)
}

package runner

import (
	"time"

	"jobsd/runner/core"
)

// unsent are the messages at the disk, which are sent once it has written what they tell. A disk that hangs must not keep
// people from learning that something is wrong, so a message is sent without it after a while, as a run is started.
type unsent struct{ list []overdue }

// overdue is a message, and the time from which it does not wait for the disk any longer, monotonic.
type overdue struct {
	message core.Deliver
	at      time.Duration
}

func (u *unsent) add(m core.Deliver, now time.Duration) {
	u.list = append(u.list, overdue{m, now + core.JournalWait})
}

// take removes a message. It returns false if the message was taken before.
func (u *unsent) take(number uint64) bool {
	for i, o := range u.list {
		if o.message.Number == number {
			u.list = append(u.list[:i], u.list[i+1:]...)
			return true
		}
	}
	return false
}

// wait returns how long until a message does not wait any longer, or a negative time if there is none.
func (u *unsent) wait(now time.Duration) time.Duration {
	if len(u.list) == 0 {
		return -1
	}
	return max(0, u.list[0].at-now) // the oldest comes first
}

// sendOverdue sends the messages that have waited long enough for the disk.
func (l *loop) sendOverdue() {
	for l.unsent.wait(l.sys.now().Mono) == 0 {
		m := l.unsent.list[0].message
		l.unsent.take(m.Number)
		l.log.Warn("sending a message before the journal is on disk", "message", m.Number)
		l.deliver(m)
	}
}

package runner

import (
	"time"

	"jobsd/internal/jobfile"
	"jobsd/internal/notify"
)

// heartbeat requests the URL of [heartbeat] at intervals while the daemon is ready, so that the death of the daemon is
// noticed elsewhere.
type heartbeat struct {
	settings *jobfile.Heartbeat // nil: none
	next     time.Duration      // monotonic
}

// set puts new settings in force. The first request follows at once.
func (h *heartbeat) set(settings *jobfile.Heartbeat, now time.Duration) {
	if !h.settings.Same(settings) {
		h.next = now
	}
	h.settings = settings
}

// wait returns how long until the next request, or a negative time if there is none.
func (h *heartbeat) wait(now time.Duration) time.Duration {
	if h.settings == nil {
		return -1
	}
	return max(0, h.next-now)
}

// beat makes the request if it is time.
func (l *loop) beat() {
	now := l.sys.now().Mono
	if l.heartbeat.wait(now) != 0 {
		return
	}
	s := l.heartbeat.settings
	l.heartbeat.next = now + s.Every
	if !l.delivering.pending(heartbeatMessage) {
		l.delivering.send(HeartbeatMessage(s))
	}
}

// HeartbeatMessage returns the message that is a heartbeat.
func HeartbeatMessage(s *jobfile.Heartbeat) *notify.Message {
	return &notify.Message{Number: heartbeatMessage,
		HTTP: &notify.HTTP{URL: s.URL, URLFile: s.URLFile, HeadersFile: s.HeadersFile, Preset: notify.Heartbeat}}
}

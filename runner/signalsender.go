package runner

import (
	"cmp"
	"syscall"
	"time"

	"jobsd/signals"
	"jobsd/spawn"
)

// requests are the signals that people and programs send.
var requests = []syscall.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2,
	syscall.SIGTERM, syscall.SIGCONT}

// maxSignalLines is how many lines per second are logged for one signal, so that a flood of signals does not flood the
// log. The next line counts the senders that were not logged.
const maxSignalLines = 5

// signalLines counts the log lines of a signal in the present second.
type signalLines struct {
	since time.Duration // monotonic
	lines int
}

// senders logs the senders of the received signals. Nothing else depends on it.
func (l *loop) senders(pending signals.Set) {
	for _, sig := range requests {
		if pending.Has(sig) {
			l.sender(sig)
		}
	}
}

func (l *loop) sender(sig syscall.Signal) {
	t := &l.logged[sig]
	if now := l.sys.now().Mono; now-t.since >= time.Second {
		*t = signalLines{since: now}
	}
	if t.lines == maxSignalLines {
		return
	}
	s, news := signals.LastSender(sig)
	if !news {
		return
	}
	t.lines++
	line := []any{"name", spawn.SignalName(sig), "pid", orUnknown(s.PID, s.PID > 0), "uid", orUnknown(s.UID, s.UID >= 0),
		"exe", cmp.Or(s.Exe, unknown), "how", cmp.Or(s.How, unknown)}
	if s.More > 0 {
		line = append(line, "more", s.More)
	}
	l.log.Info("signal", line...)
}

// unknown replaces what is not known about a sender's process.
const unknown = "unknown"

func orUnknown(n int, known bool) any {
	if known {
		return n
	}
	return unknown
}

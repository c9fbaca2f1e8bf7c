package recorder

import (
	"maps"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel tells how a process has ended to whoever has held a descriptor of it since before it was reaped. If a
// process ends while no daemon runs, only the recorder has one. The next daemon gets it.

const (
	// keepTime is how long a recorder that has nothing else to do waits for a daemon that wants to know how runs have
	// ended.
	keepTime = time.Hour
	// keepLook is how often it looks whether a daemon can still find it.
	keepLook = 10 * time.Second
)

// keeper has the descriptors of processes, by run.
type keeper struct {
	kept  map[uint64]int
	since time.Time // when nothing else was left to do; zero: something is
}

// keep takes the descriptor of the process of a run.
func (s *server) keep(m Received) {
	_, known := s.kept[m.Run]
	if known || m.Run == 0 || len(m.FDs) != 1 { // without a descriptor: it could not be received
		closeAll([]Received{m})
		return
	}
	s.kept[m.Run] = m.FDs[0]
}

// discard closes the descriptor of a run whose outcome is recorded.
func (s *server) discard(run uint64) {
	fd, ok := s.kept[run]
	if !ok {
		return
	}
	delete(s.kept, run)
	if s.daemon != nil {
		s.daemon.Strip(fd)
	}
	unix.Close(fd)
}

// tellKept hands all descriptors to a daemon that may not have them.
func (s *server) tellKept() {
	for _, run := range slices.Sorted(maps.Keys(s.kept)) {
		s.daemon.Send(Message{Kind: Kept, Run: run}, s.kept[run])
	}
}

// needed reports whether the recorder has something to do. Without a daemon and without pipes, it waits for a while for a
// daemon that wants the descriptors.
func (s *server) needed() bool {
	switch {
	case s.daemon != nil || len(s.byFD) > 0:
		s.since = time.Time{}
		return true
	case len(s.kept) == 0:
		return false
	case s.since.IsZero():
		s.since = time.Now()
	}
	return time.Since(s.since) < keepTime && s.socket.exists()
}

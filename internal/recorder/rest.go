package recorder

import (
	"runtime/debug"
	"time"

	"jobsd/internal/machine"
)

// The collector of the Go runtime would wake an idle recorder every two minutes for nothing. So a recorder that has had
// nothing to do for a while collects once, returns the memory, and turns the collector off until there is work.
const (
	restAfter = 10 * time.Second
	// gcPercent keeps the heap, of which little lives, at a fourth of what it would grow to otherwise.
	gcPercent = 25
)

// rest is for a recorder that has nothing to do.
func (s *server) rest() {
	s.resting = true
	debug.FreeOSMemory()
	debug.SetGCPercent(-1)
	machine.ReleaseProgram()
}

// wake ends a rest.
func (s *server) wake() {
	if s.resting {
		s.resting = false
		debug.SetGCPercent(gcPercent)
	}
}

package statefile

import "time"

const (
	paceFactor = 20
	paceMin    = 10 * time.Millisecond
	paceMax    = time.Second
)

// Pace says when the state may be written. A writer that has been idle writes at once; after a write it pauses 20 times
// as long as that took, from 10 ms to 1 s, and what changes meanwhile is written in one go. So publishing takes at most
// a twentieth of the time, and one change is readable at once. Its instants are readings of a monotonic clock.
type Pace struct{ next time.Duration }

// Wait returns how long after now the next write must wait; zero if it need not.
func (p *Pace) Wait(now time.Duration) time.Duration { return max(0, p.next-now) }

// Wrote notes that a write was done at now and how long it took.
func (p *Pace) Wrote(now, took time.Duration) {
	p.next = now + max(paceMin, paceFactor*min(took, paceMax/paceFactor))
}

package statefile

import "time"

const (
	paceFactor = 20
	paceMin    = 10 * time.Millisecond
	paceMax    = time.Second
)

// Pace limits how often the state is written. An idle writer writes at once. After a write it pauses for 20 times the
// duration of that write, from 10 ms to 1 s, and the next write contains all changes of the pause. So writing takes
// at most a twentieth of the time, and a single change is visible at once. All times are readings of a monotonic
// clock.
type Pace struct{ next time.Duration }

// Wait returns how long the next write must wait after now; zero if it may happen at once.
func (p *Pace) Wait(now time.Duration) time.Duration { return max(0, p.next-now) }

// Wrote records that a write ended at now and how long it took.
func (p *Pace) Wrote(now, took time.Duration) {
	p.next = now + max(paceMin, paceFactor*min(took, paceMax/paceFactor))
}

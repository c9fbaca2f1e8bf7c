package spawn

// Stage is how far the start of a run had come when its daemon ended.
type Stage uint8

// Unknown   nothing proves anything
// Unforked  the run certainly has no process that became, or may become, its program
// Forked    the process of the run existed; if its pid is not 0, it is the one that comes with it
const (
	Unknown Stage = iota
	Unforked
	Forked
)

// slots is how many runs the evidence has room for. A run has the slot of its number modulo slots, so that there is
// nothing to look for and nothing to free. Far fewer runs are about to start at once, and their numbers follow each other.
const slots = 2048

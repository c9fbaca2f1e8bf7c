package spawn

// Prey is a run whose processes are looked for, wherever they went.
type Prey struct {
	Run    uint64  // for who asks
	Mark   string  // the value of MarkName in the environment of its processes; looked at only where the leader has no leaf
	Leader Process // its descriptors are not used: the hunt may take longer than they last
	Gone   bool    // nothing holds the number of its group any more: who is in it is signalled one by one
	Group  bool    // only who is in the group
}

// Catch is what a hunt brought, by run.
type Catch struct {
	Left   map[uint64]int   // how many processes live, in the leader's group or out of it
	Killed map[uint64][]int // the pids of those out of it that were killed
	Hidden int              // processes that do not show whose they are, see markReader
}

// MarkName is the variable that says to which run a process belongs. Only an exact match of its value counts.
const MarkName = "JOBSD_MARK"

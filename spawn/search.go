package spawn

// Search is a run whose processes a Searcher looks for.
type Search struct {
	Run    uint64  // identifies the run for the caller
	Tag    string  // the value of TagName in the environment of its processes; used only if the leader has no leaf
	Leader Process // its descriptors are not used, because the search may last longer than they stay open
	Gone   bool    // no process keeps the group's number reserved, so the searcher signals its processes one by one
	Group  bool    // look only for processes in the group
}

// Findings is the result of a search, by run.
type Findings struct {
	Left   map[uint64]int   // number of living processes, inside and outside the leader's group
	Killed map[uint64][]int // pids of the killed processes outside the leader's group
	Hidden int              // number of processes whose environment cannot be read now, see tagReader
}

// TagName is the environment variable that says which run a process belongs to. Only an exact match of its value
// counts.
const TagName = "JOBSD_MARK"

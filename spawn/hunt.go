package spawn

// Prey is a run whose processes are looked for, wherever they went.
type Prey struct {
	Run    uint64  // for who asks
	Mark   string  // the value of MarkName in the environment of its processes
	Leader Process // its descriptors are not used: the hunt may take longer than they last
}

// MarkName is the variable that says to which run a process belongs. Only an exact match of its value counts.
const MarkName = "JOBSD_MARK"

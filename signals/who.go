package signals

// Sender is who sent a signal, as far as it can be told. It informs: nothing may depend on it.
//
// It is known where who_linux.go and the assembly beside it are built. Without them, or with the build tag nowho,
// who_other.go takes their place, and all senders are unknown.
type Sender struct {
	PID  int    // 0: unknown, or in a pid namespace that ours does not see
	UID  int    // the real one; -1: unknown
	Exe  string // "": unknown, as when the process has gone
	How  string // kill tgkill sigqueue kernel; "": unknown. With sigqueue, PID and UID are what the sender says
	More int    // how many others, whom it took the place of, were seen since the sender was last asked for
}

var unknown = Sender{UID: -1}

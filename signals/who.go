package signals

// Sender describes the sender of a signal as far as it is known. It is for information only: nothing may depend on
// it.
//
// The sender is known where who_linux.go and the assembly beside it are built. On other systems, or with the build
// tag nowho, who_other.go replaces them and every sender is unknown.
type Sender struct {
	PID  int    // 0: unknown, or in a pid namespace that this process cannot see
	UID  int    // the real user id; -1: unknown
	Exe  string // "": unknown, for example because the process has ended
	How  string // kill, tgkill, sigqueue or kernel; "": unknown. With sigqueue, the sender chooses PID and UID
	More int    // the number of earlier senders that this one replaced since the last LastSender
}

var unknown = Sender{UID: -1}

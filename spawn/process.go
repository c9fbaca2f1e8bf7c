package spawn

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Process identifies a started process for good. Its process group and session have the number PID.
type Process struct {
	PID   int
	FD    int    // pidfd, readable when the process has ended; -1 where there is none
	Inode uint64 // of the pidfd: unique until reboot (Linux 6.9 or later); else 0
	Start uint64 // the kernel's start time, see StartTime; 0 where Inode is known

	Cgroup string // the leaf that it was born in; "": none, or removed
	born   string // the same, also once it is removed
}

// ErrGroupEmpty says that nobody is left in the group. For who wants a group gone that is success. It wraps ESRCH.
var ErrGroupEmpty = fmt.Errorf("process group is empty: %w", syscall.ESRCH)

// identify fills in what tells p from a later process with the same pid. To be called before p can be reaped.
func (p *Process) identify() {
	if p.Inode = pidfdInode(p.FD); p.Inode == 0 {
		p.Start, _ = StartTime(p.PID) // 0: never adopted, which is safe
	}
}

// SignalGroup sends sig to all processes of p's group, zombies included. Signal 0 only asks.
//
// With a pidfd and Linux 6.9 or later no stranger can be hit, even long after p was reaped. Elsewhere the group is
// addressed by number, which is right as long as p has not been reaped, and as long as its group lives: a number is
// given to nobody else while a group bears it.
//
// The error is ErrGroupEmpty or an errno: EPERM if none of the processes may be signalled.
func SignalGroup(p Process, sig syscall.Signal) error {
	if p.PID <= 1 {
		return syscall.EINVAL // kill(2) would take it for everybody, or for the caller's own group
	}
	err := signalGroup(p, sig)
	if err == syscall.ESRCH {
		return ErrGroupEmpty
	}
	return err
}

// SignalLeader sends sig to p alone, not to the rest of its group. p must not have been reaped, unless it has a pidfd.
// The error is ErrGroupEmpty if p has ended, or an errno.
func SignalLeader(p Process, sig syscall.Signal) error {
	if p.PID <= 1 {
		return syscall.EINVAL
	}
	err := signalLeader(p, sig)
	if err == syscall.ESRCH {
		return ErrGroupEmpty
	}
	return err
}

// killGroup addresses the group by number.
func killGroup(p Process, sig syscall.Signal) error { return unix.Kill(-p.PID, sig) }

// GroupEmpty reports whether nobody is left in p's group. Zombies count: reap before asking.
func GroupEmpty(p Process) bool { return SignalGroup(p, 0) == ErrGroupEmpty }

// Leftovers returns how many live of those that p began, which has ended itself: what is in its cgroup, or, where it has
// none, one for a group that is not empty. Group tells whether that is so.
// An empty cgroup is removed, which costs less than to count what is in it.
func Leftovers(p *Process) (n int, group bool) {
	leaf := p.Cgroup != ""
	n, group = leaveLeaf(p), !GroupEmpty(*p)
	if group && n == 0 && leaf && zombie(p.PID) {
		return 0, false // it is the leader's own zombie that bears the group's number: somebody else is its parent
	}
	if group {
		n = max(n, 1)
	}
	return n, group
}

func zombie(pid int) bool {
	state, err := processState(pid)
	return err == nil && state == 'Z'
}

// Close frees the pidfd. The process is left as it is.
func (p *Process) Close() {
	if p.FD >= 0 {
		unix.Close(p.FD)
		p.FD = -1
	}
}

// Adopt returns a process that an earlier daemon started, from what was known of it then; known.FD does not matter.
// False: it is gone, or the pid belongs to a stranger now, or it cannot be told. Inodes and start times are of one
// boot: the caller has compared the BootID of then and now.
//
// The pidfd comes first and is compared afterwards, so that the process that was compared is the one that is held.
func Adopt(known Process) (Process, bool) {
	none := Process{FD: -1}
	if known.PID <= 1 || known.Inode == 0 && known.Start == 0 {
		return none, false
	}
	p := known
	p.FD, p.born = -1, known.Cgroup
	if !openPidfd(&p) {
		return none, false
	}
	if !p.same() {
		p.Close()
		return none, false
	}
	return p, true
}

// Remains returns what stands for a run whose leader has ended, for its group and its leaf to be looked at.
func Remains(pid int, leaf string) Process {
	return Process{PID: pid, FD: -1, Cgroup: leaf, born: leaf}
}

// same reports whether the process that is there now is the one that p describes.
func (p *Process) same() bool {
	if p.Inode != 0 {
		return pidfdInode(p.FD) == p.Inode
	}
	start, err := StartTime(p.PID)
	return err == nil && start == p.Start
}

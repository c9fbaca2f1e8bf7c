package spawn

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// Process identifies a started process uniquely, even after its pid is reused. Its process group and session have the
// number PID.
type Process struct {
	PID   int
	FD    int    // pidfd, readable when the process has ended; -1 where there is none
	Inode uint64 // of the pidfd: unique until reboot (Linux 6.9 or later); otherwise 0
	Start uint64 // the kernel's start time, see StartTime; 0 if Inode is known

	Cgroup string // the leaf it started in; "": none, or given up
	born   string // the leaf it started in, even after that
	leaf   *Leaf  // the same as Cgroup, if this daemon has made it
}

// ErrGroupEmpty means that no process is left in the group. A caller that wants the group to end treats this as
// success. It wraps ESRCH.
var ErrGroupEmpty = fmt.Errorf("process group is empty: %w", syscall.ESRCH)

// identify fills in the fields that distinguish p from a later process with the same pid. Call it before p can be
// reaped.
func (p *Process) identify() {
	if p.Inode = pidfdInode(p.FD); p.Inode == 0 {
		p.Start, _ = StartTime(p.PID) // with 0 the process is never adopted, which is safe
	}
}

// SignalGroup sends sig to all processes of p's group, including zombies. Signal 0 only checks whether the group
// exists.
//
// With a pidfd and Linux 6.9 or later, the signal never hits another program's processes, even long after p was
// reaped. Otherwise SignalGroup uses the number of the group. That is correct until p is reaped, and also afterwards
// while the group lives: the kernel reuses no number that a group has.
//
// The error is ErrGroupEmpty or an errno: EPERM if the caller may signal none of the processes.
func SignalGroup(p Process, sig syscall.Signal) error { return send(p, sig, signalGroup) }

// SignalLeader sends sig to p alone, not to the rest of its group. Without a pidfd, the caller must not have reaped
// p. The error is ErrGroupEmpty if p has ended, or an errno.
func SignalLeader(p Process, sig syscall.Signal) error { return send(p, sig, signalLeader) }

func send(p Process, sig syscall.Signal, how func(Process, syscall.Signal) error) error {
	if p.PID <= 1 {
		return syscall.EINVAL // kill(2) would signal every process or the caller's own group
	}
	err := how(p, sig)
	if err == syscall.ESRCH {
		return ErrGroupEmpty
	}
	return err
}

// killGroup signals the group by its number.
func killGroup(p Process, sig syscall.Signal) error { return unix.Kill(-p.PID, sig) }

// GroupEmpty reports whether no process is left in p's group. Zombies count, so reap before you ask.
func GroupEmpty(p Process) bool { return SignalGroup(p, 0) == ErrGroupEmpty }

// Leftovers returns how many processes remain of those that the ended process p started. That is the number of
// processes in its cgroup, or, without a cgroup, 1 if its group is not empty. The result group reports whether the
// group is not empty. Leftovers gives up an empty cgroup: another run may have it from then on.
func Leftovers(p *Process) (n int, group bool) {
	leaf := p.Cgroup != ""
	n, group = leaveLeaf(p), !GroupEmpty(*p)
	if group && n == 0 && leaf && zombie(p.PID) {
		return 0, false // only the leader's zombie is left in the group, because another process is its parent
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

// Close closes the pidfd. It does not affect the process.
func (p *Process) Close() {
	if p.FD >= 0 {
		unix.Close(p.FD)
		p.FD = -1
	}
}

// Adopt finds a process that an earlier daemon started, from what that daemon wrote down. It ignores known.FD. It
// returns false if the process has ended, if another process now has the pid, or if neither can be decided. Inodes
// and start times are valid for one boot only, so the caller must first compare the BootID of then and now.
//
// Adopt opens the pidfd first and compares afterwards, so that it holds exactly the process that it has compared.
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

// Ended reports whether a pidfd that another process has kept belongs to p, which has ended, and has its exit status. If
// so, it returns p with the pidfd.
func Ended(p Process) (Process, bool) {
	if p.Inode == 0 || pidfdInode(p.FD) != p.Inode {
		return Process{FD: -1}, false
	}
	if _, ok := AdoptedStatus(p); !ok {
		return Process{FD: -1}, false
	}
	unix.CloseOnExec(p.FD)
	p.born = p.Cgroup
	return p, true
}

// Find returns the process that has a pid now, or false if there is none. The caller must know by other means, before and
// afterwards, that it is the right one.
func Find(pid int) (Process, bool) {
	p := Process{PID: pid, FD: -1}
	if pid <= 1 || !openPidfd(&p) {
		return Process{FD: -1}, false
	}
	p.identify()
	return p, true
}

// Remains returns a Process for a run whose leader has ended, to look at its group and its leaf.
func Remains(pid int, leaf string) Process {
	return Process{PID: pid, FD: -1, Cgroup: leaf, born: leaf}
}

// same reports whether the process with this pid now is the one that p describes.
func (p *Process) same() bool {
	if p.Inode != 0 {
		return pidfdInode(p.FD) == p.Inode
	}
	start, err := StartTime(p.PID)
	return err == nil && start == p.Start
}

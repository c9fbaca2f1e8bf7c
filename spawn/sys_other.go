//go:build !linux

package spawn

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// This system has no pidfds. Groups are signalled by number. Adoption relies on the start time, and an adopted
// process cannot be polled. The exit status of an adopted process is unknown. Only init adopts orphans.

var self, _ = os.Executable()

func wantPidfd(*syscall.SysProcAttr, *int) {}
func openPidfd(*Process) bool              { return true }
func pidfdInode(int) uint64                { return 0 }

func signalGroup(p Process, sig syscall.Signal) error { return killGroup(p, sig) }

func signalLeader(p Process, sig syscall.Signal) error { return unix.Kill(p.PID, sig) }

// CanUpgrade is false on this system.
const CanUpgrade = false

// IsChild is always false on this system.
func IsChild(int) bool { return false }

// AdoptedStatus is always false on this system.
func AdoptedStatus(Process) (Exit, bool) { return Exit{}, false }

// BootID returns the time of the boot. Some kernels recompute it when the clock is set, which looks like another
// boot. Then running processes are not adopted, which is the safe side. "": unknown.
func BootID() string {
	boot, err := unix.SysctlTimeval("kern.boottime")
	if err != nil {
		return ""
	}
	return fmt.Sprint(boot.Sec)
}

// kinfo holds offsets of fields in struct kinfo_proc on 64-bit systems: of the pid, and of the start time as a
// timeval.
var kinfo = map[string]struct{ pid, start int }{
	"darwin":  {pid: 40, start: 0},   // sys/sysctl.h, sys/proc.h: kp_proc.p_pid, kp_proc.p_starttime
	"freebsd": {pid: 72, start: 336}, // sys/user.h: ki_pid, ki_start
}

// StartTime returns when the process started, in microseconds since the epoch.
func StartTime(pid int) (uint64, error) {
	at, known := kinfo[runtime.GOOS]
	if !known {
		return 0, syscall.ENOTSUP
	}
	b, err := unix.SysctlRaw("kern.proc.pid", pid)
	if err != nil {
		return 0, err
	}
	if len(b) < at.start+16 || binary.NativeEndian.Uint32(b[at.pid:]) != uint32(pid) {
		return 0, syscall.ESRCH
	}
	seconds := binary.NativeEndian.Uint64(b[at.start:])
	micro := binary.NativeEndian.Uint32(b[at.start+8:])
	return seconds*1e6 + uint64(micro), nil
}

// pipe returns the read end and the write end of a pipe, which no child inherits.
func pipe() (r, w int, err error) {
	syscall.ForkLock.RLock() // macOS cannot make the pipe and close it on exec in one call
	defer syscall.ForkLock.RUnlock()
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return -1, -1, err
	}
	unix.CloseOnExec(fds[0])
	unix.CloseOnExec(fds[1])
	return fds[0], fds[1], nil
}

func processState(int) (byte, error) { return 0, syscall.ENOTSUP }

// On this system children keep an ignored TSTP, TTIN or TTOU that the daemon inherited.
func defaultSignals()        {}
func becomeSubreaper() error { return nil }

func closeRangeOnExec() error { return syscall.ENOSYS }

package spawn

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// self is the running program, even after an upgrade has replaced the file with its name.
const self = "/proc/self/exe"

func wantPidfd(sys *syscall.SysProcAttr, fd *int) { sys.PidFD = fd }

func openPidfd(p *Process) bool {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return err == unix.ENOSYS // Linux before 5.3: only the start time identifies the process
	}
	p.FD = fd
	return true
}

// pidfdInode returns the inode of a pidfd. Before pidfs (Linux 6.9) all pidfds have the same inode, so it returns 0.
func pidfdInode(fd int) uint64 {
	var st unix.Stat_t
	if fd < 0 || !onPidfs(fd) || unix.Fstat(fd, &st) != nil {
		return 0
	}
	return st.Ino
}

// pidfs says whether pidfds are in a file system of their own, which does not change while the kernel runs.
var pidfs atomic.Int32

const (
	pidfsYes = 1 + iota
	pidfsNo
)

func onPidfs(fd int) bool {
	if pidfs.Load() == 0 {
		var fs unix.Statfs_t
		if err := unix.Fstatfs(fd, &fs); err != nil {
			return false
		}
		known := int32(pidfsNo)
		if fs.Type == unix.PID_FS_MAGIC {
			known = pidfsYes
		}
		pidfs.Store(known)
	}
	return pidfs.Load() == pidfsYes
}

// reaped reports whether p is known to have ended and been reaped.
func (p *Process) reaped() bool {
	return p.FD >= 0 && unix.PidfdSendSignal(p.FD, 0, nil, 0) == unix.ESRCH
}

func signalGroup(p Process, sig syscall.Signal) error {
	if p.FD < 0 {
		return killGroup(p, sig)
	}
	err := unix.PidfdSendSignal(p.FD, sig, nil, unix.PIDFD_SIGNAL_PROCESS_GROUP)
	if err != unix.EINVAL && err != unix.ENOSYS {
		return err
	}
	// This code is for Linux before 6.9. If a process has the number of a reaped process, the old group has ended,
	// and the new process is not ours.
	if p.reaped() && unix.Kill(p.PID, 0) != unix.ESRCH {
		return unix.ESRCH
	}
	return killGroup(p, sig)
}

func signalLeader(p Process, sig syscall.Signal) error {
	if p.FD < 0 {
		return unix.Kill(p.PID, sig)
	}
	return unix.PidfdSendSignal(p.FD, sig, nil, 0)
}

// StartTime returns when the process started, in clock ticks since boot (/proc/PID/stat, field 22).
func StartTime(pid int) (uint64, error) {
	s, err := readStat(pid)
	return s.Start, err
}

func processState(pid int) (byte, error) {
	s, err := standingOf(pid)
	return s.State, err
}

// CanUpgrade reports whether a daemon can continue as another program with the same pid. For that, the new program
// must be able to recognize its children.
const CanUpgrade = true

// IsChild reports whether the process is a child of this one.
func IsChild(pid int) bool {
	s, err := standingOf(pid)
	return err == nil && s.Parent == os.Getpid()
}

func readStat(pid int) (stat, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

// BootID returns an id that stays the same until the next boot and never repeats: the kernel's random boot id. "":
// unknown.
func BootID() string {
	id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id))
}

// AdoptedStatus returns how a process ended that is not our child. User, System and MaxRSS are unknown for it. False:
// the process has not ended, or its status is unknown. The pidfd is readable (POLLIN) when the process has ended, and
// hung up (POLLHUP) when its parent has reaped it. From then on Linux 6.15 and later report the status. Between the
// two events, and with older kernels, root may read the status in /proc.
func AdoptedStatus(p Process) (Exit, bool) {
	if p.FD < 0 {
		return Exit{}, false
	}
	status, ok := exitInfo(p.FD)
	if !ok {
		status, ok = zombieStatus(p)
	}
	return exitOf(p.PID, status), ok
}

// pidfdInfo is struct pidfd_info of linux/pidfd.h in its first size, PIDFD_INFO_SIZE_VER0. The size is part of the
// ioctl's number, and a kernel accepts every size it knows.
type pidfdInfo struct {
	Mask, Cgroup                     uint64
	Pid, Tgid, Ppid                  uint32
	Ruid, Rgid, Euid, Egid           uint32
	Suid, Sgid, Fsuid, Fsgid, Status uint32
}

func exitInfo(fd int) (syscall.WaitStatus, bool) {
	info := pidfdInfo{Mask: unix.PIDFD_INFO_EXIT}
	request := uintptr(3<<30 | unsafe.Sizeof(info)<<16 | 0xFF<<8 | 11) // _IOWR(0xFF, 11, struct pidfd_info)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(unsafe.Pointer(&info)))
	return syscall.WaitStatus(info.Status), errno == 0 && info.Mask&unix.PIDFD_INFO_EXIT != 0
}

// zombieStatus reads field 52 of /proc/PID/stat. Without permission the field is 0, which would look like success. So
// zombieStatus also reads /proc/PID/io, where the same readers get an error. It checks the pidfd last: if the zombie
// still exists then, it existed all the time, and the pid was its own.
func zombieStatus(p Process) (syscall.WaitStatus, bool) {
	if !zombie(p.PID) { // reading stat of a living process may block, see standingOf
		return 0, false
	}
	s, err := readStat(p.PID)
	if err != nil || s.State != 'Z' {
		return 0, false
	}
	if _, err := os.ReadFile(fmt.Sprintf("/proc/%d/io", p.PID)); err != nil {
		return 0, false
	}
	return syscall.WaitStatus(s.Status), !p.reaped()
}

// defaultSignals restores the default action of signals that the daemon's parent ignored, because children would
// inherit that. Signals that Go catches need no change. HUP and INT are left to the loop's signal.Notify: until then
// a daemon under nohup(1) must continue to ignore them.
func defaultSignals() {
	type sigaction struct {
		Handler, Flags, Restorer uintptr
		Mask                     uint64
	}
	const ignore = 1
	for sig := syscall.Signal(1); sig <= 64; sig++ {
		var old, none sigaction
		number, size := uintptr(sig), unsafe.Sizeof(old.Mask)
		_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, number, 0, uintptr(unsafe.Pointer(&old)), size, 0, 0)
		if errno != 0 || old.Handler != ignore || sig == unix.SIGHUP || sig == unix.SIGINT {
			continue
		}
		unix.RawSyscall6(unix.SYS_RT_SIGACTION, number, uintptr(unsafe.Pointer(&none)), 0, size, 0, 0)
	}
}

// pipe returns the read end and the write end of a pipe, which no child inherits.
func pipe() (r, w int, err error) {
	var fds [2]int
	err = unix.Pipe2(fds[:], unix.O_CLOEXEC)
	return fds[0], fds[1], err
}

// becomeSubreaper makes this process the parent of orphaned descendants, instead of init, see prctl(2).
func becomeSubreaper() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

func closeRangeOnExec() error { return unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) }

package spawn

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// self is this very program, even after an upgrade has put another under its name.
const self = "/proc/self/exe"

func wantPidfd(sys *syscall.SysProcAttr, fd *int) { sys.PidFD = fd }

func openPidfd(p *Process) bool {
	fd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		return err == unix.ENOSYS // Linux before 5.3: the start time alone must do
	}
	p.FD = fd
	return true
}

// pidfdInode returns the inode of a pidfd. Before pidfs (Linux 6.9) all had the same: 0.
func pidfdInode(fd int) uint64 {
	var fs unix.Statfs_t
	var st unix.Stat_t
	if fd < 0 || unix.Fstatfs(fd, &fs) != nil || fs.Type != unix.PID_FS_MAGIC || unix.Fstat(fd, &st) != nil {
		return 0
	}
	return st.Ino
}

// reaped reports whether p is known to be gone for good, not even a zombie.
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
	// Before Linux 6.9. A process that has the number of one long reaped proves that the old group is gone as well,
	// and that this one is a stranger's.
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

// StartTime returns when the process began, in clock ticks since boot (/proc/PID/stat, field 22).
func StartTime(pid int) (uint64, error) {
	s, err := readStat(pid)
	return s.Start, err
}

func processState(pid int) (byte, error) {
	s, err := standingOf(pid)
	return s.State, err
}

// CanUpgrade tells whether a daemon can go on as another program under its pid: it must know its children then.
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

// BootID returns what stays the same until the next boot and never comes again: the kernel's random boot id. "": not
// known.
func BootID() string {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(id))
}

// AdoptedStatus returns how a process ended that is not our child; User, System and MaxRSS are not known of it. False:
// it has not ended, or nobody can tell. The pidfd of an ended process is readable (POLLIN) from its end on, and hung up
// (POLLHUP) once its parent has reaped it. From then on Linux 6.15 and later tell the status. Between the two, and with
// older kernels, root may read it in /proc.
func AdoptedStatus(p Process) (Exit, bool) {
	if p.FD < 0 {
		return Exit{}, false
	}
	if status, ok := exitInfo(p.FD); ok {
		return exitOf(p.PID, status), true
	}
	if status, ok := zombieStatus(p); ok {
		return exitOf(p.PID, status), true
	}
	return Exit{}, false
}

// pidfdInfo is struct pidfd_info of linux/pidfd.h in its first size, PIDFD_INFO_SIZE_VER0: the size is part of the
// ioctl's number, and a kernel takes every one it knows.
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

// zombieStatus reads field 52 of /proc/PID/stat. To a reader who lacks the permission it shows 0, which would look
// like success; /proc/PID/io is refused to the same readers, and aloud. The pidfd is asked last: if the zombie is
// still there then, it was there all the time, and the number was its own.
func zombieStatus(p Process) (syscall.WaitStatus, bool) {
	if !zombie(p.PID) { // what lives may keep us waiting, see standingOf
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

// unblockSignals empties the signal mask of this thread.
func unblockSignals() {
	var empty uint64
	const setMask = 2
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, setMask, uintptr(unsafe.Pointer(&empty)), 0, unsafe.Sizeof(empty), 0, 0)
}

// defaultSignals puts signals back to their default action that the daemon's parent had set to be ignored: children
// would inherit that. What Go catches is caught already and needs no care, HUP and INT are left to the loop's
// signal.Notify: until then a daemon under nohup(1) must go on ignoring them.
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

// becomeSubreaper makes orphans of our processes our children instead of init's, see prctl(2).
func becomeSubreaper() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

func closeRangeOnExec() error { return unix.CloseRange(3, ^uint(0), unix.CLOSE_RANGE_CLOEXEC) }

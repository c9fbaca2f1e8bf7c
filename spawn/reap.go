package spawn

import (
	"runtime"
	"syscall"
	"time"
)

// Exit is how a process ended and what it used.
type Exit struct {
	PID    int
	Code   int            // 0..255; -1 when a signal ended it
	Signal syscall.Signal // 0 when it exited
	Core   bool           // a core was dumped
	User   time.Duration
	System time.Duration
	MaxRSS int64 // peak resident memory in bytes; 0: not known
}

// Reap takes the status of one child that has ended, any child. False: there is none (left). A subreaper and PID 1
// also meet the children of others here.
func Reap() (Exit, bool) {
	for {
		var status syscall.WaitStatus
		var usage syscall.Rusage
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, &usage)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return Exit{}, false
		}
		e := exitOf(pid, status)
		e.User = time.Duration(usage.Utime.Nano())
		e.System = time.Duration(usage.Stime.Nano())
		e.MaxRSS = maxRSS(&usage)
		return e, true
	}
}

func exitOf(pid int, status syscall.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{PID: pid, Code: -1, Signal: status.Signal(), Core: status.CoreDump()}
	}
	return Exit{PID: pid, Code: status.ExitStatus()}
}

// maxRSS returns ru_maxrss in bytes; getrusage(2) counts in bytes on macOS, elsewhere in KiB.
//
// On Linux the figure includes what the child had before exec, and between vfork and exec that is the memory of the
// daemon. A figure that is not above the daemon's own peak therefore says nothing about the child.
func maxRSS(child *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return int64(child.Maxrss)
	}
	if runtime.GOOS == "linux" {
		var own syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil || child.Maxrss <= own.Maxrss {
			return 0
		}
	}
	return int64(child.Maxrss) * 1024
}

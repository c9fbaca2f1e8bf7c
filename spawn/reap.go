package spawn

import (
	"runtime"
	"syscall"
	"time"
)

// Exit says how a process ended and what it used.
type Exit struct {
	PID    int
	Code   int            // 0..255; -1 if a signal ended it
	Signal syscall.Signal // 0 if it exited
	Core   bool           // the process dumped core
	User   time.Duration
	System time.Duration
	MaxRSS int64 // peak resident memory in bytes; 0: unknown
}

// Reap collects the status of any one child that has ended. False: no such child is left. A subreaper and PID 1 also
// get children of other processes here.
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

// maxRSS returns ru_maxrss in bytes. getrusage(2) counts bytes on macOS and KiB elsewhere.
//
// On Linux the number includes memory from before the exec, and between vfork and exec that is the daemon's memory.
// So a number that is not above the daemon's own peak says nothing about the child.
func maxRSS(child *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return int64(child.Maxrss)
	}
	if runtime.GOOS == "linux" {
		if int64(child.Maxrss) > ownPeak { // it only rises
			var own syscall.Rusage
			if err := syscall.Getrusage(syscall.RUSAGE_SELF, &own); err != nil {
				return 0
			}
			ownPeak = int64(own.Maxrss)
		}
		if int64(child.Maxrss) <= ownPeak {
			return 0
		}
	}
	return int64(child.Maxrss) * 1024
}

// ownPeak is the peak of the daemon's own memory in KiB, as it was last read.
var ownPeak int64

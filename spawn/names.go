package spawn

import (
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Signals from rtMin on have no names of their own. The C libraries reserve the first two of the kernel's 32 to 64.
const (
	rtMin = 34
	rtMax = 64
)

// SignalName returns the name of sig without SIG, such as TERM or RTMIN+3, or the number if sig has no name.
func SignalName(sig syscall.Signal) string {
	if name := unix.SignalName(sig); name != "" {
		return strings.TrimPrefix(name, "SIG")
	}
	switch {
	case sig == rtMin:
		return "RTMIN"
	case sig > rtMin && sig <= rtMax:
		return "RTMIN+" + strconv.Itoa(int(sig-rtMin))
	}
	return strconv.Itoa(int(sig))
}

// SignalNumber is the inverse of SignalName. The name must be upper case and without SIG. 0: no such signal.
func SignalNumber(name string) syscall.Signal {
	if sig := unix.SignalNum("SIG" + name); sig != 0 {
		return sig
	}
	plus, ok := strings.CutPrefix(name, "RTMIN")
	if !ok {
		return 0
	}
	for sig := syscall.Signal(rtMin); sig <= rtMax; sig++ {
		if SignalName(sig) == "RTMIN"+plus {
			return sig
		}
	}
	return 0
}

// ErrnoName returns the name of an errno, such as ENOENT, or the number if errno has no name.
func ErrnoName(errno syscall.Errno) string {
	if name := unix.ErrnoName(errno); name != "" {
		return name
	}
	return strconv.Itoa(int(errno))
}

package spawn

import (
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// spoilSignals ignores every signal and blocks every signal for this thread. The thread must then call exec.
func spoilSignals() {
	runtime.LockOSThread()
	action := struct {
		handler, flags, restorer uintptr
		mask                     uint64
	}{handler: 1}
	for sig := uintptr(1); sig <= 64; sig++ {
		unix.RawSyscall6(unix.SYS_RT_SIGACTION, sig, uintptr(unsafe.Pointer(&action)), 0, 8, 0, 0)
	}
	all := ^uint64(0)
	unix.RawSyscall6(unix.SYS_RT_SIGPROCMASK, 2, uintptr(unsafe.Pointer(&all)), 0, 8, 0, 0)
}

// notifyHangup catches the signals that the daemon's loop catches.
func notifyHangup() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT)
}

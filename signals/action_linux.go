//go:build amd64 || arm64

package signals

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sigaction is the kernel's struct of that name.
type sigaction struct {
	handler  uintptr
	flags    uint64
	restorer uintptr
	mask     uint64
}

func getAction(sig syscall.Signal) (a sigaction, err error) {
	return a, rtSigaction(sig, nil, &a)
}

func setAction(sig syscall.Signal, a *sigaction) error { return rtSigaction(sig, a, nil) }

func rtSigaction(sig syscall.Signal, next, last *sigaction) error {
	_, _, e := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(unsafe.Pointer(next)), uintptr(unsafe.Pointer(last)),
		unsafe.Sizeof(sigaction{}.mask), 0, 0)
	if e != 0 {
		return e
	}
	return nil
}

package shim

import (
	"syscall"
	"unsafe"
)

// JoinKeyring gives this thread a new, empty session keyring without a name. A child inherits the keyring of the
// thread that forks it, and with it access to everything that its keys open. It is no error if the kernel has no
// keyrings or if a container may not use them.
func JoinKeyring() error {
	const joinSession = 1
	_, _, errno := syscall.RawSyscall(syscall.SYS_KEYCTL, joinSession, 0, 0)
	if errno == 0 || errno == syscall.ENOSYS || errno == syscall.EPERM {
		return nil
	}
	return errno
}

// UnblockSignals empties the signal mask of this thread.
func UnblockSignals() {
	var empty uint64
	const setMask = 2
	syscall.RawSyscall6(syscall.SYS_RT_SIGPROCMASK, setMask, uintptr(unsafe.Pointer(&empty)), 0, unsafe.Sizeof(empty), 0, 0)
}

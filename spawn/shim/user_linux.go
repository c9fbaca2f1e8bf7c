//go:build !386 && !arm

package shim

import (
	"syscall"
	"unsafe"
)

// become switches this thread to the user. It sets the groups first and the uid last, because after that it may change
// nothing else.
//
// The functions of package syscall would interrupt each thread of this process to switch all of them, which costs more
// than everything else that a shim does. The init functions run on the main thread, whose user is the one of the
// process for signals and for the process limit, and this thread also calls exec, which ends the others.
func (u *User) become() error {
	var groups *uint32
	if len(u.Groups) > 0 {
		groups = &u.Groups[0]
	}
	_, _, errno := syscall.RawSyscall(syscall.SYS_SETGROUPS, uintptr(len(u.Groups)), uintptr(unsafe.Pointer(groups)), 0)
	if errno == 0 {
		_, _, errno = syscall.RawSyscall(syscall.SYS_SETGID, uintptr(u.GID), 0, 0)
	}
	if errno == 0 {
		_, _, errno = syscall.RawSyscall(syscall.SYS_SETUID, uintptr(u.UID), 0, 0)
	}
	if errno != 0 {
		return errno
	}
	return nil
}

package shim

import "syscall"

// The init function becomes the program of the job if this process is a shim.
func init() {
	if isShim() {
		begun = begin()
	}
}

// isShim reports whether the daemon started this process as a shim. Package os, which has the arguments, is not
// initialised yet. The variable alone does not decide: a person may have one with this name.
func isShim() bool {
	if _, ok := syscall.Getenv("args"); !ok {
		return false
	}
	fd, err := syscall.Open("/proc/self/cmdline", syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return false // package spawn looks at the arguments again
	}
	defer syscall.Close(fd)
	var b [4096]byte
	n, _ := syscall.Read(fd, b[:])
	args := split(string(b[:max(0, n)]), 0)
	return len(args) == 3 && args[1] == Arg && args[2] == "" // each argument ends with a NUL
}

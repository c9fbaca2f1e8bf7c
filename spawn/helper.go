package spawn

import "syscall"

// StartHelper starts this program as a helper of the daemon, which is no job: args[0] is its title, and the files are
// its descriptors from standard input on; -1 is /dev/null.
func StartHelper(args, env []string, files ...int) (Process, error) {
	if err := openNull(); err != nil {
		return Process{FD: -1}, err
	}
	attr := &syscall.ProcAttr{Env: append([]string{}, env...), Dir: "/", Sys: &syscall.SysProcAttr{}}
	for _, fd := range files {
		if fd < 0 {
			fd = null
		}
		attr.Files = append(attr.Files, uintptr(fd))
	}
	return (&Command{}).fork(self, args, attr)
}

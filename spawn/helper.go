package spawn

import (
	"os"
	"syscall"
)

// StartHelper starts this program as a helper of the daemon, which is no job: args[0] is its title, and the files are
// its descriptors from standard output on. Its environment has nothing but the time zone.
func StartHelper(args []string, files ...int) (Process, error) {
	if err := openNull(); err != nil {
		return Process{FD: -1}, err
	}
	env := []string{}
	if zone, ok := os.LookupEnv("TZ"); ok {
		env = append(env, "TZ="+zone)
	}
	attr := &syscall.ProcAttr{Env: env, Dir: "/", Files: []uintptr{uintptr(null)}, Sys: &syscall.SysProcAttr{}}
	for _, fd := range files {
		attr.Files = append(attr.Files, uintptr(fd))
	}
	return fork(self, args, "", attr)
}

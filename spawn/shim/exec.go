package shim

import (
	"path"
	"syscall"
)

// Exec replaces this process with the program, or ends it with a report. It returns only if package spawn must find
// out what the error of the kernel means.
func (i *Instructions) Exec() *Rest {
	UnblockSignals()
	write([]byte{Ready})
	program := i.Name()
	if i.Path == "" && len(split(program, '/')) <= 1 { // without a slash
		program = i.lookPath()
	}
	err := syscall.Exec(program, i.Args, i.Env)
	if err != syscall.ENOENT && err != syscall.EACCES {
		fail(StageExec, err, program)
	}
	return &Rest{Instructions: i, Program: program, Errno: err.(syscall.Errno)}
}

// lookPath searches PATH for the program as execvp(3) does. It returns the first file that this process may execute. If
// there are only files without permission, the error is EACCES instead of ENOENT. Elements of PATH that are not
// absolute are skipped.
func (i *Instructions) lookPath() string {
	name, dirs := i.Args[0], i.getenv("PATH")
	errno := syscall.ENOENT
	for _, dir := range split(dirs, ':') {
		if name == "" || !path.IsAbs(dir) {
			continue
		}
		file := path.Join(dir, name)
		err := Executable(file)
		if err == nil {
			return file
		}
		if err == syscall.EACCES && syscall.Access(file, exists) == nil {
			errno = syscall.EACCES
		}
	}
	if dirs == "" {
		dirs = EmptyPath
	}
	Fail(StageExec, errno, name, dirs)
	return ""
}

// EmptyPath replaces a PATH that is empty or not set, in a report.
const EmptyPath = "which is empty"

// getenv returns the last value of a variable of the program.
func (i *Instructions) getenv(name string) (value string) {
	for _, s := range i.Env {
		if n := len(name); len(s) > n && s[:n] == name && s[n] == '=' {
			value = s[n+1:]
		}
	}
	return value
}

// The modes of access(2).
const (
	exists = 0
	toRun  = 1
)

// Executable returns nil if file is a regular file that this process may execute. access(2) checks the real user; in a
// shim that is also the effective user.
func Executable(file string) error {
	var st syscall.Stat_t
	if err := syscall.Stat(file, &st); err != nil {
		return err
	}
	if st.Mode&syscall.S_IFMT != syscall.S_IFREG {
		return syscall.EACCES
	}
	return syscall.Access(file, toRun)
}

package spawn

import (
	"cmp"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"jobsd/internal/binfmt"
)

// exec replaces this process with the program. If that fails, it reports which file is at fault.
func (c *Command) exec() *Error {
	path := c.name()
	if c.Path == "" && !strings.Contains(path, "/") {
		var e *Error
		if path, e = lookPath(path, c.Env); e != nil {
			return e
		}
	}
	err := unix.Exec(path, c.Argv, c.Env)
	return diagnose(path, errnoOf(err))
}

// lookPath searches the PATH of env for name as execvp(3) does. It returns the first file that this process may
// execute. If there are only files without permission, the error is EACCES instead of ENOENT. Elements of PATH that
// are not absolute are skipped.
func lookPath(name string, env []string) (string, *Error) {
	path := getenv(env, "PATH")
	errno := syscall.ENOENT
	for _, dir := range filepath.SplitList(path) {
		if name == "" || !filepath.IsAbs(dir) {
			continue
		}
		file := filepath.Join(dir, name)
		err := executable(file)
		if err == nil {
			return file, nil
		}
		if err == syscall.EACCES && unix.Access(file, unix.F_OK) == nil {
			errno = syscall.EACCES
		}
	}
	return "", &Error{Stage: StageExec, Errno: errno, Path: name, Detail: cmp.Or(path, emptyPath)}
}

// emptyPath replaces a PATH that is empty or not set.
const emptyPath = "which is empty"

// getenv returns the last value of key.
func getenv(env []string, key string) (value string) {
	for _, s := range env {
		if v, ok := strings.CutPrefix(s, key+"="); ok {
			value = v
		}
	}
	return value
}

// executable returns nil if file is a regular file that this process may execute. access(2) checks the real user; in
// a shim that is also the effective user.
func executable(file string) error {
	var st unix.Stat_t
	if err := unix.Stat(file, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return syscall.EACCES
	}
	return unix.Access(file, unix.X_OK)
}

// diagnose returns the error for a failed exec of path. The kernel uses the same ENOENT and EACCES for the program,
// the interpreter of a script, the interpreter's interpreter, and the dynamic loader.
func diagnose(path string, errno syscall.Errno) *Error {
	e := &Error{Stage: StageExec, Errno: errno, Path: path}
	if errno != syscall.ENOENT && errno != syscall.EACCES || executable(path) != nil {
		return e
	}
	program := path
	for range 5 { // the kernel follows at most five interpreters
		program, path = path, interpreter(path)
		if path == "" {
			break
		}
		if err := executable(path); err != nil {
			return &Error{Stage: StageInterpreter, Errno: errnoOf(err), Path: path, Detail: program}
		}
	}
	return e
}

// interpreter returns the program that runs a script or loads a dynamic program. It returns "" if there is none or if
// file cannot be read.
func interpreter(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	path, _ := binfmt.Interpreter(f)
	return path
}

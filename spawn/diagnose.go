package spawn

import (
	"os"
	"syscall"

	"jobsd/internal/binfmt"
	"jobsd/spawn/shim"
)

// diagnose returns the error for a failed exec of path. The kernel uses the same ENOENT and EACCES for the program,
// the interpreter of a script, the interpreter's interpreter, and the dynamic loader.
func diagnose(path string, errno syscall.Errno) *Error {
	e := &Error{Stage: StageExec, Errno: errno, Path: path}
	if errno != syscall.ENOENT && errno != syscall.EACCES || shim.Executable(path) != nil {
		return e
	}
	program := path
	for range 5 { // the kernel follows at most five interpreters
		program, path = path, interpreter(path)
		if path == "" {
			break
		}
		if err := shim.Executable(path); err != nil {
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

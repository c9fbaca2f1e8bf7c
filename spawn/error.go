package spawn

import (
	"strconv"
	"strings"
	"syscall"

	"jobsd/internal/plain"
	"jobsd/spawn/shim"
)

// These are the stages of a start, in their order. StageShim is a shim that ended before exec without a report: it
// was killed, also by the limits that it had set for itself. StageTimeout is for a caller that stops waiting for a
// shim.
const (
	StageFork        = "fork"
	StageNice        = shim.StageNice
	StageLimits      = shim.StageLimits
	StageKeyring     = shim.StageKeyring
	StageUser        = shim.StageUser
	StageDir         = shim.StageDir
	StageEnvFile     = "env_file"
	StageExec        = shim.StageExec
	StageInterpreter = "interpreter" // the interpreter of a script, or the dynamic loader of a program
	StageShim        = "shim"
	StageTimeout     = "timeout"
	StageInternal    = "internal error" // a bug in the daemon
)

// Error describes which step of a start failed, why, and on which file or value.
type Error struct {
	Stage string        `json:"stage"`
	Errno syscall.Errno `json:"errno"`
	Path  string        `json:"path"` // file or directory; for limits, user and nice the value that could not be set
	// Detail adds to Path. For exec it is the PATH that was searched, for an interpreter the program that asks for
	// it, for env_file what is wrong with the file.
	Detail string `json:"detail,omitempty"`
}

// Error returns a text like `cannot start: the interpreter /bin/nosuch of /opt/x does not exist`.
func (e *Error) Error() string {
	text := "cannot start: " + e.Why()
	if e.Transient() { // the manual pages explain these errors by name
		text += " (" + ErrnoName(e.Errno) + ")"
	}
	return text
}

// Why describes the failure in words.
func (e *Error) Why() string {
	path, cannot := printable(e.Path), ": "+reason(e.Errno)
	switch e.Stage {
	case StageFork:
		return "cannot fork for " + path + cannot
	case StageNice:
		return "cannot set the nice value " + path + cannot
	case StageLimits:
		return "cannot set the limit " + path + cannot
	case StageKeyring:
		return "cannot make a session keyring for " + path + cannot
	case StageUser:
		return "cannot switch to " + path + cannot
	case StageDir:
		return "the directory " + path + e.problem("cannot be entered")
	case StageEnvFile:
		return "the env_file " + path + e.envFile()
	case StageExec:
		return e.exec()
	case StageInterpreter:
		return "the interpreter " + path + " of " + printable(e.Detail) + e.problem("cannot be executed") + e.lineEnds()
	case StageShim:
		return "its process ended before it executed " + path + cannot
	case StageTimeout:
		return "the start of " + path + " timed out"
	}
	return "internal error of the daemon: " + path + cannot
}

// problem describes what is wrong with a file or directory.
func (e *Error) problem(cannot string) string {
	switch e.Errno {
	case syscall.ENOENT:
		return " does not exist"
	case syscall.ENOTDIR:
		return " does not exist: its path leads through a file that is not a directory"
	}
	return " " + cannot + ": " + reason(e.Errno)
}

func (e *Error) exec() string {
	path := printable(e.Path)
	switch {
	case e.Detail != "":
		in := " in PATH (" + plain.Cut(printable(e.Detail), 200) + ")"
		if e.Errno == syscall.ENOENT {
			return strconv.Quote(e.Path) + " is not" + in
		}
		return strconv.Quote(e.Path) + " is" + in + " but" + e.problem("cannot be executed")
	case e.Errno == syscall.ENOEXEC:
		return path + " is neither a program for this machine nor a script that begins with #!"
	case e.Errno == syscall.ETXTBSY:
		return path + " is open for writing"
	case e.Errno == syscall.E2BIG:
		return "the arguments and the environment of " + path + " are too long"
	}
	return path + e.problem("cannot be executed")
}

// lineEnds explains a carriage return, which editors do not show.
func (e *Error) lineEnds() string {
	if strings.HasSuffix(e.Path, "\r") {
		return ": the script has Windows line endings (CR LF); convert it to LF"
	}
	return ""
}

func (e *Error) envFile() string {
	switch {
	case e.Errno == syscall.ELOOP:
		return " leads through too many symbolic links"
	case e.Errno == syscall.EFBIG:
		return " is larger than 1 MiB"
	case e.Detail != "" && (e.Errno == syscall.EINVAL || e.Errno == syscall.EPERM):
		return e.Detail
	case e.Detail != "" && e.Detail != e.Path:
		return e.problem("cannot be read") + " (at " + printable(e.Detail) + ")"
	}
	return e.problem("cannot be read")
}

// Unwrap returns the errno, for errors.Is.
func (e *Error) Unwrap() error { return e.Errno }

// Transient reports whether the start failed because processes, memory or descriptors ran out. That is a temporary
// condition, not a fault of the command. If a user is over RLIMIT_NPROC, the kernel refuses exec, not fork
// (execve(2), EAGAIN).
func (e *Error) Transient() bool {
	switch e.Errno {
	case syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE:
		return e.Stage == StageFork || e.Stage == StageExec
	case syscall.EBADF: // dup3(2) in the child returns it for a number above RLIMIT_NOFILE
		return e.Stage == StageFork
	}
	return false
}

// Busy reports whether the program is open for writing (ETXTBSY). The condition is short, so the start is worth a few
// retries.
func (e *Error) Busy() bool { return e.Errno == syscall.ETXTBSY }

// printable makes invisible characters visible, such as the carriage return of an interpreter in a DOS file.
func printable(path string) string {
	if path == "" {
		return `""`
	}
	return plain.Word(path)
}

func reason(errno syscall.Errno) string {
	if errno == syscall.ETIMEDOUT {
		return "timed out" // the text of the system is about connections
	}
	return errno.Error()
}

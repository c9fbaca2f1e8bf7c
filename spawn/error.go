package spawn

import (
	"strconv"
	"strings"
	"syscall"

	"jobsd/internal/plain"
)

// The stages of a start, in their order. StageShim is a shim that ended without a word, before exec: killed, or
// brought down by the limits it had set itself. StageTimeout is for the caller who gives a shim up.
const (
	StageFork        = "fork"
	StageUmask       = "umask"
	StageNice        = "nice"
	StageLimits      = "limits"
	StageKeyring     = "keyring"
	StageUser        = "user"
	StageDir         = "dir"
	StageEnvFile     = "env_file"
	StageExec        = "exec"
	StageInterpreter = "interpreter" // of a script, or the dynamic loader of a program
	StageShim        = "shim"
	StageTimeout     = "timeout"
	StageInternal    = "internal error" // of the daemon's own
)

// Error says which step of a start failed, why, and on what.
type Error struct {
	Stage string        `json:"stage"`
	Errno syscall.Errno `json:"errno"`
	Path  string        `json:"path"` // file or directory; of limits, user and nice what could not be set
	// Detail is more on Path: of exec the PATH in which a name was looked up, of an interpreter the program that asks
	// for it, of env_file what is wrong with it.
	Detail string `json:"detail,omitempty"`
}

// Error reads like `cannot start: the interpreter /bin/nosuch of /opt/x does not exist`.
func (e *Error) Error() string {
	text := "cannot start: " + e.Why()
	if e.Transient() { // by the name that manuals explain it under
		text += " (" + ErrnoName(e.Errno) + ")"
	}
	return text
}

// Why says in words what stood in the way.
func (e *Error) Why() string {
	path, cannot := printable(e.Path), ": "+reason(e.Errno)
	switch e.Stage {
	case StageFork:
		return "cannot fork for " + path + cannot
	case StageUmask:
		return "cannot set the umask" + cannot
	case StageNice:
		return "cannot set the nice value " + path + cannot
	case StageLimits:
		return "cannot set the limit " + path + cannot
	case StageKeyring:
		return "cannot make a session keyring for " + path + cannot
	case StageUser:
		return "cannot become " + path + cannot
	case StageDir:
		return "the directory " + path + e.fate("cannot be entered")
	case StageEnvFile:
		return "the env_file " + path + e.envFile()
	case StageExec:
		return e.exec()
	case StageInterpreter:
		return "the interpreter " + path + " of " + printable(e.Detail) + e.fate("cannot be executed") + e.lineEnds()
	case StageShim:
		return "its process ended before it was " + path + cannot
	case StageTimeout:
		return "the start of " + path + " timed out"
	}
	return "by a mistake of the daemon's own: " + path + cannot
}

// fate says what is the matter with a file or directory.
func (e *Error) fate(cannot string) string {
	switch e.Errno {
	case syscall.ENOENT:
		return " does not exist"
	case syscall.ENOTDIR:
		return " does not exist, for what leads to it is not a directory"
	}
	return " " + cannot + ": " + reason(e.Errno)
}

func (e *Error) exec() string {
	path := printable(e.Path)
	switch {
	case e.Detail != "" && e.Errno == syscall.ENOENT:
		return strconv.Quote(e.Path) + " is not in PATH (" + shortened(e.Detail) + ")"
	case e.Detail != "":
		return strconv.Quote(e.Path) + " is in PATH (" + shortened(e.Detail) + ") but" + e.fate("cannot be executed")
	case e.Errno == syscall.ENOEXEC:
		return path + " is neither a program for this machine nor a script that begins with #!"
	case e.Errno == syscall.ETXTBSY:
		return path + " is being written"
	case e.Errno == syscall.E2BIG:
		return "the arguments and the environment of " + path + " are too long"
	}
	return path + e.fate("cannot be executed")
}

// lineEnds explains what cannot be seen in an editor.
func (e *Error) lineEnds() string {
	if strings.HasSuffix(e.Path, "\r") {
		return ": the lines of the script end as on Windows"
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
		return e.fate("cannot be read") + " (at " + printable(e.Detail) + ")"
	}
	return e.fate("cannot be read")
}

// shortened is a PATH that fits a line.
func shortened(path string) string {
	const most = 200
	path = printable(path)
	if len(path) > most {
		path = strings.ToValidUTF8(path[:most], "") + "..."
	}
	return path
}

// Unwrap gives the errno, for errors.Is.
func (e *Error) Unwrap() error { return e.Errno }

// Transient reports whether the start failed for want of processes, memory or descriptors: weather, not the fault of
// the command. The kernel refuses a user over its RLIMIT_NPROC at exec instead of fork (execve(2), EAGAIN).
func (e *Error) Transient() bool {
	switch e.Errno {
	case syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE:
		return e.Stage == StageFork || e.Stage == StageExec
	case syscall.EBADF: // of dup3(2) in the child, for a number that RLIMIT_NOFILE does not allow
		return e.Stage == StageFork
	}
	return false
}

// Busy reports whether the program is being written just now (ETXTBSY): worth a few tries more.
func (e *Error) Busy() bool { return e.Errno == syscall.ETXTBSY }

// printable shows what would be missed otherwise, as the carriage return in an interpreter named by a DOS file.
func printable(path string) string {
	if path == "" {
		return `""`
	}
	return plain.Word(path)
}

func reason(errno syscall.Errno) string {
	if errno == syscall.ETIMEDOUT {
		return "timed out" // the system's text speaks of connections
	}
	return errno.Error()
}

package spawn

import (
	"strconv"
	"strings"
	"syscall"
)

// The stages of a start, in their order. StageShim is a shim that ended without a word, before exec: killed, or
// brought down by the limits it had set itself. StageTimeout is for the caller who gives a shim up.
const (
	StageFork        = "fork"
	StageUmask       = "umask"
	StageNice        = "nice"
	StageLimits      = "limits"
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
	Stage  string        `json:"stage"`
	Errno  syscall.Errno `json:"errno"`
	Path   string        `json:"path"`             // file or directory; of limits, user and nice what could not be set
	Detail string        `json:"detail,omitempty"` // for people, to be read after Path
}

var cannot = map[string]string{
	StageFork:        "fork for",
	StageUmask:       "set umask",
	StageNice:        "set nice",
	StageLimits:      "set limit",
	StageUser:        "become",
	StageDir:         "enter directory",
	StageEnvFile:     "use env_file",
	StageExec:        "exec",
	StageInterpreter: "run interpreter",
	StageShim:        "start",
	StageTimeout:     "start",
	StageInternal:    "start, by a mistake of the daemon's own:",
}

// Error reads like `cannot run interpreter /bin/nosuch of /opt/x: no such file or directory`.
func (e *Error) Error() string {
	words := []string{"cannot", cannot[e.Stage], printable(e.Path)}
	if e.Detail != "" {
		words = append(words, e.Detail)
	}
	text := strings.Join(words, " ") + ": " + reason(e.Errno)
	if e.Transient() { // by the name that manuals explain it under
		text += " (" + ErrnoName(e.Errno) + ")"
	}
	return text
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
	if path == "" || strings.ContainsFunc(path, func(r rune) bool { return !strconv.IsPrint(r) }) {
		return strconv.Quote(path)
	}
	return path
}

func reason(errno syscall.Errno) string {
	if errno == syscall.ETIMEDOUT {
		return "timed out" // the system's text speaks of connections
	}
	return errno.Error()
}

package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"jobsd/statefile"
)

// The exit codes, as jobsd(8) lists them.
const (
	exitFailed   = 1 // it did not work, or what was looked at is not well
	exitUsage    = 2
	exitNoJob    = 3
	exitDenied   = 4 // not permitted
	exitNoDaemon = 5
	exitHeld     = 6 // another daemon holds the state directory
	exitNewer    = 7 // the state on disk is of a newer version
)

// failure is an error with what a person can do about it and the code to exit with.
type failure struct {
	code int
	err  error  // nil: all has been said
	hint string // "": none
}

func (f *failure) Error() string {
	if f.err == nil {
		return "failed"
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// notWell ends with exit code 1 without a word: what is wrong has been printed.
var notWell = &failure{code: exitFailed}

func fail(code int, hint, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...), hint}
}

func usage(hint, format string, args ...any) error { return fail(exitUsage, hint, format, args...) }

// codeOf returns the exit code that goes with err.
func codeOf(err error) int {
	var f *failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		return f.code
	case errors.Is(err, statefile.ErrHeld):
		return exitHeld
	case errors.Is(err, statefile.ErrNewer):
		return exitNewer
	case errors.Is(err, fs.ErrPermission):
		return exitDenied
	}
	return exitFailed
}

// report prints err for a person, the hint on a line of its own, and returns the exit code.
func report(w io.Writer, err error) int {
	var f *failure
	if errors.As(err, &f) && f.err == nil {
		return f.code
	}
	if err != nil {
		fmt.Fprintf(w, "jobsd: %s\n", strings.TrimSpace(err.Error()))
		if hint := hintFor(err); hint != "" {
			fmt.Fprintf(w, "hint: %s\n", hint)
		}
	}
	return codeOf(err)
}

// each does something of each name, whatever becomes of the others. It ends with the code of the first that failed.
func (a *app) each(list []string, do func(name string) error) error {
	code := 0
	for _, name := range list {
		if failed := report(a.err, do(name)); code == 0 {
			code = failed
		}
	}
	if code != 0 {
		return &failure{code: code}
	}
	return nil
}

func hintFor(err error) string {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f.hint
	case errors.Is(err, statefile.ErrNewer):
		return "a newer jobsd wrote it: use that version, or another state directory"
	case errors.Is(err, statefile.ErrShared):
		return "set state_dir in jobsd.toml to a directory on a local disk, or set shared_state = true there if only one machine uses this directory"
	case errors.Is(err, syscall.EROFS):
		return "use --root DIR to keep all files of jobsd below a directory that it can write to"
	case errors.Is(err, fs.ErrPermission):
		return "only root and the daemon's user may do this"
	}
	return ""
}

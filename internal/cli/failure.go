package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"syscall"

	"jobsd/internal/jobfile"
	"jobsd/statefile"
)

// The exit codes, as jobsd(8) lists them.
const (
	exitFailed   = 1 // the verb failed, or it found a problem
	exitUsage    = 2
	exitNoJob    = 3
	exitDenied   = 4 // not permitted
	exitNoDaemon = 5
	exitHeld     = 6 // another daemon holds the state directory
	exitVersion  = 7 // the state on disk is of another version
)

// failure is an error with an exit code and a hint for the person.
type failure struct {
	code int
	err  error  // nil: everything has been printed
	hint string // "": none
}

func (f *failure) Error() string {
	if f.err == nil {
		return "failed"
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// notWell exits with code 1 and prints nothing, because the problem has already been printed.
var notWell = &failure{code: exitFailed}

// orUnwell returns err or, if something else is wrong, notWell.
func orUnwell(err error, wrong bool) error {
	if err == nil && wrong {
		return notWell
	}
	return err
}

func fail(code int, hint, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...), hint}
}

func usage(hint, format string, args ...any) error { return fail(exitUsage, hint, format, args...) }

// nearest is a hint with the known word that is nearest to a wrong one, or otherwise, if none is near.
func nearest(wrong string, known []string, otherwise string) string {
	if word := jobfile.Nearest(wrong, known); word != "" {
		return fmt.Sprintf("did you mean %q?", word)
	}
	return otherwise
}

// codeOf returns the exit code for err.
func codeOf(err error) int {
	var f *failure
	switch {
	case err == nil:
		return 0
	case errors.As(err, &f):
		return f.code
	case errors.Is(err, statefile.ErrHeld):
		return exitHeld
	case errors.Is(err, statefile.ErrVersion):
		return exitVersion
	case errors.Is(err, fs.ErrPermission):
		return exitDenied
	}
	return exitFailed
}

// report prints err, with the hint on its own line, and returns the exit code.
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

// each calls do for every name, even if some fail. The exit code is that of the first failure.
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
	case errors.Is(err, statefile.ErrOlder):
		return "keep that directory and use an empty one: set state_dir in jobsd.toml, or rename the directory; or use the older program"
	case errors.Is(err, statefile.ErrShared):
		return "set state_dir in jobsd.toml to a directory on a local disk, or set shared_state = true there if only one machine uses this directory"
	case errors.Is(err, syscall.EROFS):
		return "use --root DIR to keep all files of jobsd below a directory that it can write to"
	case errors.Is(err, fs.ErrPermission):
		return "only root and the daemon's user may do this"
	}
	return ""
}

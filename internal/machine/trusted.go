package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"jobsd/internal/plain"
	"jobsd/internal/trust"
)

// CheckProgram says why a program must not replace the daemon's: a user other than root and the daemon's user can write
// the program or its directory, or it cannot be executed. A link may lead to it. CheckProgram may wait for a disk.
func CheckProgram(path string) error {
	judge := Here().Judge
	target, err := judge.Walk(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot find the program: %w", err)
	case err != nil:
		return &trust.PathError{Path: path, Err: err}
	}
	var st unix.Stat_t
	if err := unix.Lstat(target, &st); err != nil {
		return &os.PathError{Op: "stat", Path: target, Err: err}
	}
	why := trust.Irregular(uint32(st.Mode), false)
	if why == "" {
		why = judge.Distrust(-1, &st, target, false)
	}
	if why == "" && uint32(st.Mode)&0o111 == 0 {
		why = fmt.Sprintf("cannot be executed (mode %04o): chmod +x %s", uint32(st.Mode)&0o7777, trust.Quote(target))
	}
	if why != "" {
		return fmt.Errorf("%s: %s", plain.Word(target), why)
	}
	return nil
}

// Sealed reports whether a job file is trusted only because it or its directory is on a read-only mount: by owner and
// mode another user could change it.
func Sealed(path string) bool {
	judge := Here().Judge
	for _, p := range []string{path, filepath.Dir(path)} {
		var st unix.Stat_t
		if unix.Stat(p, &st) == nil {
			judge.Distrust(-1, &st, p, false)
		}
	}
	return judge.Sealed != nil
}

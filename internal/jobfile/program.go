package jobfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/internal/trust"
)

// CheckProgram says why a program is not trusted to take the daemon's place: somebody but root and the daemon's user can
// write it or its directory, or it cannot be executed. A link may lead to it. It may wait for a disk.
func CheckProgram(path string) error {
	h := thisHost(time.Now())
	real, err := h.judge.Walk(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot find the program: %w", err)
	case err != nil:
		return fmt.Errorf("%s: %w", printable(path), err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(real, &st); err != nil {
		return &os.PathError{Op: "stat", Path: real, Err: err}
	}
	if why := irregular(uint32(st.Mode), false); why != "" {
		return fmt.Errorf("%s: %s", printable(real), why)
	}
	if why := h.judge.Fault(&st, real, false); why != "" && !trust.ReadOnly(real) {
		return fmt.Errorf("%s: %s", printable(real), why)
	}
	if uint32(st.Mode)&0o111 == 0 {
		return fmt.Errorf("%s: cannot be executed (mode %04o): chmod +x %s", printable(real), uint32(st.Mode)&0o7777, trust.Quote(real))
	}
	return nil
}

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

// CheckProgram says why a program must not replace the daemon's: a user other than root and the daemon's user can write
// the program or its directory, or it cannot be executed. A link may lead to it. CheckProgram may wait for a disk.
func CheckProgram(path string) error {
	h := thisHost(time.Now())
	target, err := h.judge.Walk(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot find the program: %w", err)
	case err != nil:
		return fmt.Errorf("%s: %w", printable(path), err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(target, &st); err != nil {
		return &os.PathError{Op: "stat", Path: target, Err: err}
	}
	if why := irregular(uint32(st.Mode), false); why != "" {
		return fmt.Errorf("%s: %s", printable(target), why)
	}
	if why := h.judge.Fault(&st, target, false); why != "" && !trust.ReadOnly(target) {
		return fmt.Errorf("%s: %s", printable(target), why)
	}
	if uint32(st.Mode)&0o111 == 0 {
		return fmt.Errorf("%s: cannot be executed (mode %04o): chmod +x %s", printable(target), uint32(st.Mode)&0o7777, trust.Quote(target))
	}
	return nil
}

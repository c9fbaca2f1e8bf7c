package jobfile

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// CheckProgram says why a program is not trusted to take the daemon's place: somebody but root and the daemon's user can
// write it or its directory, or it cannot be executed. A link may lead to it. It may wait for a disk.
func CheckProgram(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return fmt.Errorf("cannot find the program: %w", err)
	}
	h := thisHost(time.Now())
	dir, err := openFolder(h, filepath.Dir(real))
	if err != nil {
		return err
	}
	defer dir.close()
	var st unix.Stat_t
	if err := unix.Fstatat(dir.fd, filepath.Base(real), &st, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &os.PathError{Op: "stat", Path: real, Err: err}
	}
	if why := irregular(uint32(st.Mode), false); why != "" {
		return fmt.Errorf("%s: %s", printable(real), why)
	}
	if why := h.distrust(&st, real); why != "" {
		return fmt.Errorf("%s: %s", printable(real), why)
	}
	if uint32(st.Mode)&0o111 == 0 {
		return fmt.Errorf("%s: cannot be executed (mode %04o): chmod 755 %s", printable(real), uint32(st.Mode)&0o7777, shellWord(real))
	}
	return nil
}

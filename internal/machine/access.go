package machine

import (
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
)

// Obstacle returns what keeps a user from executing a program: a directory that the user must not enter, or the program
// itself. It returns "" if nothing does, or if only the start can tell.
func (p *Programs) Obstacle(u *User, program string) string {
	target, st, err := p.stat(program)
	if err != nil || u.UID == 0 || !isRegular(&st) {
		return ""
	}
	found := ""
	if !p.permits(u, target, 1) || isScript(target) && !p.permits(u, target, 4) { // the interpreter reads a script
		found = target
	}
	for dir := filepath.Dir(target); ; dir = filepath.Dir(dir) {
		if !p.permits(u, dir, 1) {
			found = dir // the outermost one is what must change first
		}
		if dir == "/" {
			return found
		}
	}
}

// permits reports whether the mode of a file gives a user these permissions, a sum of 4, 2 and 1. A file with an access
// control list counts as one that does, because the list decides.
func (p *Programs) permits(u *User, path string, need uint32) bool {
	_, st, err := p.stat(path)
	if err != nil {
		return true
	}
	if n, err := unix.Getxattr(path, "system.posix_acl_access", nil); err == nil && n > 0 {
		return true
	}
	mode := uint32(st.Mode) & 0o777
	switch {
	case st.Uid == u.UID:
		mode >>= 6
	case st.Gid == u.GID || slices.Contains(u.Groups, st.Gid):
		mode >>= 3
	}
	return mode&need == need
}

// isScript reports whether a program starts with #!.
func isScript(path string) bool {
	head := make([]byte, 2)
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	n, _ := f.ReadAt(head, 0)
	return string(head[:n]) == "#!"
}

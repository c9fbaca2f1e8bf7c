//go:build !linux || 386 || arm

package shim

import "syscall"

// become switches to the user. It sets the groups first and the uid last, because after that it may change nothing
// else.
func (u *User) become() error {
	groups := make([]int, len(u.Groups))
	for n, g := range u.Groups {
		groups[n] = int(g)
	}
	err := syscall.Setgroups(groups)
	if err == nil {
		err = syscall.Setgid(int(u.GID))
	}
	if err == nil {
		err = syscall.Setuid(int(u.UID))
	}
	return err
}

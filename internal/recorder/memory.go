package recorder

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// The owner of a memory is the process that has a lock on it. Such a lock ends with its process, and not before all
// threads of the process have ended. A process that only has a descriptor of the memory, such as the daemon, does not
// own it.

// own makes this process the owner of the memory.
func own(memory int) error {
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(uintptr(memory), unix.F_SETLK, &lock); err != nil {
		return fmt.Errorf("cannot lock the memory of the recorder, so another recorder may use it: %w", err)
	}
	return nil
}

// Owner returns the pid of the recorder that owns a memory. It is 0 if this process cannot see the pid. If the system
// does not tell whether there is an owner, there may be one.
func Owner(memory int) (pid int, owned bool) {
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(uintptr(memory), unix.F_GETLK, &lock); err != nil {
		return 0, true
	}
	return int(max(0, lock.Pid)), lock.Type != unix.F_UNLCK
}

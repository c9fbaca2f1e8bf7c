package runner

import (
	"syscall"

	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// kernel is the system as it is.
type kernel struct{ bootID string }

func (kernel) now() core.Now { return readClocks() }

func (kernel) start(c *spawn.Command) (spawn.Process, *spawn.Handshake, error) { return spawn.Start(c) }

func (kernel) reap() (spawn.Exit, bool) { return spawn.Reap() }

func (kernel) signal(p spawn.Process, sig syscall.Signal) error { return spawn.SignalGroup(p, sig) }

// left counts a group that is not empty as one: how many are in it only a look at every process would tell.
func (kernel) left(p spawn.Process) int {
	if spawn.GroupEmpty(p) {
		return 0
	}
	return 1
}

func (k kernel) adopt(l statefile.Live) (spawn.Process, bool) {
	if l.PID == 0 || l.Ended || l.BootID != k.bootID {
		return spawn.Process{}, false
	}
	return spawn.Adopt(spawn.Process{PID: l.PID, Inode: l.Inode, Start: l.PIDStart})
}

func (kernel) status(p spawn.Process) (spawn.Exit, bool) { return spawn.AdoptedStatus(p) }

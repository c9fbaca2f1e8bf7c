package runner

import (
	"path"
	"strconv"
	"syscall"

	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// kernel is the system as it is.
type kernel struct {
	bootID  string
	cgroups *spawn.Cgroups // nil: there are none
}

func (kernel) now() core.Now { return readClocks() }

func (k kernel) start(run uint64, c *spawn.Command) (spawn.Process, *spawn.Handshake, error) {
	c.Cgroup = k.cgroups.Make(leafName(run))
	p, h, err := spawn.Start(c)
	if p.Cgroup == "" {
		k.cgroups.Drop(c.Cgroup)
	}
	return p, h, err
}

func leafName(run uint64) string { return strconv.FormatUint(run, 10) }

func (k kernel) release(p spawn.Process) {
	p.Close()
	if p.Cgroup != "" {
		k.cgroups.Drop(p.Cgroup)
	}
}

func (kernel) reap() (spawn.Exit, bool) { return spawn.Reap() }

func (kernel) signal(p spawn.Process, sig syscall.Signal) error { return spawn.SignalGroup(p, sig) }

func (kernel) left(p *spawn.Process) (int, bool) { return spawn.Leftovers(p) }

func (k kernel) close() { k.cgroups.Close() }

func (k kernel) find(marks []string) map[string]spawn.Process {
	if len(marks) == 0 {
		return nil
	}
	return spawn.FindLeaders(marks, func(mark string) string { return k.cgroups.Leaf(path.Base(mark)) })
}

func (k kernel) adopt(l statefile.Live) (spawn.Process, bool) {
	if l.PID == 0 || l.Ended || l.BootID != k.bootID {
		return spawn.Process{}, false
	}
	return spawn.Adopt(spawn.Process{PID: l.PID, Inode: l.Inode, Start: l.PIDStart, Cgroup: k.cgroups.Leaf(leafName(l.Run))})
}

// remains returns what is known of a run whose leader is gone, if anything that it left may live.
func (k kernel) remains(l statefile.Live) (spawn.Process, bool) {
	return spawn.Process{PID: l.PID, FD: -1, Cgroup: k.cgroups.Leaf(leafName(l.Run))}, l.PID > 1 && l.BootID == k.bootID
}

func (kernel) status(p spawn.Process) (spawn.Exit, bool) { return spawn.AdoptedStatus(p) }

package runner

import (
	"strconv"
	"syscall"

	"jobsd/runner/core"
	"jobsd/spawn"
	"jobsd/statefile"
)

// kernel is the real system.
type kernel struct {
	bootID  string
	cgroups *spawn.Cgroups // nil: not available
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

func (kernel) signalLeader(p spawn.Process, sig syscall.Signal) error {
	return spawn.SignalLeader(p, sig)
}

func (kernel) left(p *spawn.Process) (int, bool) { return spawn.Leftovers(p) }

func (k kernel) close() { k.cgroups.Close() }

func (k kernel) sweep() { k.cgroups.Sweep() }

// survivor looks for a run in its cgroup leaf, if it has one, and for its leader. A populated leaf proves that the run
// is alive and of this boot, whatever the journal knows about its process.
func (k kernel) survivor(l statefile.Live) survivor {
	leaf := k.cgroups.Leaf(leafName(l.Run))
	lives := spawn.Populated(leaf)
	switch {
	case l.PID == 0 && lives && !l.Ended:
		if p, ok := spawn.LeafLeader(leaf); ok {
			return survivor{leads, p}
		}
		return survivor{leaderless, spawn.WatchLeaf(leaf)}
	case l.PID == 0 && leaf == "" && !l.Ended:
		return survivor{fate: sought}
	case l.PID > 0 && !lives && !l.Ended && (isUnknownBoot(l.BootID) || isUnknownBoot(k.bootID)):
		return survivor{fate: sought} // only its tag can prove that it is alive; a pid proves nothing
	case l.PID == 0, !lives && !sameBoot(l.BootID, k.bootID):
		return survivor{}
	}
	if p, ok := spawn.Adopt(spawn.Process{PID: l.PID, Inode: l.Inode, Start: l.PIDStart, Cgroup: leaf}); ok && !l.Ended {
		return survivor{leads, p}
	} else if ok {
		p.Close()
	}
	if leaf != "" && !lives {
		return survivor{}
	}
	return survivor{remains, spawn.Remains(l.PID, leaf)}
}

func (kernel) status(p spawn.Process) (spawn.Exit, bool) { return spawn.AdoptedStatus(p) }

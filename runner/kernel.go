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
	bootID   string
	cgroups  *spawn.Cgroups  // nil: not available
	evidence *spawn.Evidence // nil: not available
	clocks   core.Now        // the last reading: what happens in one moment needs only one
}

func (k *kernel) now() core.Now { return k.clocks }

func (k *kernel) readClocks() { k.clocks = readClocks() }

func (k *kernel) start(run uint64, c *spawn.Command) (spawn.Process, *spawn.Handshake, error) {
	c.Leaf, c.Run, c.Evidence = k.cgroups.Make(leafName(run)), run, k.evidence
	p, h, err := spawn.Start(c)
	if p.Cgroup == "" {
		k.cgroups.Give(c.Leaf)
	}
	return p, h, err
}

func leafName(run uint64) string { return strconv.FormatUint(run, 10) }

func (k *kernel) release(p spawn.Process) {
	p.Close()
	k.cgroups.Release(&p)
}

func (*kernel) reap() (spawn.Exit, bool) { return spawn.Reap() }

func (*kernel) signal(p spawn.Process, sig syscall.Signal) error { return spawn.SignalGroup(p, sig) }

func (*kernel) signalLeader(p spawn.Process, sig syscall.Signal) error {
	return spawn.SignalLeader(p, sig)
}

func (*kernel) left(p *spawn.Process) (int, bool) { return spawn.Leftovers(p) }

func (k *kernel) unforked(run uint64) { k.evidence.Unforked(run) }

func (k *kernel) leaveEvidence() { k.evidence.Close() }

func (k *kernel) spare() bool { return k.cgroups.Spare() }

func (k *kernel) shrink() bool { return k.cgroups.Shrink() }

func (k *kernel) close() { k.cgroups.Close() }

func (k *kernel) sweep() { k.cgroups.Sweep() }

// survivor finds out what became of a run. The evidence knows more than the journal if the previous daemon was killed
// around the fork.
func (k *kernel) survivor(l statefile.Live) survivor {
	stage, p := k.evidence.Of(l.Run, k.cgroups.Leaf(leafName(l.Run)))
	switch {
	case l.Ended:
	case stage == spawn.Unforked:
		return survivor{fate: unforked}
	case stage == spawn.Forked && l.PID == 0 && p.PID == 0:
		return survivor{fate: gone, forked: true}
	case stage == spawn.Forked && l.PID == 0:
		l.PID, l.Inode, l.PIDStart, l.BootID = p.PID, p.Inode, p.Start, k.bootID
	}
	s := k.lookFor(l)
	if !l.Ended && l.PID > 0 && sameBoot(l.BootID, k.bootID) {
		s.leader = core.Leader{PID: l.PID, Inode: l.Inode, PIDStart: l.PIDStart}
	}
	return s
}

func (kernel) ended(p spawn.Process) (spawn.Process, bool) { return spawn.Ended(p) }

// lookFor looks for a run in its cgroup leaf, if it has one, and for its leader. A populated leaf proves that the run is
// alive and of this boot, whatever the journal knows about its process.
func (k *kernel) lookFor(l statefile.Live) survivor {
	leaf := k.cgroups.Leaf(leafName(l.Run))
	lives := spawn.Populated(leaf)
	switch {
	case l.PID == 0 && lives && !l.Ended:
		if p, ok := spawn.LeafLeader(leaf); ok {
			return survivor{fate: leads, proc: p}
		}
		return survivor{fate: leaderless, proc: spawn.WatchLeaf(leaf)}
	case l.PID == 0 && leaf == "" && !l.Ended:
		return survivor{fate: sought}
	case l.PID > 0 && !lives && !l.Ended && (isUnknownBoot(l.BootID) || isUnknownBoot(k.bootID)):
		return survivor{fate: sought} // only its tag can prove that it is alive; a pid proves nothing
	case l.PID == 0, !lives && !sameBoot(l.BootID, k.bootID):
		return survivor{}
	}
	if p, ok := spawn.Adopt(spawn.Process{PID: l.PID, Inode: l.Inode, Start: l.PIDStart, Cgroup: leaf}); ok && !l.Ended {
		return survivor{fate: leads, proc: p}
	} else if ok {
		p.Close()
	}
	if leaf != "" && !lives {
		return survivor{}
	}
	return survivor{fate: remains, proc: spawn.Remains(l.PID, leaf)}
}

func (*kernel) status(p spawn.Process) (spawn.Exit, bool) { return spawn.AdoptedStatus(p) }

package spawn

import (
	"syscall"
	"testing"

	"jobsd/internal/testdir"
)

// TestUsageOfLeaf: if the daemon is killed around a fork, the CPU time in the leaf says whether there was a process: in a new
// leaf, and in one that has served another run. A process that is alive, another leaf, or none says nothing.
func TestUsageOfLeaf(t *testing.T) {
	g := leaves(t)
	g.Measure()
	e := open(t, testdir.Memory(t), stateID, "boot")
	check := func(run uint64, leaf string, want Stage) {
		t.Helper()
		if got, p := e.Of(run, leaf); got != want || p.PID != 0 {
			t.Errorf("run %d: got the stage %d and pid %d, want %d and no pid", run, got, p.PID, want)
		}
	}
	for run, l := range map[uint64]*Leaf{1: g.Make("1"), 2: nil} {
		if l == nil {
			served(t, g, "other")
			if l = g.Make("2"); l.stat < 0 || l.usage.inode == 0 {
				t.Fatalf("the leaf has not served another run: %+v", l)
			}
		}
		if l.usage.time < 0 || l.usage.time == 0 != (run == 1) {
			t.Errorf("run %d: got the CPU time %d before the run", run, l.usage.time)
		}
		e.forking(run, l.before())
		check(run, "", Unknown)
		check(run, l.Path(), Unforked)
		check(run, "", Unforked) // the leaf is not needed again
		e.forking(run, l.before())
		other := g.Make("3")
		if run == 2 {
			check(run, other.Path(), Unknown)
		}
		g.Give(other)
		alive := program("/bin/sleep", "1000")
		alive.Leaf = l
		p := mustLaunch(t, alive, true)
		check(run, l.Path(), Unknown)
		SignalGroup(p, syscall.SIGKILL)
		reap(t, p.PID)
		until(t, "end of the process", func() bool { return !Populated(l.Path()) })
		check(run, "", Unknown)
		check(run, l.Path(), Forked)
		check(run, "", Forked)
		g.Give(l)
	}
	e.forking(4, unknownUsage)
	l := g.Make("4")
	check(4, l.Path(), Unknown)
	g.Give(l)
}

// TestUsageOfFork: each fork stores the CPU time of the leaf in which it makes the process.
func TestUsageOfFork(t *testing.T) {
	g := leaves(t)
	g.Measure()
	e := open(t, testdir.Memory(t), stateID, "boot")
	l := g.Make("1")
	c := program("/bin/true")
	c.Run, c.Evidence, c.Leaf = 1, e, l
	reap(t, mustLaunch(t, c, true).PID)
	if got := e.slot(1).usage; got != l.usage {
		t.Errorf("got %+v in the leaf, want %+v", got, l.usage)
	}
	c.Run, c.Leaf = 2, nil
	reap(t, mustLaunch(t, c, true).PID)
	if got := e.slot(2).usage; got != unknownUsage {
		t.Errorf("got %+v without a leaf, want %+v", got, unknownUsage)
	}
	g.Give(l)
}

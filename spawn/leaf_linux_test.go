package spawn

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// leaves returns cgroups whose leaves can serve more than one run.
func leaves(t *testing.T) *Cgroups {
	g, err := OpenCgroups(fmt.Sprint("jobsd-leaves-", os.Getpid()))
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(g.Close)
	l := g.Make("0")
	if err := unix.Setxattr(l.path, ownerName, []byte("0"), 0); err != nil {
		t.Skip("this system has no attributes for cgroups: ", err)
	}
	g.Give(l)
	g.pool.shrink(0)
	return g
}

// served returns a leaf that has served a run and is free again.
func served(t *testing.T, g *Cgroups, run string) *Leaf {
	l := g.Make(run)
	p := startIn(t, l)
	reap(t, p.PID)
	until(t, "the leaf to be empty", func() bool { Leftovers(&p); return p.Cgroup == "" })
	return l
}

// startIn starts a process in a leaf that ends at once.
func startIn(t *testing.T, l *Leaf) Process {
	c := program("/bin/true")
	c.Leaf = l
	p := mustLaunch(t, c, true)
	if p.Cgroup != l.Path() {
		t.Skip("this system cannot start processes in a cgroup")
	}
	return p
}

// The leaf of a finished run serves the next one, and belongs to that from then on.
func TestLeafServesAgain(t *testing.T) {
	g := leaves(t)
	first := served(t, g, "1")
	second := g.Make("2")
	if second != first {
		t.Fatalf("run 2 has the leaf %s, want that of run 1", second.Path())
	}
	if g.Leaf("2") != second.Path() || g.Leaf("1") != "" {
		t.Errorf("a new daemon finds run 2 in %q and run 1 in %q", g.Leaf("2"), g.Leaf("1"))
	}
	// Run 1 is started again while run 2 has the leaf with its name.
	other := g.Make("1")
	if other == nil || other.Path() == first.Path() {
		t.Fatalf("run 1 has the leaf %s, want another one", other.Path())
	}
	g.runs = nil
	if g.Leaf("1") != other.Path() {
		t.Errorf("a new daemon finds run 1 in %q, want %s", g.Leaf("1"), other.Path())
	}
	g.Give(other)
	g.Give(second)
}

// A leaf serves no other run while a process or a cgroup is in it, or while it is frozen.
func TestLeafInUse(t *testing.T) {
	for name, spoil := range map[string]func(leaf string) error{
		"cgroup": func(leaf string) error { return os.Mkdir(filepath.Join(leaf, "inside"), 0o755) },
		"frozen": func(leaf string) error { return os.WriteFile(filepath.Join(leaf, "cgroup.freeze"), []byte("1"), 0) },
	} {
		t.Run(name, func(t *testing.T) {
			g := leaves(t)
			l := served(t, g, "1")
			must(spoil(l.Path()))
			next := g.Make("2")
			if next == l {
				t.Error("the leaf serves another run")
			}
			g.Give(next)
		})
	}
	t.Run("process", func(t *testing.T) {
		g := leaves(t)
		l := served(t, g, "1")
		c := program("/bin/sleep", "1000")
		c.Leaf = l
		p := mustLaunch(t, c, true) // behind the back of the pool
		if next := g.Make("2"); next == l {
			t.Error("the leaf serves another run")
		}
		killLeaf(l.Path())
		reap(t, p.PID)
		until(t, "the leaf to be removed", func() bool { g.Drop(""); return !exists(l.Path()) })
	})
}

// A search may still kill all that is in a leaf, so the leaf serves no other run.
func TestLeafSearched(t *testing.T) {
	g := leaves(t)
	l := g.Make("1")
	p := startIn(t, l)
	p.ForSearch()
	reap(t, p.PID)
	until(t, "the leaf to be given up", func() bool { Leftovers(&p); return p.Cgroup == "" })
	if exists(l.Path()) || g.Spare() {
		t.Error("the leaf can serve another run")
	}
}

// If an earlier run has made its leaf one that takes no processes, the next run gets a new leaf.
func TestLeafRenewed(t *testing.T) {
	g := leaves(t)
	l := served(t, g, "1")
	if err := os.WriteFile(filepath.Join(l.Path(), "cgroup.type"), []byte("threaded"), 0); err != nil {
		t.Skip("cannot make a cgroup that takes no processes: ", err)
	}
	next := g.Make("2")
	p := startIn(t, next)
	reap(t, p.PID)
	if g.Leaf("2") != next.Path() {
		t.Errorf("run 2 is in %s, but a new daemon finds %q", next.Path(), g.Leaf("2"))
	}
	g.Release(&p)
}

// Leaves that no run needs are removed after a while.
func TestLeavesShrink(t *testing.T) {
	g := leaves(t)
	var used []*Leaf
	for n := range maxOpened + 10 {
		used = append(used, g.Make(fmt.Sprint(n)))
	}
	for _, l := range used {
		g.Give(l)
	}
	if n := len(g.pool.free); n != maxOpened {
		t.Errorf("%d leaves are free, want %d", n, maxOpened)
	}
	g.Shrink() // from here on it counts
	g.Give(g.Make("next"))
	if g.Shrink(); len(g.pool.free) != 1 {
		t.Errorf("%d leaves are free after one run, want 1", len(g.pool.free))
	}
	if g.Shrink() || g.Spare() || len(g.pool.opened) > 0 {
		t.Error("leaves are left that no run needs")
	}
}

// With few descriptors, no leaf keeps any.
func TestLeavesWithFewDescriptors(t *testing.T) {
	for limit, want := range map[uint64]int{0: 0, 40: 0, 128: 0, 256: 9, 1024: maxOpened, 1 << 20: maxOpened} {
		if got := openable(limit); got != want {
			t.Errorf("with %d descriptors, %d leaves stay open, want %d", limit, got, want)
		}
	}
	g := leaves(t)
	g.pool.most = 0
	l := g.Make("1")
	if g.Give(l); exists(l.Path()) || g.Spare() {
		t.Error("a leaf stays open")
	}
}

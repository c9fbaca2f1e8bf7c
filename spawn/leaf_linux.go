package spawn

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Leaf is a cgroup that belongs to one run at a time. To make one and to remove it costs more than to start a process
// in it. So the leaf of a finished run serves another one, once it is proven empty.
//
// A leaf has the name of the run for which it was made. If it belongs to another run now, an attribute says so: a new
// daemon must know whose processes it finds in it.
type Leaf struct {
	cgroups *Cgroups
	path    string
	dir     int   // its folder; -1: not open
	events  int   // its file eventsFile; -1: not open
	stat    int   // its file statFile; -1: not open
	used    bool  // a run has it; otherwise it is in the pool
	again   bool  // it served another run before
	taken   int   // how many leaves the pool had given out when it gave out this one
	spent   bool  // it serves no other run
	usage   usage // before its run
}

// ownerName is the attribute that says which run a leaf belongs to.
const ownerName = "user.jobsd.run"

// leafPool has the leaves of finished runs.
type leafPool struct {
	free    []*Leaf // the last one was used last
	opened  []*Leaf // those with open descriptors, free or used
	most    int     // how many those may be, see openable
	taken   int     // how many leaves the pool has given out
	least   int     // how many leaves were free at all times since the last Shrink
	refused bool    // the kernel has no such attributes for cgroups (Linux before 5.7), so leaves serve only once
}

// maxOpened limits how many leaves have open descriptors, three each, and so how many can be free. Runs that end quickly
// need few leaves, whatever their number.
const maxOpened = 64

// openable returns how many leaves may have open descriptors in a process that may have limit descriptors. If these are
// few, the runs need them more.
func openable(limit uint64) int {
	const others, share = 128, 14
	if limit <= others {
		return 0
	}
	return int(min((limit-others)/share, maxOpened))
}

// longUse is how many leaves are given out until the run of an earlier one counts as one that does not end soon. Its leaf
// then makes room for another one.
const longUse = 1000

// Make returns a leaf for a run. It returns nil if that fails.
func (g *Cgroups) Make(run string) *Leaf {
	if g == nil {
		return nil
	}
	for len(g.pool.free) > 0 {
		l := g.pool.take()
		if l.vacant() && l.belongTo(run) {
			l.usage.time = readUsage(l.stat)
			return l
		}
		g.remove(l)
	}
	l := &Leaf{cgroups: g, path: filepath.Join(g.dir, run), dir: -1, events: -1, stat: -1, used: true}
	err := syscall.Mkdir(l.path, 0o755)
	if err == syscall.EEXIST && !g.pool.has(l.path) && syscall.Rmdir(l.path) == nil {
		err = syscall.Mkdir(l.path, 0o755)
	}
	for n := 1; err == syscall.EEXIST && n <= maxOpened; n++ { // the start of a run is tried again, and another run has its leaf
		l.path = filepath.Join(g.dir, run+"-"+strconv.Itoa(n))
		if err = syscall.Mkdir(l.path, 0o755); err == nil && unix.Setxattr(l.path, ownerName, []byte(run), 0) != nil {
			syscall.Rmdir(l.path)
			return nil
		}
	}
	if err != nil {
		return nil
	}
	return l
}

// Path returns the folder of the leaf, "" for nil.
func (l *Leaf) Path() string {
	if l == nil {
		return ""
	}
	return l.path
}

// Give gives back a leaf that its run does not need any more.
func (g *Cgroups) Give(l *Leaf) {
	if l != nil && !l.give() {
		g.remove(l)
	}
}

// Release gives back the leaf of a finished run.
func (g *Cgroups) Release(p *Process) {
	switch {
	case p.leaf != nil:
		g.Give(p.leaf)
	case p.Cgroup != "":
		g.Drop(p.Cgroup)
	}
}

// ForSearch returns a copy of the process for a searcher. A search may kill all that is in the leaf even after the run is
// over, so the leaf serves no other run.
func (p *Process) ForSearch() Process {
	if p.leaf != nil {
		p.leaf.spent = true
	}
	return *p
}

// Shrink removes the leaves that were free all the time since the last call. It returns whether leaves are left.
func (g *Cgroups) Shrink() bool {
	if g == nil {
		return false
	}
	g.pool.shrink(len(g.pool.free) - g.pool.least)
	return len(g.pool.free) > 0
}

// Spare reports whether a leaf is free.
func (g *Cgroups) Spare() bool { return g != nil && len(g.pool.free) > 0 }

// has reports whether a leaf that can serve another run has a path.
func (p *leafPool) has(path string) bool {
	return slices.ContainsFunc(p.opened, func(l *Leaf) bool { return l.path == path })
}

func (p *leafPool) take() *Leaf {
	last := len(p.free) - 1
	l := p.free[last]
	p.free = p.free[:last]
	p.least = min(p.least, last)
	p.taken++
	l.used, l.taken = true, p.taken
	return l
}

func (p *leafPool) shrink(to int) {
	for len(p.free) > to {
		l := p.free[0] // the one that has not served for the longest time
		p.free = p.free[1:]
		l.cgroups.remove(l)
	}
	p.least = len(p.free)
}

// open opens the folder of a leaf for a fork. False: there is no leaf.
func (l *Leaf) open() bool {
	if l == nil {
		return false
	}
	if l.dir < 0 {
		fd, err := unix.Open(l.path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return false
		}
		l.dir = fd
	}
	return true
}

// forked closes the folder after a fork, unless the leaf is one of those that stay open.
func (l *Leaf) forked() {
	if l.events < 0 {
		l.close()
	}
}

// keep opens the leaf of a finished run for other runs. False: it can serve none.
func (l *Leaf) keep() bool {
	p := &l.cgroups.pool
	switch {
	case l.events >= 0:
		return !l.spent
	case l.spent || p.refused || !p.hasRoom() || !l.open():
		return false
	}
	fd, err := unix.Openat(l.dir, eventsFile, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		l.close()
		return false
	}
	l.events = fd
	if l.cgroups.measures {
		if l.stat, err = unix.Openat(l.dir, statFile, unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			l.stat = -1
		}
	}
	p.opened = append(p.opened, l)
	return true
}

// hasRoom reports whether one more leaf may have open descriptors.
func (p *leafPool) hasRoom() bool {
	if len(p.opened) < p.most {
		return true
	}
	for _, l := range p.opened {
		if l.used && p.taken-l.taken > longUse {
			l.close()
			return true
		}
	}
	return false
}

// close closes the descriptors of a leaf.
func (l *Leaf) close() {
	if l.dir >= 0 {
		unix.Close(l.dir)
	}
	if l.events >= 0 {
		unix.Close(l.events)
		p := &l.cgroups.pool
		p.opened = slices.DeleteFunc(p.opened, func(other *Leaf) bool { return other == l })
	}
	if l.stat >= 0 {
		unix.Close(l.stat)
	}
	l.dir, l.events, l.stat = -1, -1, -1
}

// vacant reports whether an open leaf is as good as new: no process is in it or below it, it has no cgroups inside, and
// it does not freeze what comes in. rmdir(2) proves no more.
func (l *Leaf) vacant() bool {
	var st unix.Stat_t
	if err := unix.Fstat(l.dir, &st); err != nil || st.Nlink != 2 {
		return false
	}
	l.usage.inode = st.Ino
	var b [256]byte
	n, err := unix.Pread(l.events, b[:], 0)
	text := string(b[:max(n, 0)])
	return err == nil && strings.Contains(text, "populated 0\n") && !strings.Contains(text, "frozen 1\n")
}

// give puts an empty leaf into the pool, or removes it if it cannot serve any more. It returns false if a process is in
// it.
func (l *Leaf) give() bool {
	switch {
	case l == nil:
		return false
	case !l.keep():
		if syscall.Rmdir(l.path) != nil {
			return false
		}
		l.close()
		return true
	case !l.vacant():
		return false
	}
	l.used = false
	p := &l.cgroups.pool
	p.free = append(p.free, l)
	return true
}

// belongTo makes the leaf that of a run.
func (l *Leaf) belongTo(run string) bool {
	l.again = true
	if err := unix.Fsetxattr(l.dir, ownerName, []byte(run), 0); err != nil {
		l.cgroups.pool.refused = true
		return false
	}
	return true
}

// renew replaces a leaf in which a process cannot start although it served another run before, which may have changed
// its settings. False: it is new already.
func (l *Leaf) renew() bool {
	if !l.again {
		return false
	}
	var owner [64]byte
	n, err := unix.Getxattr(l.path, ownerName, owner[:])
	l.close()
	if err != nil || syscall.Rmdir(l.path) != nil || syscall.Mkdir(l.path, 0o755) != nil {
		return false
	}
	l.again, l.usage = false, usage{}
	return unix.Setxattr(l.path, ownerName, owner[:n], 0) == nil
}

// remove removes a leaf, at once or when it is empty.
func (g *Cgroups) remove(l *Leaf) {
	l.close()
	g.Drop(l.path)
}

// ownerOf returns the run that a leaf belongs to.
func ownerOf(leaf string) string {
	var owner [64]byte
	n, err := unix.Getxattr(leaf, ownerName, owner[:])
	if err != nil || n == 0 {
		return filepath.Base(leaf)
	}
	return string(owner[:n])
}

package spawn

import (
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	huntTime  = 2 * time.Second  // so long processes that fork faster than they can be killed are chased in one call
	huntPause = time.Millisecond // between two rounds
	huntEmpty = 3                // so many empty rounds in a row prove that nobody was on the jump
)

// Hunter looks for the processes of runs, wherever they went. It belongs to one goroutine, which may have to wait for it
// for some seconds.
type Hunter struct {
	leaves *Cgroups // nil: there are none
	marks  *markReader
}

// NewHunter returns a hunter for the runs that have their leaves in g.
func NewHunter(g *Cgroups) *Hunter { return &Hunter{g, newMarkReader()} }

// Close ends what the hunter has begun.
func (h *Hunter) Close() { h.marks.close() }

// Hunt sends sig to the processes of the prey that have left the process group of their leader, or to all of them where
// that group is Gone. Signal 0 only counts;
// KILL is for all of them, and comes back when nobody is left or after two seconds. Zombies do not count.
//
// A run that began in a cgroup of its own has its processes there and nowhere else, whatever a stranger's environment
// says. Only for other runs all processes of the machine are looked at: one is found by its mark, and by being a child of
// one that was found. None is signalled that is not proven to be the run's: its pidfd is opened first, then the proof is
// looked at once more, and the signal goes through the pidfd.
func (h *Hunter) Hunt(prey []Prey, sig syscall.Signal) Catch {
	var c Catch
	switch sig {
	case syscall.SIGKILL:
		c = h.huntDown(prey)
	case 0:
		c = Catch{Left: h.countAll(prey)}
	default:
		found := h.scan(prey)
		defer found.close()
		for _, q := range found.list {
			if q.group != q.prey.Leader.PID || q.prey.Gone {
				unix.PidfdSendSignal(q.fd, sig, nil, 0)
			}
		}
		c = Catch{Left: found.count(prey)}
	}
	c.Hidden = len(h.marks.stuck)
	return c
}

// countAll counts. That nobody is there takes more than one look: who forks and ends all the time may slip through one.
func (h *Hunter) countAll(prey []Prey) map[uint64]int {
	left := map[uint64]int{}
	deadline := time.Now().Add(huntTime)
	for empty := 0; empty < huntEmpty && time.Now().Before(deadline); {
		found := h.scan(prey)
		found.close()
		for run, n := range found.count(prey) {
			left[run] = n
		}
		if empty++; found.unsure {
			empty = 0
		}
		if len(left) == len(prey) || !slices.ContainsFunc(prey, Prey.roams) {
			break
		}
		time.Sleep(huntPause)
	}
	return left
}

// huntDown kills until nobody is found any more. All are stopped before the first is killed, so that none forks
// meanwhile.
func (h *Hunter) huntDown(prey []Prey) Catch {
	deadline := time.Now().Add(huntTime)
	killed := map[uint64][]int{}
	for empty := 0; ; {
		found := h.scan(prey)
		for _, q := range found.list {
			unix.PidfdSendSignal(q.fd, unix.SIGSTOP, nil, 0)
		}
		for _, q := range found.list {
			unix.PidfdSendSignal(q.fd, unix.SIGKILL, nil, 0)
			if run := q.prey.Run; q.group != q.prey.Leader.PID && !slices.Contains(killed[run], q.pid) {
				killed[run] = append(killed[run], q.pid)
			}
		}
		found.close()
		for _, p := range prey {
			if !p.Group {
				killLeaf(p.Leader.Cgroup)
			}
		}
		left := found.count(prey)
		if empty++; len(left) > 0 || found.unsure {
			empty = 0
		}
		if empty == huntEmpty || time.Now().After(deadline) {
			return Catch{Left: left, Killed: killed}
		}
		time.Sleep(huntPause)
	}
}

// quarry is a process that was found and proven.
type quarry struct {
	prey  *Prey
	pid   int
	fd    int // pidfd
	group int
}

// bag is what one look at all processes has brought.
type bag struct {
	list []quarry
	seen map[int]bool

	unsure bool // a descendant of ours was in the middle of its exec, or gone before it could be looked at
}

func (b *bag) close() {
	for _, q := range b.list {
		unix.Close(q.fd)
	}
}

// count returns how many were found of each run. A leaf that is populated holds at least one, also if it could not be
// looked at.
func (b *bag) count(prey []Prey) map[uint64]int {
	n := map[uint64]int{}
	for _, q := range b.list {
		n[q.prey.Run]++
	}
	for _, p := range prey {
		if n[p.Run] == 0 && !p.Group && Populated(p.Leader.Cgroup) {
			n[p.Run] = 1
		}
	}
	return n
}

// add takes in a process if it still proves to be the prey's once it is held.
func (b *bag) add(p *Prey, pid int, proof func() bool) {
	if b.seen[pid] {
		return
	}
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return
	}
	s, err := standingOf(pid)
	if err != nil || s.ended() || p.Group && s.Group != p.Leader.PID || !proof() {
		unix.Close(fd)
		return
	}
	b.seen[pid] = true
	b.list = append(b.list, quarry{p, pid, fd, s.Group})
}

// roams tells that no cgroup holds the processes of the run together.
func (p Prey) roams() bool { return p.Leader.born == "" }

func (h *Hunter) scan(prey []Prey) *bag {
	b := &bag{seen: map[int]bool{os.Getpid(): true}}
	roaming := map[string]*Prey{}
	for i := range prey {
		if p := &prey[i]; p.roams() {
			roaming[p.Mark] = p
		} else {
			b.addLeaf(p)
		}
	}
	if len(roaming) == 0 {
		return b
	}
	h.addDescendants(b, roaming)
	for _, pid := range processes() {
		h.addMarked(b, roaming, pid, false)
	}
	for _, p := range roaming {
		if leader, ok := Adopt(p.Leader); ok {
			b.addChildren(p, leader.PID, leader.FD)
			leader.Close()
		}
	}
	for i := 0; i < len(b.list); i++ { // the list grows
		if q := b.list[i]; q.prey.roams() {
			b.addChildren(q.prey, q.pid, q.fd)
		}
	}
	return b
}

// addMarked takes in a process that bears one of the marks, and tells whether its environment could be read.
func (h *Hunter) addMarked(b *bag, marks map[string]*Prey, pid int, ours bool) bool {
	if b.seen[pid] || h.leaves.holds(pid) {
		return true
	}
	mark, ok := h.marks.of(pid, ours)
	if p := marks[mark]; p != nil {
		b.add(p, pid, func() bool { again, _ := h.marks.of(pid, ours); return again == p.Mark && !h.leaves.holds(pid) })
	}
	return ok
}

// addDescendants goes through our own descendants. All orphans of our runs are among them, as we are their subreaper,
// and they are few: who hops from process to process may be gone before a look at all processes comes to it.
func (h *Hunter) addDescendants(b *bag, marks map[string]*Prey) {
	for queue := childrenOf(os.Getpid()); len(queue) > 0; queue = queue[1:] {
		pid := queue[0]
		if !h.addMarked(b, marks, pid, true) {
			s, err := standingOf(pid)
			b.unsure = b.unsure || err != nil || !s.ended()
		}
		queue = append(queue, childrenOf(pid)...)
	}
}

func (b *bag) addLeaf(p *Prey) {
	for _, pid := range leafProcesses(p.Leader.Cgroup) {
		b.add(p, pid, func() bool { return inLeaf(pid, p.Leader.Cgroup) })
	}
}

// addChildren takes in the children of a process that is held. A child is one as long as both live.
func (b *bag) addChildren(p *Prey, parent, fd int) {
	lives := func() bool { return fd >= 0 && unix.PidfdSendSignal(fd, 0, nil, 0) == nil }
	for _, pid := range childrenOf(parent) {
		b.add(p, pid, func() bool {
			s, err := standingOf(pid)
			return err == nil && s.Parent == parent && lives()
		})
	}
}

// childrenOf returns the children of all threads of a process.
func childrenOf(pid int) (pids []int) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	tasks, _ := os.ReadDir(dir)
	for _, task := range tasks {
		text, _ := os.ReadFile(dir + "/" + task.Name() + "/children")
		pids = append(pids, numbers(string(text))...)
	}
	return pids
}

// processes returns the pids of all processes.
func processes() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	var pids []int
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

// FindLeaders looks for the leaders of runs of which only the mark is known: the daemon that forked them was killed
// before it could write down their pids, and they have no leaf. The caller closes them.
func (h *Hunter) FindLeaders(marks []string) map[string]Process {
	found := map[string]Process{}
	deadline := time.Now().Add(huntTime)
	for _, pid := range processes() {
		if time.Now().After(deadline) { // strangers hide their environments: the daemon cannot wait for all of them
			break
		}
		mark, _ := h.marks.of(pid, false)
		if !slices.Contains(marks, mark) {
			continue
		}
		p := Process{PID: pid, FD: -1}
		if !openPidfd(&p) {
			continue
		}
		p.identify()
		again, _ := h.marks.of(pid, false)
		s, err := standingOf(pid)
		ours := err == nil && !s.ended() && again == mark && !h.leaves.holds(pid)
		if !ours || s.Session != pid { // a leader made a session of its own
			p.Close()
			continue
		}
		if other, twice := found[mark]; twice {
			other.Close()
		}
		found[mark] = p
	}
	return found
}

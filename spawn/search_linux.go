package spawn

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	searchTime  = 2 * time.Second  // time limit of one call for processes that fork faster than it can kill them
	searchPause = time.Millisecond // pause between two rounds
	searchEmpty = 3                // empty rounds in a row that prove that no process slipped through by forking
)

// Searcher looks for the processes of runs, inside and outside their process groups. It belongs to one goroutine. A
// call may take some seconds.
type Searcher struct {
	leaves *Cgroups // nil: runs have no leaves
	tags   *tagReader
}

// NewSearcher returns a searcher for the runs that have their leaves in g.
func NewSearcher(g *Cgroups) *Searcher { return &Searcher{g, newTagReader()} }

// Close ends the threads of the searcher.
func (h *Searcher) Close() { h.tags.close() }

// Signal sends sig to the processes of these runs outside the process group of their leader, or to all of them if
// Gone is set. Signal 0 only counts. KILL goes to all of them, and Signal then returns when none is left or after two
// seconds. Zombies do not count.
//
// If a run started in its own cgroup, all its processes are in that cgroup, and the tags of other processes do not
// matter. Only for other runs does Signal look at all processes of the machine: it finds a process by its tag, or
// because it is a child of a process already found. Signal signals only processes that it has proved to belong to the
// run. It opens the pidfd first, then checks the proof again, and then sends the signal through the pidfd.
func (h *Searcher) Signal(searches []Search, sig syscall.Signal) Findings {
	var c Findings
	switch sig {
	case syscall.SIGKILL:
		c = h.killAll(searches)
	case 0:
		c = Findings{Left: h.countAll(searches)}
	default:
		found := h.scan(searches)
		defer found.close()
		for _, q := range found.list {
			if q.group != q.search.Leader.PID || q.search.Gone {
				unix.PidfdSendSignal(q.fd, sig, nil, 0)
			}
		}
		c = Findings{Left: found.count(searches)}
	}
	c.Hidden = len(h.tags.stuck)
	return c
}

// countAll counts the processes of these runs. One empty scan is no proof that none is left, because a process that
// keeps forking and exiting may slip through a scan.
func (h *Searcher) countAll(searches []Search) map[uint64]int {
	left := map[uint64]int{}
	deadline := time.Now().Add(searchTime)
	for empty := 0; empty < searchEmpty && time.Now().Before(deadline); {
		found := h.scan(searches)
		found.close()
		for run, n := range found.count(searches) {
			left[run] = n
		}
		if empty++; found.unsure {
			empty = 0
		}
		if len(left) == len(searches) || !slices.ContainsFunc(searches, Search.hasNoLeaf) {
			break
		}
		time.Sleep(searchPause)
	}
	return left
}

// killAll kills until no process is found. In each round it stops all processes before it kills the first, so that
// none can fork in the meantime.
func (h *Searcher) killAll(searches []Search) Findings {
	deadline := time.Now().Add(searchTime)
	killed := map[uint64][]int{}
	for empty := 0; ; {
		found := h.scan(searches)
		for _, q := range found.list {
			unix.PidfdSendSignal(q.fd, unix.SIGSTOP, nil, 0)
		}
		for _, q := range found.list {
			unix.PidfdSendSignal(q.fd, unix.SIGKILL, nil, 0)
			if run := q.search.Run; q.group != q.search.Leader.PID && !slices.Contains(killed[run], q.pid) {
				killed[run] = append(killed[run], q.pid)
			}
		}
		found.close()
		for _, p := range searches {
			if !p.Group {
				killLeaf(p.Leader.Cgroup)
			}
		}
		left := found.count(searches)
		if empty++; len(left) > 0 || found.unsure {
			empty = 0
		}
		if empty == searchEmpty || time.Now().After(deadline) {
			return Findings{Left: left, Killed: killed}
		}
		time.Sleep(searchPause)
	}
}

// target is a process that provably belongs to a run that is searched for.
type target struct {
	search *Search
	pid    int
	fd     int // pidfd
	group  int
}

// scanResult is the result of one scan of the processes.
type scanResult struct {
	list []target
	seen map[int]bool

	unsure bool // a descendant was in the middle of its exec, or ended before the scan could look at it
}

func (b *scanResult) close() {
	for _, q := range b.list {
		unix.Close(q.fd)
	}
}

// count returns the number of processes found for each run. A populated leaf counts as at least one process, even if
// the scan could not look at it.
func (b *scanResult) count(searches []Search) map[uint64]int {
	n := map[uint64]int{}
	for _, q := range b.list {
		n[q.search.Run]++
	}
	for _, p := range searches {
		if n[p.Run] == 0 && !p.Group && Populated(p.Leader.Cgroup) {
			n[p.Run] = 1
		}
	}
	return n
}

// add adds a process if its proof still holds after its pidfd is open.
func (b *scanResult) add(p *Search, pid int, proof func() bool) {
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
	b.list = append(b.list, target{p, pid, fd, s.Group})
}

// hasNoLeaf reports whether no cgroup holds the processes of the run together.
func (p Search) hasNoLeaf() bool { return p.Leader.born == "" }

func (h *Searcher) scan(searches []Search) *scanResult {
	b := &scanResult{seen: map[int]bool{os.Getpid(): true}}
	roaming := map[string]*Search{}
	for i := range searches {
		if p := &searches[i]; p.hasNoLeaf() {
			roaming[p.Tag] = p
		} else {
			b.addLeaf(p)
		}
	}
	if len(roaming) == 0 {
		return b
	}
	h.addDescendants(b, roaming)
	for _, pid := range processes() {
		h.addTagged(b, roaming, pid, false)
	}
	for _, p := range roaming {
		if leader, ok := Adopt(p.Leader); ok {
			b.addChildren(p, leader.PID, leader.FD)
			leader.Close()
		}
	}
	for i := 0; i < len(b.list); i++ { // the list grows while it is read
		if q := b.list[i]; q.search.hasNoLeaf() {
			b.addChildren(q.search, q.pid, q.fd)
		}
	}
	return b
}

// addTagged adds a process that has one of the tags, and reports whether its environment could be read.
func (h *Searcher) addTagged(b *scanResult, tags map[string]*Search, pid int, ours bool) bool {
	if b.seen[pid] || h.leaves.holds(pid) {
		return true
	}
	tag, ok := h.tags.of(pid, ours)
	if p := tags[tag]; p != nil {
		b.add(p, pid, func() bool { again, _ := h.tags.of(pid, ours); return again == p.Tag && !h.leaves.holds(pid) })
	}
	return ok
}

// addDescendants scans the descendants of this process. All orphans of its runs are among them, because this process
// is their subreaper. They are few, so this scan also catches a process that moves from pid to pid by forking, which
// a scan of all processes may miss.
func (h *Searcher) addDescendants(b *scanResult, tags map[string]*Search) {
	for queue := childrenOf(os.Getpid()); len(queue) > 0; queue = queue[1:] {
		pid := queue[0]
		if !h.addTagged(b, tags, pid, true) {
			s, err := standingOf(pid)
			b.unsure = b.unsure || err != nil || !s.ended()
		}
		queue = append(queue, childrenOf(pid)...)
	}
}

func (b *scanResult) addLeaf(p *Search) {
	for _, pid := range leafProcesses(p.Leader.Cgroup) {
		b.add(p, pid, func() bool { return inLeaf(pid, p.Leader.Cgroup) })
	}
}

// addChildren adds the children of a process whose pidfd is open. The parent's pid proves the relation only while the
// parent lives.
func (b *scanResult) addChildren(p *Search, parent, fd int) {
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
		pids = append(pids, numbers(strings.Fields(string(text)))...)
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
	return numbers(names)
}

// FindLeaders looks for the leaders of runs of which only the tag is known: the daemon was killed before it could
// write down their pids, and they have no leaf. The caller closes them.
func (h *Searcher) FindLeaders(tags []string) map[string]Process {
	found := map[string]Process{}
	deadline := time.Now().Add(searchTime)
	for _, pid := range processes() {
		if time.Now().After(deadline) { // other users can hide environments, and the daemon must not wait for all of them
			break
		}
		tag, _ := h.tags.of(pid, false)
		if !slices.Contains(tags, tag) {
			continue
		}
		p, ok := leader(Process{PID: pid, FD: -1}, func(standing) bool {
			again, _ := h.tags.of(pid, false)
			return again == tag && !h.leaves.holds(pid)
		})
		if !ok {
			continue
		}
		if other, twice := found[tag]; twice {
			other.Close()
		}
		found[tag] = p
	}
	return found
}

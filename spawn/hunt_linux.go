package spawn

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	huntTime  = 2 * time.Second  // so long processes that fork faster than they can be killed are chased in one call
	huntPause = time.Millisecond // between two rounds
	huntEmpty = 3                // so many empty rounds in a row prove that nobody was on the jump
	mostEnv   = 4 << 20          // bytes of an environment
)

// Hunt sends sig to the processes of the prey that have left the process group of their leader, or to all of them where
// that group is Gone. Signal 0 only counts;
// KILL is for all of them, and comes back when nobody is left or after two seconds. Zombies do not count.
//
// A process is found by three ways: its mark, its cgroup, and being a child of one that was found. None is signalled
// that is not proven to be the run's: its pidfd is opened first, then the proof is looked at once more, and the signal
// goes through the pidfd. It takes a look at every process of the machine and may be called from any goroutine.
func Hunt(prey []Prey, sig syscall.Signal) Catch {
	switch sig {
	case syscall.SIGKILL:
		return huntDown(prey)
	case 0:
		return Catch{Left: countAll(prey)}
	}
	found := scan(prey)
	defer found.close()
	for _, q := range found.list {
		if q.group != q.prey.Leader.PID || q.prey.Gone {
			unix.PidfdSendSignal(q.fd, sig, nil, 0)
		}
	}
	return Catch{Left: found.count()}
}

// countAll counts. That nobody is there takes more than one look: who forks and ends all the time may slip through one.
func countAll(prey []Prey) map[uint64]int {
	left := map[uint64]int{}
	deadline := time.Now().Add(huntTime)
	for empty := 0; empty < huntEmpty && time.Now().Before(deadline); {
		found := scan(prey)
		found.close()
		for run, n := range found.count() {
			left[run] = n
		}
		if empty++; found.unsure {
			empty = 0
		}
		if len(left) == len(prey) {
			break
		}
		time.Sleep(huntPause)
	}
	return left
}

// huntDown kills until nobody is found any more. All are stopped before the first is killed, so that none forks
// meanwhile.
func huntDown(prey []Prey) Catch {
	deadline := time.Now().Add(huntTime)
	killed := map[uint64][]int{}
	for empty := 0; ; {
		found := scan(prey)
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
				killLeaf(p.Leader.Cgroup, found.own)
			}
		}
		if empty++; len(found.list) > 0 || found.unsure {
			empty = 0
		}
		if empty == huntEmpty || time.Now().After(deadline) {
			return Catch{found.count(), killed}
		}
		time.Sleep(huntPause)
	}
}

// killLeaf kills all in a cgroup at once, unless this process itself, which is in own, was started from there.
func killLeaf(leaf, own string) {
	if leaf != "" && own != "" && own != leaf && !strings.HasPrefix(own, leaf+"/") {
		os.WriteFile(filepath.Join(leaf, "cgroup.kill"), []byte("1"), 0)
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

	own  string // the folder of our own cgroup; "": none
	path string // and what /proc calls it

	unsure bool // a descendant of ours was in the middle of its exec, or gone before it could be looked at
}

func (b *bag) close() {
	for _, q := range b.list {
		unix.Close(q.fd)
	}
}

func (b *bag) count() map[uint64]int {
	n := map[uint64]int{}
	for _, q := range b.list {
		n[q.prey.Run]++
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
	s, err := readStat(pid)
	if err != nil || s.State == 'Z' || s.State == 'X' || p.Group && s.Group != p.Leader.PID || !proof() {
		unix.Close(fd)
		return
	}
	b.seen[pid] = true
	b.list = append(b.list, quarry{p, pid, fd, s.Group})
}

func scan(prey []Prey) *bag {
	b := &bag{seen: map[int]bool{os.Getpid(): true}}
	marks := map[string]*Prey{}
	for i := range prey {
		marks[prey[i].Mark] = &prey[i]
	}
	if slices.ContainsFunc(prey, func(p Prey) bool { return p.Leader.Cgroup != "" || p.Leader.born != "" }) {
		b.place()
	}
	b.addDescendants(marks)
	for _, pid := range processes() {
		b.addMarked(marks, pid)
	}
	for i := range prey {
		p := &prey[i]
		b.addLeaf(p)
		if leader, ok := Adopt(p.Leader); ok {
			b.addChildren(p, leader.PID, leader.FD)
			leader.Close()
		}
	}
	for i := 0; i < len(b.list); i++ { // the list grows
		q := b.list[i]
		b.addChildren(q.prey, q.pid, q.fd)
	}
	return b
}

// addMarked takes in a process that bears one of the marks, and tells whether its environment could be read.
func (b *bag) addMarked(marks map[string]*Prey, pid int) bool {
	mark, ok := markOf(pid)
	if p := marks[mark]; p != nil {
		b.add(p, pid, func() bool { again, _ := markOf(pid); return again == p.Mark && !b.foreign(pid, p.Leader.born) })
	}
	return ok
}

// foreign tells that a process lives in the leaf of another run than that which leaf belongs to. It was born there, as
// nobody can move itself to another one, so the mark it bears is forged.
func (b *bag) foreign(pid int, leaf string) bool {
	below, err := filepath.Rel(b.own, leaf)
	if leaf == "" || b.own == "" || err != nil {
		return false
	}
	path := filepath.Join(b.path, below)
	now, err := cgroupOf(pid)
	return err == nil && strings.HasPrefix(now, filepath.Dir(path)+"/") && now != path && !strings.HasPrefix(now, path+"/")
}

// place learns in which cgroup we are ourselves.
func (b *bag) place() {
	b.own, _ = ownCgroup()
	b.path, _ = cgroupOf(os.Getpid())
}

// addDescendants goes through our own descendants. All orphans of our runs are among them, as we are their subreaper,
// and they are few: who hops from process to process may be gone before a look at all processes comes to it.
func (b *bag) addDescendants(marks map[string]*Prey) {
	for queue := childrenOf(os.Getpid()); len(queue) > 0; queue = queue[1:] {
		pid := queue[0]
		if !b.addMarked(marks, pid) {
			s, err := readStat(pid)
			b.unsure = b.unsure || err != nil || s.State != 'Z'
		}
		queue = append(queue, childrenOf(pid)...)
	}
}

func (b *bag) addLeaf(p *Prey) {
	leaf := p.Leader.Cgroup
	below, err := filepath.Rel(b.own, leaf)
	if leaf == "" || b.own == "" || err != nil {
		return
	}
	path := filepath.Join(b.path, below)
	for _, pid := range leafProcesses(leaf) {
		b.add(p, pid, func() bool {
			now, err := cgroupOf(pid)
			return err == nil && (now == path || strings.HasPrefix(now, path+"/"))
		})
	}
}

// addChildren takes in the children of a process that is held. A child is one as long as both live.
func (b *bag) addChildren(p *Prey, parent, fd int) {
	lives := func() bool { return fd >= 0 && unix.PidfdSendSignal(fd, 0, nil, 0) == nil }
	for _, pid := range childrenOf(parent) {
		b.add(p, pid, func() bool {
			s, err := readStat(pid)
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
// before it could write down their pids. leaf returns the leaf of the run of a mark, "" where it has none. The caller
// closes them.
func FindLeaders(marks []string, leaf func(mark string) string) map[string]Process {
	found := map[string]Process{}
	var b bag
	b.place()
	for _, pid := range processes() {
		mark, _ := markOf(pid)
		if !slices.Contains(marks, mark) {
			continue
		}
		p := Process{PID: pid, FD: -1, Cgroup: leaf(mark)}
		p.born = p.Cgroup
		if !openPidfd(&p) {
			continue
		}
		p.identify()
		again, _ := markOf(pid)
		s, err := readStat(pid)
		ours := err == nil && s.State != 'Z' && again == mark && !b.foreign(pid, p.born)
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

// markOf returns the mark in a process's environment, "" where there is none. False: nobody can tell, as the process is
// gone, or in the middle of an exec and has no environment yet. What we may not read is not ours.
func markOf(pid int) (mark string, ok bool) {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return "", os.IsPermission(err)
	}
	defer f.Close()
	env, err := io.ReadAll(io.LimitReader(f, mostEnv))
	for pair := range bytes.SplitSeq(env, []byte{0}) {
		if mark, ok := bytes.CutPrefix(pair, []byte(MarkName+"=")); ok {
			return string(mark), true
		}
	}
	if len(env) > 0 || os.IsPermission(err) {
		return "", true
	}
	args, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return "", len(args) > 0 // it has no environment: some clear it
}

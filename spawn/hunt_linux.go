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

// Hunt sends sig to the processes of the prey that have left the process group of their leader, and returns how many
// processes live, by run, in the group or out of it. Signal 0 only counts; KILL is for all of them, and comes back when
// nobody is left or after two seconds. Zombies do not count.
//
// A process is found by three ways: its mark, its cgroup, and being a child of one that was found. None is signalled
// that is not proven to be the run's: its pidfd is opened first, then the proof is looked at once more, and the signal
// goes through the pidfd. It takes a look at every process of the machine and may be called from any goroutine.
func Hunt(prey []Prey, sig syscall.Signal) map[uint64]int {
	if sig == syscall.SIGKILL {
		return huntDown(prey)
	}
	found := scan(prey)
	defer found.close()
	for _, q := range found.list {
		if sig != 0 && q.group != q.prey.Leader.PID {
			unix.PidfdSendSignal(q.fd, sig, nil, 0)
		}
	}
	return found.count()
}

// huntDown kills until nobody is found any more. All are stopped before the first is killed, so that none forks
// meanwhile.
func huntDown(prey []Prey) map[uint64]int {
	deadline := time.Now().Add(huntTime)
	for empty := 0; ; {
		for _, p := range prey {
			killLeaf(p.Leader.Cgroup)
		}
		found := scan(prey)
		for _, q := range found.list {
			unix.PidfdSendSignal(q.fd, unix.SIGSTOP, nil, 0)
		}
		for _, q := range found.list {
			unix.PidfdSendSignal(q.fd, unix.SIGKILL, nil, 0)
		}
		found.close()
		if empty++; len(found.list) > 0 {
			empty = 0
		}
		if empty == huntEmpty || time.Now().After(deadline) {
			return found.count()
		}
		time.Sleep(huntPause)
	}
}

// killLeaf kills all in a cgroup at once, unless this process itself was started from there.
func killLeaf(leaf string) {
	if leaf == "" {
		return
	}
	own, err := ownCgroup()
	if err == nil && own != leaf && !strings.HasPrefix(own, leaf+"/") {
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
	if err != nil || s.State == 'Z' || s.State == 'X' || !proof() {
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
	for _, pid := range processes() {
		if p := marks[markOf(pid)]; p != nil && pid != os.Getpid() {
			b.add(p, pid, func() bool { return markOf(pid) == p.Mark })
		}
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

func (b *bag) addLeaf(p *Prey) {
	leaf := p.Leader.Cgroup
	if leaf == "" {
		return
	}
	own, err := ownCgroup()
	path, err2 := cgroupOf(os.Getpid())
	if err != nil || err2 != nil {
		return
	}
	below, err := filepath.Rel(own, leaf)
	if err != nil {
		return
	}
	path = filepath.Join(path, below)
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
	tasks, _ := filepath.Glob("/proc/" + strconv.Itoa(parent) + "/task/*/children")
	for _, file := range tasks {
		text, _ := os.ReadFile(file)
		for _, pid := range numbers(string(text)) {
			b.add(p, pid, func() bool {
				s, err := readStat(pid)
				return err == nil && s.Parent == parent && lives()
			})
		}
	}
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
// before it could write down their pids. The caller closes them.
func FindLeaders(marks []string) map[string]Process {
	found := map[string]Process{}
	for _, pid := range processes() {
		mark := markOf(pid)
		if !slices.Contains(marks, mark) {
			continue
		}
		p := Process{PID: pid, FD: -1}
		if !openPidfd(&p) {
			continue
		}
		p.identify()
		s, err := readStat(pid)
		if err != nil || s.State == 'Z' || s.Session != pid || markOf(pid) != mark { // it made a session of its own
			p.Close()
			continue
		}
		found[mark] = p
	}
	return found
}

// markOf returns the mark in a process's environment, "" where there is none or it may not be read.
func markOf(pid int) string {
	f, err := os.Open("/proc/" + strconv.Itoa(pid) + "/environ")
	if err != nil {
		return ""
	}
	defer f.Close()
	env, _ := io.ReadAll(io.LimitReader(f, mostEnv))
	for pair := range bytes.SplitSeq(env, []byte{0}) {
		if mark, ok := bytes.CutPrefix(pair, []byte(MarkName+"=")); ok {
			return string(mark)
		}
	}
	return ""
}

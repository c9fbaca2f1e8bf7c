package spawn

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Cgroups is the folder below the daemon's own cgroup (version 2, cgroups(7)) in which each run has a leaf. A run's
// processes stay in its leaf whatever they do to hide. A nil Cgroups has no leaves.
type Cgroups struct {
	dir  string
	full []string // leaves of finished runs that still hold processes
	pool leafPool

	measures bool              // each leaf knows the CPU time before its run
	runs     map[string]string // the leaves that the previous daemon left behind, by the runs that they belong to; nil: unknown
}

// OpenCgroups makes the folder with that name. It fails if there is no such hierarchy, if the daemon may not write
// there, or if the kernel has no cgroup.kill (before Linux 5.14).
func OpenCgroups(name string) (*Cgroups, error) {
	own, err := ownCgroup()
	if err != nil {
		return nil, fmt.Errorf("cannot use cgroups: %w", err)
	}
	g := &Cgroups{dir: filepath.Join(own, name)}
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err == nil {
		g.pool.most = openable(limit.Cur)
	}
	if err := os.Mkdir(g.dir, 0o755); err != nil && !os.IsExist(err) {
		return nil, fmt.Errorf("cannot use cgroups: %w", err)
	}
	// To move a process, the daemon needs write permission for the common ancestor of the old and the new cgroup.
	for _, file := range []string{filepath.Join(own, procsFile), filepath.Join(g.dir, "cgroup.kill")} {
		if err := unix.Access(file, unix.W_OK); err != nil {
			os.Remove(g.dir)
			return nil, fmt.Errorf("cannot use cgroups: %w", &os.PathError{Op: "write", Path: file, Err: err})
		}
	}
	return g, nil
}

// Sweep removes the leaves of finished runs. The kernel refuses to remove leaves in use. A new daemon must look at
// the leaves of the previous daemon before it calls Sweep, because a leaf is evidence that its run started.
func (g *Cgroups) Sweep() {
	if g == nil {
		return
	}
	g.runs = nil
	entries, _ := os.ReadDir(g.dir)
	for _, e := range entries {
		if e.IsDir() {
			syscall.Rmdir(filepath.Join(g.dir, e.Name()))
		}
	}
}

// ownCgroup returns the folder of this process's cgroup.
func ownCgroup() (string, error) {
	path, err := cgroupOf(os.Getpid())
	if err != nil {
		return "", err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) { // proc_pid_mountinfo(5): root is field 4, mount point 5
		before, after, _ := strings.Cut(line, " - ")
		f := strings.Fields(before)
		if len(f) < 5 || !strings.HasPrefix(after, "cgroup2 ") {
			continue
		}
		below, err := filepath.Rel(f[3], path)
		if err != nil || strings.HasPrefix(below, "..") {
			continue
		}
		dir := filepath.Join(f[4], below)
		var fs unix.Statfs_t
		if err := unix.Statfs(dir, &fs); err != nil || fs.Type != unix.CGROUP2_SUPER_MAGIC {
			continue // another file system is mounted over it
		}
		return dir, nil
	}
	return "", errors.New("no cgroup version 2 file system is mounted")
}

// cgroupOf returns the path of a process's cgroup in the version 2 hierarchy.
func cgroupOf(pid int) (string, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			return path, nil
		}
	}
	return "", errors.New("this system has no cgroups version 2")
}

// Leaf returns the folder of the leaf that an earlier daemon made for a run; "" if there is none.
func (g *Cgroups) Leaf(name string) string {
	if g == nil {
		return ""
	}
	if g.runs == nil {
		g.runs = map[string]string{}
		entries, _ := os.ReadDir(g.dir)
		for _, e := range entries {
			if leaf := filepath.Join(g.dir, e.Name()); e.IsDir() {
				g.runs[ownerOf(leaf)] = leaf
			}
		}
	}
	return g.runs[name]
}

// Drop removes the leaf of a finished run, and the leaves of earlier runs that have become empty since. A leaf stays
// while it holds a process.
func (g *Cgroups) Drop(leaf string) {
	if g == nil {
		return
	}
	if leaf != "" && rmdirTree(leaf) != nil {
		g.full = append(g.full, leaf)
		return
	}
	for range min(len(g.full), 4) { // a few in each call
		first := g.full[0]
		if g.full = g.full[1:]; rmdirTree(first) != nil {
			g.full = append(g.full, first)
		}
	}
}

// Close removes the folder if no process is left in it.
func (g *Cgroups) Close() {
	if g != nil {
		g.pool.shrink(0)
		g.Sweep()
		syscall.Rmdir(g.dir)
	}
}

// rmdirTree removes a cgroup and the cgroups that a job made inside it.
func rmdirTree(dir string) error {
	err := syscall.Rmdir(dir)
	if err != syscall.EBUSY {
		if err == syscall.ENOENT {
			return nil
		}
		return err
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if e.IsDir() {
			rmdirTree(filepath.Join(dir, e.Name()))
		}
	}
	return syscall.Rmdir(dir)
}

// forkIn forks a child directly into a leaf, and returns that leaf. If this is impossible, it forks the child without
// a leaf, and the child is found by its tag. For example, old container runtimes do not support clone3(2).
func (c *Command) forkIn(path string, argv []string, attr *syscall.ProcAttr) (int, *Leaf, error) {
	leaf := c.Leaf
	for leaf.open() {
		c.Evidence.forking(c.Run, leaf.before())
		attr.Sys.UseCgroupFD, attr.Sys.CgroupFD = true, leaf.dir
		pid, err := syscall.ForkExec(path, argv, attr)
		leaf.forked()
		switch err {
		case syscall.ENOSYS, syscall.EOPNOTSUPP, syscall.EBUSY, syscall.ENODEV, syscall.EBADF:
			if leaf.renew() {
				continue
			}
		default:
			return pid, leaf, err
		}
		break
	}
	attr.Sys.UseCgroupFD = false
	c.Evidence.forking(c.Run, unknownUsage)
	pid, err := syscall.ForkExec(path, argv, attr)
	return pid, nil, err
}

// leaveLeaf gives up the leaf of a process if it is empty. Otherwise it returns how many processes are in it, without
// those that a job put into cgroups of its own.
func leaveLeaf(p *Process) int {
	if p.Cgroup == "" {
		return 0
	}
	if p.leaf.give() || p.leaf == nil && syscall.Rmdir(p.Cgroup) == nil {
		p.Cgroup, p.leaf = "", nil
		return 0
	}
	text, _ := os.ReadFile(filepath.Join(p.Cgroup, procsFile))
	return strings.Count(string(text), "\n")
}

// leafProcesses returns the processes in a leaf and in the cgroups below it.
func leafProcesses(leaf string) []int {
	if leaf == "" {
		return nil
	}
	text, _ := os.ReadFile(filepath.Join(leaf, procsFile))
	pids := numbers(strings.Fields(string(text)))
	entries, _ := os.ReadDir(leaf)
	for _, e := range entries {
		if e.IsDir() {
			pids = append(pids, leafProcesses(filepath.Join(leaf, e.Name()))...)
		}
	}
	return pids
}

// inLeaf reports whether a process is in a leaf or below it. The names of the leaf and of its parent folder are
// enough for that, because no other folder has the id of the state directory in its name.
func inLeaf(pid int, leaf string) bool {
	return leaf != "" && within(pid, filepath.Join(filepath.Base(filepath.Dir(leaf)), filepath.Base(leaf)))
}

// holds reports whether a process is in any of the leaves.
func (g *Cgroups) holds(pid int) bool { return g != nil && within(pid, filepath.Base(g.dir)) }

func within(pid int, folders string) bool {
	path, err := cgroupOf(pid)
	return err == nil && strings.Contains(path+"/", "/"+folders+"/")
}

const (
	procsFile     = "cgroup.procs"
	eventsFile    = "cgroup.events"
	populatedLine = "populated 1\n"
)

// Populated reports whether a process is in a leaf. If so, the run of this leaf has started and some of it is alive,
// even if its processes are unknown.
func Populated(leaf string) bool {
	if leaf == "" {
		return false
	}
	text, _ := os.ReadFile(filepath.Join(leaf, eventsFile))
	return strings.Contains(string(text), populatedLine)
}

// LeafLeader finds the leader of the run in a leaf whose pid is unknown because the daemon was killed before it wrote
// the pid down. The leader leads a session, and its parent is not in the leaf. An orphan of the run can have the same
// properties, but it is younger than the leader. False: there is no leader. The caller closes the process.
func LeafLeader(leaf string) (Process, bool) {
	found := Process{FD: -1}
	inside := leafProcesses(leaf)
	for _, pid := range inside {
		p, ok := leader(Process{PID: pid, FD: -1, Cgroup: leaf, born: leaf}, func(s standing) bool {
			return !slices.Contains(inside, s.Parent) && inLeaf(pid, leaf)
		})
		switch {
		case !ok:
		case found.PID > 0 && !p.older(found):
			p.Close()
		default:
			found.Close()
			found = p
		}
	}
	return found, found.PID > 0
}

// leader opens a process that leads a session, as every leader of a run does, if its proof holds after its pidfd is
// open.
func leader(p Process, proof func(standing) bool) (Process, bool) {
	if !openPidfd(&p) {
		return p, false
	}
	s, err := standingOf(p.PID)
	ours := err == nil && !s.ended() && s.Session == p.PID && proof(s)
	if ours {
		p.identify()
	}
	if !ours || p.reaped() { // after the reaping, another process may have had the pid
		p.Close()
		return p, false
	}
	return p, true
}

// older reports whether p started before the other process: inodes of pidfds and start times only rise.
func (p *Process) older(other Process) bool {
	return p.Inode < other.Inode || p.Inode == other.Inode && p.Start < other.Start
}

// WatchLeaf returns a Process for a run of which only the leaf is known. For poll(2), its descriptor has urgent data
// (POLLPRI) when the leaf becomes empty.
func WatchLeaf(leaf string) Process {
	fd, err := unix.Open(filepath.Join(leaf, eventsFile), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		fd = -1
	}
	return Process{FD: fd, Cgroup: leaf, born: leaf}
}

// LeafEnded reports whether the leaf of such a run is empty. The read also clears the urgent data of the descriptor.
func LeafEnded(p Process) bool {
	text := make([]byte, 256)
	n, err := unix.Pread(p.FD, text, 0)
	return err != nil || !strings.Contains(string(text[:n]), populatedLine)
}

// killLeaf kills all processes of a cgroup at once, unless this process itself is in it.
func killLeaf(leaf string) {
	if leaf != "" && !inLeaf(os.Getpid(), leaf) {
		os.WriteFile(filepath.Join(leaf, "cgroup.kill"), []byte("1"), 0)
	}
}

func numbers(words []string) (list []int) {
	for _, word := range words {
		if n, err := strconv.Atoi(word); err == nil {
			list = append(list, n)
		}
	}
	return list
}

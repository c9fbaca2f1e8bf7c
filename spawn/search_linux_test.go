package spawn

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// tagged starts a script with a tag in its environment.
func tagged(t *testing.T, tag, script string) Process {
	c := shell(script)
	c.Env = append(c.Env, TagName+"="+tag)
	return mustLaunch(t, c, true)
}

// A search hits only processes with exactly this tag and their children. It leaves out the group, which the caller
// signals.
func TestSearchProves(t *testing.T) {
	needProc(t)
	ours := tagged(t, testID+"/job/1", "setsid sh -c 'env -i sleep 1000; exit' & sleep 1000")
	others := []Process{tagged(t, testID+"/job/11", "sleep 1000"), tagged(t, testID+"/job/", "sleep 1000"), tagged(t, "x"+testID+"/job/1", "sleep 1000"),
		tagged(t, testID+"/job/1 ", "sleep 1000"), mustLaunch(t, shell("sleep 1000; exit", TagName+"="+testID+"/job/1"), true)}
	searches := []Search{{Run: 1, Tag: testID + "/job/1", Leader: ours}}
	h := newSearcher(t, nil)
	until(t, "four living processes", func() bool { return h.Signal(searches, 0).Left[1] == 4 })
	if n := h.Signal(searches, syscall.SIGTERM).Left[1]; n != 4 {
		t.Errorf("TERM found %d processes, want 4", n)
	}
	until(t, "two remaining processes", func() bool { return h.Signal(searches, 0).Left[1] == 2 })
	if !alive(ours) {
		t.Error("the search ended the leader, whose group only the caller may signal")
	}
	if found := h.Signal(searches, syscall.SIGKILL); found.Left[1] != 0 || len(found.Killed[1]) != 0 {
		t.Errorf("after KILL: %+v", found)
	}
	for _, p := range others {
		if !alive(p) {
			t.Errorf("the search killed the unrelated process %d", p.PID)
		}
	}
}

// testID is in the tags of this test's processes, because the same test may run twice at once on this machine.
var testID = fmt.Sprint("test", os.Getpid())

func newSearcher(t *testing.T, g *Cgroups) *Searcher {
	h := NewSearcher(g)
	t.Cleanup(h.Close)
	return h
}

// inTime fails the test if do hangs.
func inTime(t *testing.T, what string, do func()) {
	t.Helper()
	done := make(chan bool)
	go func() { do(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal(what, " hangs")
	}
}

// testCgroups returns leaves for the test, and a function that starts a program with a tag in one of them.
func testCgroups(t *testing.T) (g *Cgroups, in func(leaf, tag string, argv ...string) Process) {
	needProc(t)
	g, err := OpenCgroups(fmt.Sprint("jobsd-test-", os.Getpid()))
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(g.Close)
	return g, func(leaf, tag string, argv ...string) Process {
		c := program(argv...)
		c.Env = append(c.Env, TagName+"="+tag)
		c.Leaf = g.Make(leaf)
		t.Cleanup(func() {
			killLeaf(c.Leaf.Path())
			until(t, "empty leaf", func() bool { return !Populated(c.Leaf.Path()) })
			g.Drop(c.Leaf.Path())
		})
		p := mustLaunch(t, c, true)
		if p.Cgroup == "" {
			t.Skip("this system cannot start processes in a cgroup")
		}
		return p
	}
}

func alive(p Process) bool {
	s, err := standingOf(p.PID)
	return err == nil && !s.ended()
}

// A process without its tag and its parent is still in its cgroup.
func TestCgroup(t *testing.T) {
	g, in := testCgroups(t)
	p := in("1", testID+"/job/1", "/bin/sh", "-c", "setsid env -i sleep 1000 & exit 0")
	reap(t, p.PID)
	searches := []Search{{Run: 1, Tag: "none/of/1", Leader: p}}
	h := newSearcher(t, g)
	until(t, "one remaining process", func() bool { return GroupEmpty(p) && h.Signal(searches, 0).Left[1] == 1 })
	g.Drop(p.Cgroup)
	if !exists(p.Cgroup) {
		t.Error("Drop removed a leaf in use")
	}
	if found := h.Signal(searches, syscall.SIGKILL); found.Left[1] != 0 || len(found.Killed[1]) != 1 {
		t.Errorf("after KILL: %+v", found)
	}
	until(t, "the leaf to be gone", func() bool { g.Drop(""); return !exists(p.Cgroup) })
}

// If a run has a leaf, a process outside of it does not belong to the run, whatever its tag is. Examples are the
// login of a person with a copied environment, and the run of another leaf.
func TestSearchCopiedTag(t *testing.T) {
	g, in := testCgroups(t)
	leader := in("1", testID+"/job/1", "/bin/sleep", "1000")
	forger := in("10", testID+"/job/1", "/bin/sleep", "1000")
	login := tagged(t, testID+"/job/1", "sleep 1000; exit")
	searches := []Search{{Run: 1, Tag: testID + "/job/1", Leader: leader}}
	h := newSearcher(t, g)
	if n := h.Signal(searches, 0).Left[1]; n != 1 {
		t.Errorf("the run has %d processes, want only its leader", n)
	}
	h.Signal(searches, syscall.SIGTERM)
	if found := h.Signal(searches, syscall.SIGKILL); found.Left[1] != 0 || alive(leader) {
		t.Errorf("after KILL: %+v, leader alive: %t", found, alive(leader))
	}
	if !alive(forger) || !alive(login) {
		t.Errorf("run of another leaf alive: %t, login alive: %t", alive(forger), alive(login))
	}
	// Leftovers gives up the leaf as soon as it is empty. By then, no process of the run is alive.
	until(t, "the leaf to be empty", func() bool { Leftovers(&leader); return leader.Cgroup == "" })
	if n := h.Signal([]Search{{Run: 1, Tag: testID + "/job/1", Leader: leader}}, 0).Left[1]; n != 0 {
		t.Errorf("the finished run has %d processes, want none", n)
	}
}

// A process can hide its environment with an exec that does not end. This does not block a search, which still finds
// the other processes.
func TestSearchHidden(t *testing.T) {
	needProc(t)
	ours := tagged(t, testID+"/job/1", "sleep 1000; exit")
	startHidden(t, 3, testID+"/job/1")
	searches := []Search{{Run: 1, Tag: testID + "/job/1", Leader: ours}}
	h := newSearcher(t, nil)
	inTime(t, "a count", func() {
		if found := h.Signal(searches, 0); found.Left[1] != 2 || found.Hidden < 3 { // other processes of this machine may hide too
			t.Errorf("%+v, want 2 left and 3 hidden", found)
		}
	})
	inTime(t, "the search for leaders", func() {
		found := h.FindLeaders([]string{testID + "/job/1"})
		if p := found[testID+"/job/1"]; p.PID != ours.PID {
			t.Errorf("found %+v, want %d", found, ours.PID)
		}
	})
	inTime(t, "a kill", func() {
		if found := h.Signal(searches, syscall.SIGKILL); found.Left[1] != 0 {
			t.Errorf("after KILL: %+v", found)
		}
	})
}

// A search does not read environments for a run with a leaf: the leaf has all its processes.
func TestSearchLeafReadsNothing(t *testing.T) {
	g, in := testCgroups(t)
	leader := in("1", testID+"/job/1", "/bin/sleep", "1000")
	startHidden(t, 1, testID+"/job/1")
	h := newSearcher(t, g)
	searches := []Search{{Run: 1, Tag: testID + "/job/1", Leader: leader}}
	inTime(t, "a search", func() {
		for _, sig := range []syscall.Signal{0, syscall.SIGTERM, syscall.SIGKILL} {
			if found := h.Signal(searches, sig); found.Hidden != 0 {
				t.Errorf("signal %d: the search tried to read %d environments", sig, found.Hidden)
			}
		}
	})
}

// The number of threads that wait for hidden environments is limited, however many processes hide.
func TestTagReaderIsBounded(t *testing.T) {
	needProc(t)
	hidden := startHidden(t, mostStuckOnOthers+2, testID+"/job/1")
	r := newTagReader()
	defer r.close()
	inTime(t, "reading", func() {
		for _, p := range hidden {
			r.of(p.PID, false)
		}
		if n := len(r.stuck); n != mostStuckOnOthers {
			t.Errorf("%d threads wait for processes that are not descendants", n)
		}
		ours := tagged(t, testID+"/job/1", "sleep 1000; exit")
		if tag, ok := r.of(ours.PID, true); tag != testID+"/job/1" || !ok {
			t.Errorf("the tag of a descendant is %q, %t", tag, ok)
		}
	})
}

// Reading a large environment needs no more memory, because it goes through a window.
func TestTagOfLargeEnvironment(t *testing.T) {
	needProc(t)
	var processes []Process
	for n := range 4 {
		c := program("/bin/sleep", "1000")
		for i := range 14 {
			c.Env = append(c.Env, fmt.Sprintf("X%d=%s", i, strings.Repeat("x", 127<<10)))
		}
		c.Env = append(c.Env, fmt.Sprintf("%s=%s/job/%d", TagName, testID, n))
		processes = append(processes, mustLaunch(t, c, true))
	}
	r := newTagReader()
	defer r.close()
	var before, after runtime.MemStats
	r.of(os.Getpid(), false)
	runtime.ReadMemStats(&before)
	for n, p := range processes {
		until(t, "tag", func() bool { tag, _ := r.of(p.PID, true); return tag == fmt.Sprint(testID, "/job/", n) })
	}
	runtime.ReadMemStats(&after)
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("reading environments of 1.8 MB allocated %d KiB", grown>>10)
	}
}

// A variable may cross the edge of the window, be too long for it, or lack its NUL.
func TestScanTag(t *testing.T) {
	long := strings.Repeat("y", 100)
	for _, c := range []struct{ env, want string }{
		{"", ""},
		{TagName + "=a/b/1\x00", "a/b/1"},
		{TagName + "=a/b/1", "a/b/1"},
		{"A=1\x00" + TagName + "=a/b/1\x00B=2\x00", "a/b/1"},
		{"A=" + long + "\x00" + TagName + "=a/b/1\x00", "a/b/1"},
		{long + TagName + "=a/b/1\x00", ""},
		{"X" + TagName + "=a/b/1\x00" + TagName + "S=a/b/1\x00", ""},
		{long + "\x00\x00\x00" + TagName + "=a/b/1\x00", "a/b/1"},
	} {
		for step := 1; step < 40; step++ {
			rest := c.env
			got, _, err := scanTag(make([]byte, 40), func(b []byte) (int, error) {
				n := copy(b[:min(len(b), step)], rest)
				rest = rest[n:]
				return n, nil
			})
			if got != c.want || err != nil {
				t.Errorf("%.60q in steps of %d: %q, %v, want %q", c.env, step, got, err, c.want)
			}
		}
	}
}

// FindLeaders finds the leader whose pid was not written down, and does not mistake one of its children for it.
func TestFindLeaders(t *testing.T) {
	needProc(t)
	p := tagged(t, testID+"/job/7", "sleep 1000 & sleep 1000")
	found := newSearcher(t, nil).FindLeaders([]string{testID + "/job/7", testID + "/job/8"})
	q, ok := found[testID+"/job/7"]
	if len(found) != 1 || !ok || q.PID != p.PID || q.Inode != p.Inode {
		t.Errorf("found %+v, started %+v", found, p)
	}
	q.Close()
}

// A process in a leaf is not mistaken for the leader of a run without a leaf.
func TestFindLeadersOutsideOfLeaves(t *testing.T) {
	g, in := testCgroups(t)
	in("10", testID+"/job/1", "/bin/sleep", "1000")
	if found := newSearcher(t, g).FindLeaders([]string{testID + "/job/1"}); len(found) != 0 {
		t.Errorf("found %+v", found)
	}
}

// LeafLeader finds the leader in a leaf even if it has no tag, and distinguishes it from the processes it started.
func TestLeafLeader(t *testing.T) {
	g, in := testCgroups(t)
	p := in("1", testID+"/job/1", "/bin/sh", "-c", "setsid sleep 1000 & exec env -i sleep 1000")
	until(t, "two living processes", func() bool { return len(leafProcesses(p.Cgroup)) == 2 })
	found, ok := LeafLeader(p.Cgroup)
	if !ok || found.PID != p.PID || found.Inode != p.Inode || found.Cgroup != p.Cgroup {
		t.Errorf("found %+v, started %+v", found, p)
	}
	found.Close()
	leaf := g.Make("2").Path()
	if found, ok := LeafLeader(leaf); ok || Populated(leaf) {
		t.Errorf("LeafLeader of an empty leaf: %+v", found)
	}
	g.Drop(leaf)
}

// A leaf without a leader can be watched until it is empty.
func TestWatchLeaf(t *testing.T) {
	g, in := testCgroups(t)
	p := in("1", testID+"/job/1", "/bin/sh", "-c", "(sleep 1000; exit) & exit 0")
	reap(t, p.PID)
	if found, ok := LeafLeader(p.Cgroup); ok || !Populated(p.Cgroup) {
		t.Fatalf("found %+v", found)
	}
	w := WatchLeaf(p.Cgroup)
	defer w.Close()
	if LeafEnded(w) {
		t.Fatal("LeafEnded is true although a process is alive")
	}
	fds := []unix.PollFd{{Fd: int32(w.FD), Events: unix.POLLPRI}}
	if n, err := unix.Poll(fds, 0); n != 0 || err != nil {
		t.Fatalf("poll: %d, %v", n, err)
	}
	if found := newSearcher(t, g).Signal([]Search{{Run: 1, Leader: w, Gone: true}}, syscall.SIGKILL); found.Left[1] != 0 {
		t.Errorf("%+v", found)
	}
	if n, err := unix.Poll(fds, int(patience/time.Millisecond)); n != 1 || err != nil || !LeafEnded(w) {
		t.Errorf("poll: %d, %v", n, err)
	}
}

// BenchmarkSearch measures one scan of all processes of the machine for one run.
func BenchmarkSearch(b *testing.B) {
	cmd := exec.Command("sleep", "1000")
	must(cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()
	entries, _ := filepath.Glob("/proc/[0-9]*")
	h := NewSearcher(nil)
	defer h.Close()
	for b.Loop() {
		h.Signal([]Search{{Run: 1, Tag: strings.Repeat("x", 40), Leader: Process{PID: cmd.Process.Pid, FD: -1}}}, syscall.SIGWINCH)
	}
	b.ReportMetric(float64(len(entries)), "processes")
}

package spawn

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// marked starts a script with a mark in its environment.
func marked(t *testing.T, mark, script string) Process {
	c := shell(script)
	c.Env = append(c.Env, MarkName+"="+mark)
	return mustLaunch(t, c, true)
}

// Only what bears exactly this mark, or is a child of what does, is hit; and not the group, which the caller sees to.
func TestHuntProves(t *testing.T) {
	needProc(t)
	ours := marked(t, "id/job/1", "setsid sh -c 'env -i sleep 1000; exit' & sleep 1000")
	others := []Process{marked(t, "id/job/11", "sleep 1000"), marked(t, "id/job/", "sleep 1000"), marked(t, "xid/job/1", "sleep 1000"),
		marked(t, "id/job/1 ", "sleep 1000"), mustLaunch(t, shell("sleep 1000; exit", MarkName+"=id/job/1"), true)}
	prey := []Prey{{Run: 1, Mark: "id/job/1", Leader: ours}}
	until(t, "four to live", func() bool { return Hunt(prey, 0).Left[1] == 4 })
	if n := Hunt(prey, syscall.SIGTERM).Left[1]; n != 4 {
		t.Errorf("%d were there", n)
	}
	until(t, "two to be left", func() bool { return Hunt(prey, 0).Left[1] == 2 })
	if !alive(ours) {
		t.Error("the leader, whose group is the caller's to signal, is gone")
	}
	if catch := Hunt(prey, syscall.SIGKILL); catch.Left[1] != 0 || len(catch.Killed[1]) != 0 {
		t.Errorf("after KILL: %+v", catch)
	}
	for _, p := range others {
		if !alive(p) {
			t.Errorf("%d was hit", p.PID)
		}
	}
}

func alive(p Process) bool {
	s, err := readStat(p.PID)
	return err == nil && s.State != 'Z'
}

// A process that has thrown off its mark and its parent is still in its cgroup.
func TestCgroup(t *testing.T) {
	needProc(t)
	g, err := OpenCgroups(fmt.Sprint("jobsd-test-", os.Getpid()))
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(g.Close)
	c := shell("setsid env -i sleep 1000 & exit 0")
	c.Cgroup = g.Make("1")
	if g.Make("1") == c.Cgroup && c.Cgroup == "" {
		t.Fatal("no leaf")
	}
	p := mustLaunch(t, c, true)
	if p.Cgroup != c.Cgroup {
		t.Skip("processes cannot be born in a cgroup here")
	}
	reap(t, p.PID)
	prey := []Prey{{Run: 1, Mark: "none/of/1", Leader: p}}
	until(t, "one to be left", func() bool { return GroupEmpty(p) && Hunt(prey, 0).Left[1] == 1 })
	g.Drop(p.Cgroup)
	if g.Leaf("1") == "" {
		t.Error("a leaf that is in use is gone")
	}
	if catch := Hunt(prey, syscall.SIGKILL); catch.Left[1] != 0 || len(catch.Killed[1]) != 1 {
		t.Errorf("after KILL: %+v", catch)
	}
	until(t, "the leaf to be gone", func() bool { g.Drop(""); return g.Leaf("1") == "" })
}

// The leader whose pid nobody wrote down is found, and none of its children is taken for it.
func TestFindLeaders(t *testing.T) {
	needProc(t)
	p := marked(t, "id/job/7", "sleep 1000 & sleep 1000")
	found := FindLeaders([]string{"id/job/7", "id/job/8"}, func(string) string { return "" })
	q, ok := found["id/job/7"]
	if len(found) != 1 || !ok || q.PID != p.PID || q.Inode != p.Inode {
		t.Errorf("found %+v, started %+v", found, p)
	}
	q.Close()
}

// Who bears the mark of a run and was born in the leaf of another one is neither hunted with it nor taken for its leader.
func TestForeignLeaf(t *testing.T) {
	needProc(t)
	g, err := OpenCgroups(fmt.Sprint("jobsd-test-", os.Getpid()))
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(g.Close)
	in := func(leaf string) Process {
		c := program("/bin/sleep", "1000")
		c.Env = append(c.Env, MarkName+"=id/job/1")
		c.Cgroup = g.Make(leaf)
		p := mustLaunch(t, c, true)
		t.Cleanup(func() { g.Drop(p.Cgroup) })
		return p
	}
	leader := in("1")
	if leader.Cgroup == "" {
		t.Skip("processes cannot be born in a cgroup here")
	}
	forger := in("10") // its pid is the later one
	found := FindLeaders([]string{"id/job/1"}, func(string) string { return leader.Cgroup })["id/job/1"]
	if found.PID != leader.PID || found.Cgroup != leader.Cgroup {
		t.Errorf("found %+v, the leader is %+v", found, leader)
	}
	found.Close()
	if n := Hunt([]Prey{{Run: 1, Mark: "id/job/1", Leader: leader}}, 0).Left[1]; n != 1 {
		t.Errorf("there are %d", n)
	}
	if catch := Hunt([]Prey{{Run: 1, Mark: "id/job/1", Leader: leader}}, syscall.SIGKILL); catch.Left[1] != 0 || alive(leader) || !alive(forger) {
		t.Errorf("%+v, the leader lives: %t, the forger: %t", catch, alive(leader), alive(forger))
	}
}

// BenchmarkHunt is a look at all processes of the machine, for one run.
func BenchmarkHunt(b *testing.B) {
	cmd := exec.Command("sleep", "1000")
	must(cmd.Start())
	defer cmd.Wait()
	defer cmd.Process.Kill()
	entries, _ := filepath.Glob("/proc/[0-9]*")
	for b.Loop() {
		Hunt([]Prey{{Run: 1, Mark: strings.Repeat("x", 40), Leader: Process{PID: cmd.Process.Pid, FD: -1}}}, syscall.SIGWINCH)
	}
	b.ReportMetric(float64(len(entries)), "processes")
}

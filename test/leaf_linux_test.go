package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/spawn"
	"jobsd/statefile"
)

// inDoubt makes a site whose journal knows of run 1 of held that it was about to start, and nothing else. The processes
// of the script live in the leaf of that run, and none of them bears its mark.
func inDoubt(t *testing.T, script string) *site {
	s := newSite(t)
	id := fmt.Sprintf("%032x", os.Getpid()<<8|len(t.Name()))
	leaves, err := spawn.OpenCgroups("jobsd-" + id)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(leaves.Close)
	dir, err := os.Open(leaves.Make("1"))
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	t.Cleanup(func() {
		os.WriteFile(filepath.Join(dir.Name(), "cgroup.kill"), []byte("1"), 0)
		for deadline := time.After(patience); spawn.Populated(dir.Name()); {
			select {
			case <-deadline:
				t.Fatal("the leaf is not empty")
			case <-time.After(10 * time.Millisecond):
			}
		}
	})
	leader := exec.Command("/bin/sh", "-c", script)
	leader.Env = []string{"PATH=/usr/bin:/bin"}
	leader.SysProcAttr = &syscall.SysProcAttr{Setsid: true, UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := leader.Start(); err != nil {
		t.Skip("processes cannot be born in a cgroup here: ", err)
	}
	ended := make(chan bool)
	go func() { leader.Wait(); close(ended) }()
	if strings.HasSuffix(script, "exit 0") {
		<-ended
	}
	s.remember(id, intentNow("held", 1))
	s.write("jobs.toml", `
[[jobs]]
name = "held"
cmd = ["true"]
lock = "disk"
timeout = "1h"
stop_timeout = "5s"
[[jobs]]
name = "other"
cmd = ["true"]
lock = "disk"
`)
	return s
}

// alone checks that run 1 of held counts as running, and that nothing starts beside it under its lock.
func (s *site) alone() *statefile.State {
	s.t.Helper()
	s.begin()
	s.tell("start", "other")
	state := s.until("the other job to wait", func(state *statefile.State) bool {
		r := state.Jobs["other"].Running
		return len(r) == 1 && r[0].Why != nil || state.Jobs["other"].LastRun != nil
	})
	if got := states(state, "held"); len(got) != 1 || got[0] != "running" || state.Jobs["held"].LastRun != nil {
		s.t.Fatalf("the run in doubt is %v, and ended as %+v", got, state.Jobs["held"].LastRun)
	}
	if r := state.Jobs["other"].Running; len(r) != 1 || r[0].Why == nil || *r[0].Why != statefile.WhyLock {
		s.t.Fatalf("the other job did not wait for the lock: %+v", r)
	}
	return state
}

// TestInDoubtInLeaf: a daemon was killed before it could write down the pid of a run. The leaf of the run proves that it
// lives, though none of its processes bears its mark: it is adopted, over one more crash too, and can be stopped.
func TestInDoubtInLeaf(t *testing.T) {
	t.Parallel()
	s := inDoubt(t, "setsid sleep 1000 & exec sleep 1000")
	state := s.alone()
	if r := state.Jobs["held"].Running[0]; r.PID == nil || !r.Adopted {
		t.Errorf("its leader was not found: %+v", r)
	}
	s.kill(syscall.SIGKILL)
	s.alone()
	s.tell("stop", "held")
	if r := s.lastRun("held"); r.Outcome != statefile.OutcomeStopped || r.Run != 1 {
		t.Errorf("it ended as %+v", r)
	}
	s.until("the other job to run", func(state *statefile.State) bool { return state.Jobs["other"].Runs > 0 })
	s.term()
}

// TestInDoubtWithoutLeader: nobody can tell which process leads the run. It counts as alive until its leaf is empty.
func TestInDoubtWithoutLeader(t *testing.T) {
	t.Parallel()
	s := inDoubt(t, "(sleep 1000; exit) & exit 0")
	if r := s.alone().Jobs["held"].Running[0]; r.PID != nil {
		t.Errorf("its leader is %+v", r)
	}
	s.tell("stop", "held")
	if r := s.lastRun("held"); r.Outcome != statefile.OutcomeStopped || r.Run != 1 {
		t.Errorf("it ended as %+v", r)
	}
	s.term()
}

// TestInDoubtEndsByItself: how a run without a leader ended cannot be known, and that is said once it has.
func TestInDoubtEndsByItself(t *testing.T) {
	t.Parallel()
	s := inDoubt(t, "(sleep 1000; exit) & exit 0")
	s.alone()
	journal, err := os.ReadFile(filepath.Join(s.root, "state", "history.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	id := stateID.FindSubmatch(journal)[1]
	leaves, err := spawn.OpenCgroups("jobsd-" + string(id))
	if err != nil {
		t.Fatal(err)
	}
	os.WriteFile(filepath.Join(leaves.Leaf("1"), "cgroup.kill"), []byte("1"), 0)
	if r := s.lastRun("held"); r.Outcome != statefile.OutcomeLost || r.Run != 1 || r.LostStage == nil || *r.LostStage != "started" {
		t.Errorf("it ended as %+v", r)
	}
	s.until("the other job to run", func(state *statefile.State) bool { return state.Jobs["other"].Runs > 0 })
	s.term()
}

// TestLeftOfLostHoldsLock: a leader ended while no daemon ran. What it has left holds its lock until it is gone.
func TestLeftOfLostHoldsLock(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("jobs.toml", `
[[jobs]]
name = "held"
shell = "trap '' TERM; (sleep 1000; sleep 1000) & sleep 1000; exit"
lock = "disk"
stop_timeout = "1h"
[[jobs]]
name = "other"
cmd = ["true"]
lock = "disk"
`)
	s.begin()
	s.tell("start", "held")
	s.populated("held", 4)
	leader := s.leader("held")
	s.kill(syscall.SIGKILL)
	syscall.Kill(leader, syscall.SIGKILL)
	reaped(t, leader)
	s.begin()
	s.until("the run to be lost", func(state *statefile.State) bool { return state.Jobs["held"].LastRun != nil })
	s.tell("start", "other")
	state := s.until("the other job to wait", func(state *statefile.State) bool {
		r := state.Jobs["other"].Running
		return len(r) == 1 && r[0].Why != nil || state.Jobs["other"].LastRun != nil
	})
	if r := state.Jobs["other"].Running; len(r) != 1 || r[0].Why == nil || *r[0].Why != statefile.WhyLock {
		t.Errorf("the other job started beside what is left: %+v", r)
	}
	for _, pid := range marked(t, s.root, "held") {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	s.until("the other job to run", func(state *statefile.State) bool { return state.Jobs["other"].Runs > 0 })
	s.term()
}

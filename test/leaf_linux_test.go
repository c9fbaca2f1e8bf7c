package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jobsd/spawn"
	"jobsd/statefile"
)

// newServerInDoubt returns a server with a journal that ends with the intent of run 1 of the job "held". The processes
// of the script are in the leaf of that run, and none of them has its ownership tag.
func newServerInDoubt(t *testing.T, script string) *server {
	s := newServer(t)
	id := fmt.Sprintf("%032x", os.Getpid()<<8|len(t.Name()))
	leaves, err := spawn.OpenCgroups("jobsd-" + id)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(leaves.Close)
	dir, err := os.Open(leaves.Make("1").Path())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	t.Cleanup(func() {
		os.WriteFile(filepath.Join(dir.Name(), "cgroup.kill"), []byte("1"), 0)
		if err := poll(waitLimit, nil, func() bool { return !spawn.Populated(dir.Name()) }); err != nil {
			t.Fatalf("%v while the test waited for the leaf to be empty", err)
		}
	})
	leader := exec.Command("/bin/sh", "-c", script)
	leader.Env = []string{"PATH=/usr/bin:/bin"}
	leader.SysProcAttr = &syscall.SysProcAttr{Setsid: true, UseCgroupFD: true, CgroupFD: int(dir.Fd())}
	if err := leader.Start(); err != nil {
		t.Skip("cannot start processes in a cgroup here: ", err)
	}
	ended := make(chan bool)
	go func() { leader.Wait(); close(ended) }()
	if strings.HasSuffix(script, "exit 0") {
		<-ended
	}
	s.writeJournal(id, intentOf("held", 1))
	s.writeJobs("jobs.toml", `
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

// startHeld starts the daemon and checks that run 1 of "held" counts as running, and that no other run starts under its
// lock.
func (s *server) startHeld() *statefile.State {
	s.t.Helper()
	s.startReady()
	state := s.startLocked()
	if got := runStates(state, "held"); len(got) != 1 || got[0] != statefile.RunRunning || state.Jobs["held"].LastRun != nil {
		s.t.Fatalf("got the runs %v of held, ended: %+v, want one that is running", got, state.Jobs["held"].LastRun)
	}
	return state
}

// startLocked starts the job "other" and checks that its run waits for the lock that "held" holds.
func (s *server) startLocked() *statefile.State {
	s.t.Helper()
	s.jobsd("start", "other")
	state := s.waitState("the other job to wait", func(state *statefile.State) bool {
		r := state.Jobs["other"].Running
		return len(r) == 1 && r[0].Why != nil || state.Jobs["other"].LastRun != nil
	})
	if r := state.Jobs["other"].Running; len(r) != 1 || r[0].Why == nil || *r[0].Why != statefile.WhyLock {
		s.t.Fatalf("got %+v, want a run of other that waits for the lock", r)
	}
	return state
}

// TestInDoubtInLeaf: a daemon was killed before it wrote the pid of a run into the journal. The leaf of the run proves
// that it is alive, though no process has its ownership tag. The next daemon adopts the run, also after another crash,
// and can stop it.
func TestInDoubtInLeaf(t *testing.T) {
	t.Parallel()
	s := newServerInDoubt(t, "setsid sleep 1000 & exec sleep 1000")
	state := s.startHeld()
	if r := state.Jobs["held"].Running[0]; r.PID == nil || !r.Adopted {
		t.Errorf("got %+v, want an adopted run with a pid", r)
	}
	s.kill(syscall.SIGKILL)
	s.startHeld()
	s.jobsd("stop", "held")
	if r := s.waitLastRun("held"); r.Outcome != statefile.OutcomeStopped || r.Run != 1 {
		t.Errorf("got %+v, want run 1 stopped", r)
	}
	s.waitState("the other job to run", func(state *statefile.State) bool { return state.Jobs["other"].Runs > 0 })
	s.terminate()
}

// TestInDoubtWithoutLeader: the leader of the run is unknown. The run counts as alive until its leaf is empty.
func TestInDoubtWithoutLeader(t *testing.T) {
	t.Parallel()
	s := newServerInDoubt(t, "(sleep 1000; exit) & exit 0")
	if r := s.startHeld().Jobs["held"].Running[0]; r.PID != nil {
		t.Errorf("got the leader %+v, want none", r)
	}
	s.jobsd("stop", "held")
	if r := s.waitLastRun("held"); r.Outcome != statefile.OutcomeStopped || r.Run != 1 {
		t.Errorf("got %+v, want run 1 stopped", r)
	}
	s.terminate()
}

// TestInDoubtEndsByItself: a run whose leader is unknown ends by itself. Its outcome is lost.
func TestInDoubtEndsByItself(t *testing.T) {
	t.Parallel()
	s := newServerInDoubt(t, "(sleep 1000; exit) & exit 0")
	s.startHeld()
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
	if r := s.waitLastRun("held"); r.Outcome != statefile.OutcomeLost || r.Run != 1 || r.LostStage == nil || *r.LostStage != statefile.LostStarted {
		t.Errorf("got %+v, want run 1 lost at the stage started", r)
	}
	s.waitState("the other job to run", func(state *statefile.State) bool { return state.Jobs["other"].Runs > 0 })
	s.terminate()
}

// TestLeftOfLostHoldsLock: a leader ended while no daemon ran. The processes that it left hold its lock until they are
// gone.
func TestLeftOfLostHoldsLock(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.writeJobs("jobs.toml", `
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
	s.startReady()
	s.jobsd("start", "held")
	s.waitProcesses("held", 4)
	leader := s.waitLeader("held")
	s.kill(syscall.SIGKILL)
	syscall.Kill(leader, syscall.SIGKILL)
	waitReaped(t, leader)
	s.startReady()
	s.waitState("the run to be lost", func(state *statefile.State) bool { return state.Jobs["held"].LastRun != nil })
	s.startLocked()
	for _, pid := range processesOf(t, s.root, "held") {
		syscall.Kill(pid, syscall.SIGKILL)
	}
	s.waitState("the other job to run", func(state *statefile.State) bool { return state.Jobs["other"].Runs > 0 })
	s.terminate()
}

package test

import (
	"os"
	"os/exec"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"jobsd/internal/fusetest"
)

// TestHiddenProcesses: the helpers of these tests can look at all processes of the machine, even if one of them, of any
// user or any other test, hangs in the middle of its exec.
func TestHiddenProcesses(t *testing.T) {
	file, closing, release := fusetest.HangOnClose(t)
	misbehave := ownProgram(t, "misbehave")
	s := newServer(t)
	s.writeJobs("j.toml", "cmd = [\"sleep\", \"1000\"]\nkeep_alive = true\n")
	s.startReady()
	leader := s.waitLeader("j")
	hidden := exec.Command(misbehave, "hide", file)
	hidden.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := hidden.Start(); err != nil {
		t.Fatal(err)
	}
	<-closing
	answered := make(chan bool)
	go func() {
		defer close(answered)
		if pids := processesOf(t, s.root, "j"); !slices.Equal(pids, []int{leader}) {
			t.Errorf("got the processes %d of the job, want %d", pids, leader)
		}
		for _, pid := range []int{leader, hidden.Process.Pid} {
			if pids := inGroup(strconv.Itoa(pid)); !slices.Equal(pids, []string{strconv.Itoa(pid)}) {
				t.Errorf("got %s in the group of %d, want only the leader", pids, pid)
			}
			if !isAlive(pid) {
				t.Errorf("process %d is alive, but counts as ended", pid)
			}
		}
		if zombies := zombiesOf(os.Getpid()); len(zombies) > 0 {
			t.Errorf("got the zombies %s, want none", zombies)
		}
	}()
	select {
	case <-answered:
	case <-time.After(waitLimit):
		t.Error("timed out looking at the processes: a process that hangs delays the helpers")
	}
	release()
	<-answered
	hidden.Process.Kill()
	hidden.Wait()
	s.terminate()
}

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

// TestHiddenProcesses: what these tests ask of the processes of the machine is answered although one of them, of any
// user and of any other test, hangs in the middle of its exec.
func TestHiddenProcesses(t *testing.T) {
	file, closing, release := fusetest.HangOnClose(t)
	zoo, err := exec.LookPath("zoo")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t)
	s.write("j.toml", "cmd = [\"sleep\", \"1000\"]\nkeep_alive = true\n")
	s.begin()
	leader := s.leader("j")
	hidden := exec.Command(zoo, "hide", file)
	hidden.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := hidden.Start(); err != nil {
		t.Fatal(err)
	}
	<-closing
	answered := make(chan bool)
	go func() {
		defer close(answered)
		if pids := marked(t, s.root, "j"); !slices.Equal(pids, []int{leader}) {
			t.Errorf("%d bear the mark of the job, not %d", pids, leader)
		}
		for _, pid := range []int{leader, hidden.Process.Pid} {
			if pids := inGroup(strconv.Itoa(pid)); !slices.Equal(pids, []string{strconv.Itoa(pid)}) {
				t.Errorf("%s are in the group of %d", pids, pid)
			}
			if !lives(pid) {
				t.Errorf("%d counts as ended", pid)
			}
		}
		if zombies := zombiesOf(os.Getpid()); len(zombies) > 0 {
			t.Errorf("%s are zombies", zombies)
		}
	}()
	select {
	case <-answered:
	case <-time.After(patience):
		t.Error("a process that hangs holds up who looks for others")
	}
	release()
	<-answered
	hidden.Process.Kill()
	hidden.Wait()
	s.term()
}

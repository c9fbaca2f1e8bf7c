package test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/internal/fusetest"
	"jobsd/statefile"
)

// TestSharedState: the daemon refuses a state directory behind a FUSE server before it asks that server for anything, and
// says which type of file system it is and which key overrides.
func TestSharedState(t *testing.T) {
	t.Parallel()
	dir, _ := fusetest.Hang(t)
	s := newSite(t)

	cmd := exec.Command(s.path(), "--root", s.root, "run", "--state-dir", dir)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.cmd, s.done = cmd, make(chan struct{})
	go func() {
		cmd.Wait()
		close(s.done)
	}()
	s.awaitsEnd()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("the daemon ended with %d", code)
	}
	for _, words := range []string{dir, "type fuse", "shared_state = true"} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("%q is not in what it says: %s", words, out.String())
		}
	}
	s.cmd = nil
}

// awaitsEnd waits for the daemon to end by itself.
func (s *site) awaitsEnd() {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(patience):
		s.t.Fatal("the daemon does not end")
	}
}

// TestCopiedState: a daemon on a copy of a state directory whose own daemon is alive leaves the processes alone that it
// knows of, has them lost, and gets an id of its own. The slots so far and the retries are the original's.
func TestCopiedState(t *testing.T) {
	t.Parallel()
	first := newSite(t)
	first.write("sleeper.toml", "cmd = [\"sleep\", \"1000\"]\nretries = 3\nretry_delay = \"1s\"\n")
	first.begin()
	first.tell("start", "sleeper")
	pids := first.populated("sleeper", 1)

	second := newSite(t)
	second.write("sleeper.toml", "cmd = [\"sleep\", \"1000\"]\nretries = 3\nretry_delay = \"1s\"\n")
	if out, err := exec.Command("cp", "-a", filepath.Join(first.root, "state"), second.root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	second.begin()
	if r := second.lastRun("sleeper"); r.Outcome != statefile.OutcomeLost {
		t.Errorf("the run of the copy: %+v", r)
	}
	if j := second.read().Jobs["sleeper"]; len(j.Running) > 0 {
		t.Errorf("the copy tries again: %+v", j.Running)
	}
	if second.logs("is a copy") != 1 {
		t.Error("nothing was said of the copy")
	}
	second.term()
	first.populated("sleeper", 1)
	if err := syscall.Kill(pids[0], 0); err != nil {
		t.Errorf("the process of the original: %v", err)
	}
	if a, b := factsOf(t, first.root).ID, factsOf(t, second.root).ID; a == b {
		t.Errorf("both directories have the id %s", a)
	}
	second.begin() // it is no copy of itself
	if second.said("is a copy") != 1 {
		t.Error("it was taken for a copy once more")
	}
	second.term()
	first.term()
}

func factsOf(t *testing.T, root string) *statefile.Facts {
	t.Helper()
	facts, err := statefile.ReadFacts(filepath.Join(root, "state"))
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// TestMovedState: a state directory that was renamed within its file system is the same, and its runs are adopted.
func TestMovedState(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("sleeper.toml", "cmd = [\"sleep\", \"1000\"]\n")
	s.begin()
	s.tell("start", "sleeper")
	s.populated("sleeper", 1)
	s.kill(syscall.SIGKILL)
	was := factsOf(t, s.root).ID
	for _, rename := range [][2]string{{"state", "moved"}, {"moved", "state"}} {
		if err := syscall.Rename(filepath.Join(s.root, rename[0]), filepath.Join(s.root, rename[1])); err != nil {
			t.Fatal(err)
		}
	}
	s.begin()
	s.until("it to be adopted", func(state *statefile.State) bool {
		return len(state.Jobs["sleeper"].Running) == 1 && state.Jobs["sleeper"].Running[0].Adopted
	})
	if is := factsOf(t, s.root).ID; is != was {
		t.Errorf("the id was %s and is %s", was, is)
	}
	s.term()
}

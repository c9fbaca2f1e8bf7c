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

// TestSharedState: the daemon refuses a state directory behind a FUSE server, without any request to that server. The
// message has the type of the file system and the key that overrides.
func TestSharedState(t *testing.T) {
	t.Parallel()
	dir, _ := fusetest.Hang(t)
	s := newServer(t)

	cmd := s.command("run", "--state-dir", dir)
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
	s.waitEnded()
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("the daemon: got exit code %d, want 1", code)
	}
	for _, words := range []string{dir, "type fuse", "shared_state = true"} {
		if !strings.Contains(out.String(), words) {
			t.Errorf("got the message %s, want %q in it", out.String(), words)
		}
	}
	s.cmd = nil
}

// waitEnded waits for the daemon to end by itself.
func (s *server) waitEnded() {
	s.t.Helper()
	select {
	case <-s.done:
	case <-time.After(waitLimit):
		s.t.Fatal("timed out waiting for the end of the daemon")
	}
}

// TestCopiedState: a daemon starts on a copy of a state directory, while the daemon of the original runs. It leaves the
// processes of the original alone, reports their runs as lost, and gets an id of its own. Earlier slots and retries
// belong to the original.
func TestCopiedState(t *testing.T) {
	t.Parallel()
	first := newServer(t)
	first.writeJobs("sleeper.toml", "cmd = [\"sleep\", \"1000\"]\nretries = 3\nretry_delay = \"1s\"\n")
	first.startReady()
	first.jobsd("start", "sleeper")
	pids := first.waitProcesses("sleeper", 1)

	second := newServer(t)
	second.writeJobs("sleeper.toml", "cmd = [\"sleep\", \"1000\"]\nretries = 3\nretry_delay = \"1s\"\n")
	if out, err := exec.Command("cp", "-a", filepath.Join(first.root, "state"), second.root).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	second.startReady()
	if r := second.waitLastRun("sleeper"); r.Outcome != statefile.OutcomeLost {
		t.Errorf("the run of the copy: got %+v, want the outcome lost", r)
	}
	if j := second.readState().Jobs["sleeper"]; len(j.Running) > 0 {
		t.Errorf("the copy retries the run of the original: %+v", j.Running)
	}
	if second.waitLogged("is a copy") != 1 {
		t.Error("the log does not report the copy once")
	}
	second.terminate()
	first.waitProcesses("sleeper", 1)
	if err := syscall.Kill(pids[0], 0); err != nil {
		t.Errorf("the process of the original is gone: %v", err)
	}
	if a, b := readFacts(t, first.root).ID, readFacts(t, second.root).ID; a == b {
		t.Errorf("both directories have the id %s", a)
	}
	second.startReady() // now it is no copy any longer
	if second.countLogged("is a copy") != 1 {
		t.Error("the daemon took its own directory for a copy again")
	}
	second.terminate()
	first.terminate()
}

func readFacts(t *testing.T, root string) *statefile.Facts {
	t.Helper()
	facts, err := statefile.ReadFacts(filepath.Join(root, "state"))
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// TestMovedState: a state directory that was renamed within its file system is no copy. The daemon adopts its runs.
func TestMovedState(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.writeJobs("sleeper.toml", "cmd = [\"sleep\", \"1000\"]\n")
	s.startReady()
	s.jobsd("start", "sleeper")
	s.waitProcesses("sleeper", 1)
	s.kill(syscall.SIGKILL)
	was := readFacts(t, s.root).ID
	for _, rename := range [][2]string{{"state", "moved"}, {"moved", "state"}} {
		if err := syscall.Rename(filepath.Join(s.root, rename[0]), filepath.Join(s.root, rename[1])); err != nil {
			t.Fatal(err)
		}
	}
	s.startReady()
	s.waitState("the run to be adopted", func(state *statefile.State) bool {
		return len(state.Jobs["sleeper"].Running) == 1 && state.Jobs["sleeper"].Running[0].Adopted
	})
	if is := readFacts(t, s.root).ID; is != was {
		t.Errorf("got the id %s, want %s", is, was)
	}
	s.terminate()
}

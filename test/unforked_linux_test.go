package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/internal/testdir"
	"jobsd/statefile"
)

// ledger returns the lines that jobs have written to a file, in order.
func ledger(path string) []string {
	text, _ := os.ReadFile(path)
	lines := strings.Fields(string(text))
	slices.Sort(lines)
	return lines
}

// dies waits until the daemon has killed itself at a failpoint.
func (s *server) dies() {
	s.t.Helper()
	select {
	case <-s.done:
		s.cmd = nil
	case <-time.After(waitLimit):
		s.t.Fatal("timed out waiting for the daemon to kill itself")
	}
}

// TestA4KilledBeforeFork: the daemon is killed when the intents of several runs are on disk and none is forked, twice in
// a row, with and without a pipe for the output. The third daemon starts each of them, once.
func TestA4KilledBeforeFork(t *testing.T) {
	t.Parallel()
	if !testdir.HasMemory() {
		t.Skip("needs a tmpfs at /dev/shm")
	}
	s := newServer(t)
	s.runInMemory()
	file := filepath.Join(s.root, "ledger")
	line := fmt.Sprintf(`echo $JOBSD_JOB:$JOBSD_RUN:$JOBSD_ATTEMPT$1$2 >>%s`, file)
	at := time.Now().Add(-time.Second).UTC().Format(time.RFC3339)
	s.writeJobs("jobs.toml", fmt.Sprintf(`
[[jobs]]
name = "boot"
at_boot = true
shell = %[1]q
[[jobs]]
name = "service"
keep_alive = true
shell = %[2]q
[[jobs]]
name = "at"
at = %[3]q
shell = %[1]q
[[jobs]]
name = "person"
shell = %[1]q
`, line, line+"; exec sleep 1000", at))
	for _, at := range []string{"fork", "piped"} {
		s.env = []string{dieAt + "=" + at + ":1:0ms"}
		s.start()
		s.dies()
	}
	s.env = nil
	s.startReady()
	want := []string{"at:2:1", "boot:1:1", "service:3:1"}
	s.waitFor("the runs", func() bool { return len(ledger(file)) >= len(want) })
	if got := ledger(file); !slices.Equal(got, want) {
		t.Errorf("got the runs %v, want %v", got, want)
	}
	s.waitLastRun("at")
	state := s.readState()
	for _, job := range []string{"at", "boot"} {
		if r := state.Jobs[job].LastRun; r.Outcome != statefile.OutcomeExited || *r.ExitCode != 0 {
			t.Errorf("%s: got %+v, want that it exited 0", job, r)
		}
	}
	s.kill(syscall.SIGKILL)

	// The arguments of a person survive, too.
	s.env = []string{dieAt + "=piped:1:0ms"}
	s.startReady()
	s.command("start", "person", "--", "-x", "1").Run()
	s.dies()
	s.env = nil
	s.startReady()
	r := s.waitLastRun("person")
	if got, want := ledger(file), fmt.Sprintf("person:%d:1-x1", r.Run); !slices.Contains(got, want) || len(got) != 4 {
		t.Errorf("got the runs %v, want %v, too", got, want)
	}
	if left, _ := os.ReadDir(filepath.Join(s.root, "state", "delayed_starts")); len(left) > 0 {
		t.Errorf("got the files %v of arguments, want none", left)
	}
	if text := s.jobsd("logs", "person"); strings.Count(text, "started") != 1 {
		t.Errorf("got the log %q, want one start marker", text)
	}
	s.terminate()
}

// TestA4KilledAfterFork: the daemon is killed before it records the pids. The next daemon knows from the evidence which
// process each run had, also of a run that has ended.
func TestA4KilledAfterFork(t *testing.T) {
	t.Parallel()
	if !testdir.HasMemory() {
		t.Skip("needs a tmpfs at /dev/shm")
	}
	s := newServer(t)
	s.runInMemory()
	ended := filepath.Join(s.root, "ended")
	s.writeJobs("ends.toml", fmt.Sprintf("at_boot = true\nshell = \"echo $$ >%s\"\n", ended))
	s.env = []string{dieAt + "=forked:1:0ms"}
	s.start()
	s.dies()
	if err := poll(waitLimit, nil, func() bool {
		pids := ledger(ended)
		return len(pids) == 1 && !exists("/proc/"+pids[0])
	}); err != nil {
		t.Fatalf("%v while the test waited for the end of the job", err)
	}
	s.env = nil
	s.startReady()
	if r := s.waitLastRun("ends"); r.Run != 1 || r.Outcome != statefile.OutcomeLost || *r.LostStage != statefile.LostStarted {
		t.Errorf("got %+v, want run 1 lost at the stage started", r)
	}
	if j := s.readState().Jobs["ends"]; j.Runs != 1 {
		t.Errorf("got %d runs, want 1", j.Runs)
	}
	s.terminate()
}

// TestEvidenceRemoved: somebody removes the run directory while the daemon runs. After the next reload, the daemon has
// new evidence.
func TestEvidenceRemoved(t *testing.T) {
	t.Parallel()
	if !testdir.HasMemory() {
		t.Skip("needs a tmpfs at /dev/shm")
	}
	s := newServer(t)
	run := s.runInMemory()
	s.writeJobs("j.toml", "cmd = [\"true\"]\n")
	s.env = []string{dieAt + "=fork:1:0ms"}
	s.startReady()
	if err := os.RemoveAll(run); err != nil {
		t.Fatal(err)
	}
	s.cmd.Process.Signal(syscall.SIGHUP)
	s.waitFor("the evidence", func() bool {
		found, _ := filepath.Glob(filepath.Join(run, "starts-*"))
		return len(found) == 1
	})
	s.command("start", "j").Run()
	s.dies()
	s.env = nil
	s.startReady()
	if r := s.waitLastRun("j"); r.Run != 1 || r.Outcome != statefile.OutcomeExited {
		t.Errorf("got %+v, want that run 1 exited", r)
	}
	s.terminate()
}

package test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jobsd/statefile"
)

// TestA39LogDiskFull: the disk of the logs is full. The job gets the error. The daemon continues and reports it, until
// there is room again.
func TestA39LogDiskFull(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := filepath.Join(s.root, "log")
	mountSmall(t, dir, "256k")
	// The error message of head has nowhere to go either, so its exit code must show the error.
	s.writeJobs("flood.toml", "cmd = [\"head\", \"-c\", \"3000000\", \"/dev/zero\"]\n")
	s.writeJobs("quiet.toml", "cmd = [\"true\"]\n")
	s.startReady()
	fds := s.restingDescriptors()
	s.jobsd("start", "flood")
	if r := s.waitLastRun("flood"); r.Outcome != statefile.OutcomeExited || *r.ExitCode == 0 {
		t.Errorf("flood: got %+v, want an exit code other than 0", r)
	}
	state := s.waitState("the report", func(state *statefile.State) bool { return len(state.Daemon.Degraded) > 0 })
	if text := strings.Join(state.Daemon.Degraded, " "); !strings.Contains(text, "no space left") || !strings.Contains(text, dir) {
		t.Errorf("got degraded %q, want \"no space left\" in %s", state.Daemon.Degraded, dir)
	}
	s.jobsd("start", "quiet") // this job prints nothing
	s.checkExit("quiet", 0)
	if err := os.Truncate(filepath.Join(dir, "flood.log"), 0); err != nil {
		t.Fatal(err)
	}
	s.jobsd("start", "quiet")
	s.waitState("the log to be writable again", func(state *statefile.State) bool {
		return state.Jobs["quiet"].Runs == 2 && len(state.Daemon.Degraded) <= 1
	})
	s.writeJobs("flood.toml", "cmd = [\"echo\", \"little\"]\n")
	s.reloadByHUP()
	s.jobsd("start", "flood")
	s.waitState("all logs to be writable again", func(state *statefile.State) bool {
		return state.Jobs["flood"].Runs == 2 && len(state.Daemon.Degraded) == 0
	})
	if s.countLines("flood", "little") != 1 {
		t.Error("the log lacks the line that was written when there was room")
	}
	s.checkSound(fds)
	s.terminate()
}

// TestA39LogDeleted: somebody deletes a log while its job runs, and then the whole directory. Jobs still run. The
// daemon makes a missing log again as soon as the directory exists.
func TestA39LogDeleted(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	log := filepath.Join(s.root, "log", "says.log")
	gate := filepath.Join(s.root, "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	s.writeJobs("says.toml", "shell = \"echo before; read line <"+gate+"; echo after\"\n")
	s.writeJobs("other.toml", "shell = \"echo other\"\n")
	s.startReady()
	fds := s.restingDescriptors()
	s.jobsd("start", "says")
	s.waitFor("the first line of the job", func() bool { return s.countLines("says", "before") == 1 })
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	open := func() { writeFile(t, gate, "go\n") }
	open()
	s.checkExit("says", 0) // with a deleted log
	s.jobsd("start", "says")
	s.waitFor("the new log", func() bool { return s.countLines("says", "before") == 1 })

	if err := os.RemoveAll(filepath.Dir(log)); err != nil {
		t.Fatal(err)
	}
	open()
	s.jobsd("start", "other")
	state := s.waitState("both to end", func(state *statefile.State) bool {
		return state.Jobs["other"].LastRun != nil && len(state.Jobs["other"].Running) == 0 && state.Jobs["says"].Runs == 2 && len(state.Jobs["says"].Running) == 0 &&
			strings.Contains(strings.Join(state.Daemon.Degraded, " "), "no such file")
	})
	for _, job := range []string{"says", "other"} {
		if r := state.Jobs[job].LastRun; r.Outcome != statefile.OutcomeExited || *r.ExitCode != 0 {
			t.Errorf("%s, without a directory: got %+v, want exit code 0", job, r)
		}
	}
	if s.waitLogged("starting without a durable journal entry", "other") != 1 {
		t.Error("the log does not say that the output of other is lost")
	}
	if err := os.Mkdir(filepath.Dir(log), 0o750); err != nil {
		t.Fatal(err)
	}
	s.jobsd("start", "other")
	s.jobsd("start", "says")
	open()
	s.waitState("all logs to be writable again", func(state *statefile.State) bool {
		return len(state.Daemon.Degraded) == 0 && state.Jobs["says"].Runs == 3 && len(state.Jobs["says"].Running) == 0
	})
	if s.countLines("says", "after") != 1 || s.countLines("other", "other") != 1 {
		t.Error("the logs lack the lines that were written when the directory existed")
	}
	s.checkSound(fds)
	s.terminate()
}

// TestA39ClosedOutputAndLongLine: one job closes its output, and another writes a line of hundreds of megabytes. The
// memory of the daemon does not grow.
func TestA39ClosedOutputAndLongLine(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.writeJobs("closes.toml", "shell = \"exec >&- 2>&-; sleep 0.1; exit 3\"\n")
	s.writeJobs("line.toml", "shell = \"head -c 300000000 /dev/zero | tr '\\\\0' x; exit 4\"\nlog = {max_size = \"1MB\", keep = 1}\n")
	s.startReady()
	fds := s.restingDescriptors()
	s.jobsd("start", "closes")
	s.checkExit("closes", 3)
	s.jobsd("start", "line")
	s.checkExit("line", 4)
	s.checkMemory()
	text, err := os.ReadFile(filepath.Join(s.root, "log", "line.log"))
	if end := text[max(0, len(text)-200):]; err != nil || !strings.Contains(string(end), "x\n== run 2 ") || !strings.Contains(string(end), "exited 4") {
		t.Errorf("the log does not end with a log marker: %v\n%q", err, end)
	}
	s.checkSound(fds)
	s.terminate()
}

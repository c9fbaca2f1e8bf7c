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
	s := newSite(t)
	dir := filepath.Join(s.root, "log")
	small(t, dir, "256k")
	// The error message of head has nowhere to go either, so its exit code must show the error.
	s.write("flood.toml", "cmd = [\"head\", \"-c\", \"3000000\", \"/dev/zero\"]\n")
	s.write("quiet.toml", "cmd = [\"true\"]\n")
	s.begin()
	fds := s.steady()
	s.tell("start", "flood")
	if r := s.lastRun("flood"); r.Outcome != statefile.OutcomeExited || *r.ExitCode == 0 {
		t.Errorf("flood: got %+v, want an exit code other than 0", r)
	}
	state := s.until("the report", func(state *statefile.State) bool { return len(state.Daemon.Degraded) > 0 })
	if text := strings.Join(state.Daemon.Degraded, " "); !strings.Contains(text, "no space left") || !strings.Contains(text, dir) {
		t.Errorf("got degraded %q, want \"no space left\" in %s", state.Daemon.Degraded, dir)
	}
	s.tell("start", "quiet") // this job prints nothing
	if r := s.lastRun("quiet"); r.Outcome != statefile.OutcomeExited || *r.ExitCode != 0 {
		t.Errorf("quiet: got %+v, want exit code 0", r)
	}
	if err := os.Truncate(filepath.Join(dir, "flood.log"), 0); err != nil {
		t.Fatal(err)
	}
	s.tell("start", "quiet")
	s.until("the log to be writable again", func(state *statefile.State) bool {
		return state.Jobs["quiet"].Runs == 2 && len(state.Daemon.Degraded) <= 1
	})
	s.write("flood.toml", "cmd = [\"echo\", \"little\"]\n")
	s.hup()
	s.tell("start", "flood")
	s.until("all logs to be writable again", func(state *statefile.State) bool {
		return state.Jobs["flood"].Runs == 2 && len(state.Daemon.Degraded) == 0
	})
	if s.lines("flood", "little") != 1 {
		t.Error("the log lacks the line that was written when there was room")
	}
	s.sound(fds)
	s.term()
}

// TestA39LogDeleted: somebody deletes a log while its job runs, and then the whole directory. Jobs still run. The daemon
// makes a missing log again as soon as the directory exists.
func TestA39LogDeleted(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	log := filepath.Join(s.root, "log", "says.log")
	gate := filepath.Join(s.root, "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	s.write("says.toml", "shell = \"echo before; read line <"+gate+"; echo after\"\n")
	s.write("other.toml", "shell = \"echo other\"\n")
	s.begin()
	fds := s.steady()
	s.tell("start", "says")
	s.awaits("the first line of the job", func() bool { return s.lines("says", "before") == 1 })
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	open := func() { put(t, gate, "go\n") }
	open()
	if r := s.lastRun("says"); r.Outcome != statefile.OutcomeExited || *r.ExitCode != 0 {
		t.Errorf("with a deleted log: got %+v, want exit code 0", r)
	}
	s.tell("start", "says")
	s.awaits("the new log", func() bool { return s.lines("says", "before") == 1 })

	if err := os.RemoveAll(filepath.Dir(log)); err != nil {
		t.Fatal(err)
	}
	open()
	s.tell("start", "other")
	state := s.until("both to end", func(state *statefile.State) bool {
		return state.Jobs["other"].LastRun != nil && len(state.Jobs["other"].Running) == 0 && state.Jobs["says"].Runs == 2 && len(state.Jobs["says"].Running) == 0 && len(state.Daemon.Degraded) > 0
	})
	for _, job := range []string{"says", "other"} {
		if r := state.Jobs[job].LastRun; r.Outcome != statefile.OutcomeExited || *r.ExitCode != 0 {
			t.Errorf("%s, without a directory: got %+v, want exit code 0", job, r)
		}
	}
	if text := strings.Join(state.Daemon.Degraded, " "); !strings.Contains(text, "no such file") {
		t.Errorf("got degraded %q, want \"no such file\"", text)
	}
	if s.logs("starting without a durable journal entry", "other") != 1 {
		t.Error("the log does not say that the output of other is lost")
	}
	if err := os.Mkdir(filepath.Dir(log), 0o750); err != nil {
		t.Fatal(err)
	}
	s.tell("start", "other")
	s.tell("start", "says")
	open()
	s.until("all logs to be writable again", func(state *statefile.State) bool {
		return len(state.Daemon.Degraded) == 0 && state.Jobs["says"].Runs == 3 && len(state.Jobs["says"].Running) == 0
	})
	if s.lines("says", "after") != 1 || s.lines("other", "other") != 1 {
		t.Error("the logs lack the lines that were written when the directory existed")
	}
	s.sound(fds)
	s.term()
}

// TestA39ClosedOutputAndLongLine: one job closes its output, and another writes a line of hundreds of megabytes. The memory
// of the daemon does not grow.
func TestA39ClosedOutputAndLongLine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("closes.toml", "shell = \"exec >&- 2>&-; sleep 0.1; exit 3\"\n")
	s.write("line.toml", "shell = \"head -c 300000000 /dev/zero | tr '\\\\0' x; exit 4\"\nlog = {max_size = \"1MB\", keep = 1}\n")
	s.begin()
	fds := s.steady()
	s.tell("start", "closes")
	if r := s.lastRun("closes"); r.Outcome != statefile.OutcomeExited || *r.ExitCode != 3 {
		t.Errorf("closes: got %+v, want exit code 3", r)
	}
	s.tell("start", "line")
	if r := s.lastRun("line"); r.Outcome != statefile.OutcomeExited || *r.ExitCode != 4 {
		t.Errorf("line: got %+v, want exit code 4", r)
	}
	if rss := peak(t, s.daemonPID()); rss > 64<<10 && !raceDetector {
		t.Errorf("got a peak RSS of %d KiB, want at most 64 MiB", rss)
	}
	text, err := os.ReadFile(filepath.Join(s.root, "log", "line.log"))
	if end := text[max(0, len(text)-200):]; err != nil || !strings.Contains(string(end), "x\n== run 2 ") || !strings.Contains(string(end), "exited 4") {
		t.Errorf("the log does not end with a log marker: %v\n%q", err, end)
	}
	s.sound(fds)
	s.term()
}

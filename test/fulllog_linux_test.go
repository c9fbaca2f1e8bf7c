package test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"jobsd/statefile"
)

// TestA39LogDiskFull: the disk of the logs is full. The job gets the error, the daemon goes on and says it, and all is well when
// there is room.
func TestA39LogDiskFull(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := filepath.Join(s.root, "log")
	small(t, dir, "256k")
	// Of a shell's own echo the error is the shell's to tell, and that has nowhere to go: its exit code tells.
	s.write("flood.toml", "cmd = [\"head\", \"-c\", \"3000000\", \"/dev/zero\"]\n")
	s.write("quiet.toml", "cmd = [\"true\"]\n")
	s.begin()
	fds := s.steady()
	s.tell("start", "flood")
	if r := s.lastRun("flood"); r.Outcome != statefile.OutcomeExited || *r.ExitCode == 0 {
		t.Errorf("flood: %+v", r)
	}
	state := s.until("it to be said", func(state *statefile.State) bool { return len(state.Daemon.Degraded) > 0 })
	if text := strings.Join(state.Daemon.Degraded, " "); !strings.Contains(text, "no space left") || !strings.Contains(text, dir) {
		t.Errorf("degraded: %q", state.Daemon.Degraded)
	}
	s.tell("start", "quiet") // which has nothing to say
	if r := s.lastRun("quiet"); r.Outcome != statefile.OutcomeExited || *r.ExitCode != 0 {
		t.Errorf("quiet: %+v", r)
	}
	if err := os.Truncate(filepath.Join(dir, "flood.log"), 0); err != nil {
		t.Fatal(err)
	}
	s.tell("start", "quiet")
	s.until("the log to be well again", func(state *statefile.State) bool {
		return state.Jobs["quiet"].Runs == 2 && len(state.Daemon.Degraded) <= 1
	})
	s.write("flood.toml", "cmd = [\"echo\", \"little\"]\n")
	s.hup()
	s.tell("start", "flood")
	s.until("all to be well again", func(state *statefile.State) bool {
		return state.Jobs["flood"].Runs == 2 && len(state.Daemon.Degraded) == 0
	})
	if s.lines("flood", "little") != 1 {
		t.Error("the log lacks what was written when there was room")
	}
	s.sound(fds)
	s.term()
}

// TestA39LogDeleted: the file of a log is deleted under its job, and then all of the directory. Jobs run, and what is missing
// is made anew as soon as there is where.
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
	s.awaits("it to say something", func() bool { return s.lines("says", "before") == 1 })
	if err := os.Remove(log); err != nil {
		t.Fatal(err)
	}
	open := func() { put(t, gate, "go\n") }
	open()
	if r := s.lastRun("says"); r.Outcome != statefile.OutcomeExited || *r.ExitCode != 0 {
		t.Errorf("with a deleted log: %+v", r)
	}
	s.tell("start", "says")
	s.awaits("the log to be made anew", func() bool { return s.lines("says", "before") == 1 })

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
			t.Errorf("%s, without a directory: %+v", job, r)
		}
	}
	if text := strings.Join(state.Daemon.Degraded, " "); !strings.Contains(text, "no such file") {
		t.Errorf("degraded: %q", text)
	}
	if s.said("starting without a durable journal entry", "other") != 1 {
		t.Error("it is not said that the output goes nowhere")
	}
	if err := os.Mkdir(filepath.Dir(log), 0o750); err != nil {
		t.Fatal(err)
	}
	s.tell("start", "other")
	s.tell("start", "says")
	open()
	s.until("all to be well again", func(state *statefile.State) bool {
		return len(state.Daemon.Degraded) == 0 && state.Jobs["says"].Runs == 3 && len(state.Jobs["says"].Running) == 0
	})
	if s.lines("says", "after") != 1 || s.lines("other", "other") != 1 {
		t.Error("the logs lack what was written when there was a directory")
	}
	s.sound(fds)
	s.term()
}

// TestA39ClosedOutputAndLongLine: a job closes its output; another writes one line of hundreds of megabytes. The daemon does not grow.
func TestA39ClosedOutputAndLongLine(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("closes.toml", "shell = \"exec >&- 2>&-; sleep 0.1; exit 3\"\n")
	s.write("line.toml", "shell = \"head -c 300000000 /dev/zero | tr '\\\\0' x; exit 4\"\nlog = {max_size = \"1MB\", keep = 1}\n")
	s.begin()
	fds := s.steady()
	s.tell("start", "closes")
	if r := s.lastRun("closes"); r.Outcome != statefile.OutcomeExited || *r.ExitCode != 3 {
		t.Errorf("closes: %+v", r)
	}
	s.tell("start", "line")
	if r := s.lastRun("line"); r.Outcome != statefile.OutcomeExited || *r.ExitCode != 4 {
		t.Errorf("line: %+v", r)
	}
	if rss := peak(t, s.daemonPID()); rss > 64<<10 && !raceDetector {
		t.Errorf("peak RSS %d KiB", rss)
	}
	text, err := os.ReadFile(filepath.Join(s.root, "log", "line.log"))
	if end := text[max(0, len(text)-200):]; err != nil || !strings.Contains(string(end), "x\n== run 2 ") || !strings.Contains(string(end), "exited 4") {
		t.Errorf("the log does not end with a line of the daemon's own: %v\n%q", err, end)
	}
	s.sound(fds)
	s.term()
}

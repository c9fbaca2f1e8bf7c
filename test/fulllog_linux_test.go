package test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"jobsd/statefile"
)

// TestA39LogDiskFull: the disk of the logs is full. A job that writes much waits, other jobs run, and the daemon reports
// it. When there is room again, nothing is lost.
func TestA39LogDiskFull(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := filepath.Join(s.root, "log")
	mountSmall(t, dir, "256k")
	s.writeJobs("flood.toml", "shell = \"yes | head -n 1500000\"\n")
	s.writeJobs("quiet.toml", "cmd = [\"true\"]\n")
	s.startReady()
	fds := s.restingDescriptors()
	s.jobsd("start", "flood")
	state := s.waitState("the report", func(state *statefile.State) bool { return len(state.Daemon.Degraded) > 0 })
	if text := strings.Join(state.Daemon.Degraded, " "); !strings.Contains(text, "no space left") {
		t.Errorf("got degraded %q, want \"no space left\"", state.Daemon.Degraded)
	}
	s.jobsd("start", "quiet") // this job prints nothing
	s.checkExit("quiet", 0)
	if running := s.readState().Jobs["flood"].Running; len(running) != 1 {
		t.Errorf("got the runs %+v of flood, want one that waits", running)
	}
	if err := syscall.Mount("", dir, "tmpfs", syscall.MS_REMOUNT, "size=20m"); err != nil {
		t.Fatal(err)
	}
	state = s.waitState("all output to be written", func(state *statefile.State) bool {
		last := state.Jobs["flood"].LastRun
		return last != nil && last.Output != nil && len(state.Daemon.Degraded) == 0
	})
	if last := state.Jobs["flood"].LastRun; *last.ExitCode != 0 || last.Output.Bytes != 3_000_000 {
		t.Errorf("flood: got %+v and the output %+v, want exit code 0 and 3000000 bytes", last, last.Output)
	}
	text, err := os.ReadFile(filepath.Join(dir, "flood.log"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "y\n"); n != 1_500_000 {
		t.Errorf("got %d lines, want 1500000", n)
	}
	s.checkSound(fds)
	s.terminate()
}

// TestA39KilledOnFullDisk: the disk of the logs is full, and then the recorder is killed, and the daemon, and both one
// after the other. Runs wait, and the daemon reports it and does everything else. When there is room again, each line is
// there once.
func TestA39KilledOnFullDisk(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := filepath.Join(s.root, "log")
	mountSmall(t, dir, "1m")
	v := newSurvivor(t, s)
	full := func(state *statefile.State) bool {
		return strings.Contains(strings.Join(state.Daemon.Degraded, " "), "runs that print much wait")
	}
	v.waitState("the report", full)
	for range 2 {
		v.killRecorder()
		v.recorder(v.last)
		v.kill(syscall.SIGKILL)
		v.startReady()
		v.waitState("the report of the next daemon", full)
		v.writeJobs("quiet.toml", "cmd = [\"true\"]\n")
		v.jobsd("reload")
		v.jobsd("start", "quiet")
		v.checkExit("quiet", 0)
		if err := os.Remove(filepath.Join(s.root, "jobs.d", "quiet.toml")); err != nil {
			t.Fatal(err)
		}
		v.jobsd("reload")
	}
	if running := pidsOf(v.readState()); len(running) != len(v.names) {
		t.Errorf("got the runs %v, want one of each of %v", running, v.names)
	}
	if err := syscall.Mount("", dir, "tmpfs", syscall.MS_REMOUNT, "size=500m"); err != nil {
		t.Fatal(err)
	}
	v.waitState("the end of the report", func(state *statefile.State) bool { return len(state.Daemon.Degraded) == 0 })
	v.checkComplete(v.finish())
	v.terminate()
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
	if s.waitLogged("cannot write the log of other, so its output is discarded", "no such file") != 1 {
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

// longLineEnd is the end of a long line with the end marker. The line may end just where it would have been cut.
var longLineEnd = regexp.MustCompile(`x\n(== run 2: the line above is too long and continues below\n)?== run 2 `)

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
	text, err := os.ReadFile(filepath.Join(s.root, "log", "line.log.1"))
	if newest, err := os.ReadFile(filepath.Join(s.root, "log", "line.log")); err == nil { // it may have the marker alone
		text = append(text, newest...)
	}
	if end := text[max(0, len(text)-200):]; err != nil || !longLineEnd.Match(end) || !strings.Contains(string(end), "exited 4") {
		t.Errorf("the log does not end with a log marker: %v\n%q", err, end)
	}
	s.checkSound(fds)
	s.terminate()
}

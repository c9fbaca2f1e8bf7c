package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"jobsd/internal/fusetest"
	"jobsd/statefile"
)

// In these tests, a user delays the starts of their own jobs between the fork and the exec, with everything that a user
// may do to their own processes and files. During that time, everything else must continue.

// newServerForStranger returns a server that other users can reach, with a job "other" of the daemon's own user. It
// also returns the number of a user and a group that no other test has, not even another run of the tests at the same
// time: one of these users suspends all of their processes.
func newServerForStranger(t *testing.T) (s *server, stranger int) {
	needRoot(t, "only root runs jobs of other users")
	s = newServer(t)
	s.openToOthers()
	s.writeJobs("other.toml", "cmd = [\"true\"]\n")
	return s, strangerUID()
}

// home makes a directory that belongs to the stranger.
func (s *server) home(stranger int) string {
	s.t.Helper()
	dir := filepath.Join(s.root, "home")
	if err := os.Mkdir(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chown(dir, stranger, stranger); err != nil {
		s.t.Fatal(err)
	}
	return dir
}

// checkOthersContinue checks that the loop answers, jobs run and job files are read while the starts of these jobs are
// held.
func (s *server) checkOthersContinue(jobs ...string) {
	s.t.Helper()
	held := func(state *statefile.State) bool {
		for _, job := range jobs {
			if r := state.Jobs[job].Running; len(r) != 1 || r[0].State != statefile.RunStarting || r[0].PID == nil {
				return false
			}
		}
		return true
	}
	s.waitState(fmt.Sprintf("the starts of %v to be held", jobs), held)
	s.jobsd("start", "--wait", "other")
	for _, job := range jobs { // so that the reload reads the file again
		writeFile(s.t, filepath.Join(s.root, "jobs.d", job+".toml"), "# read again\n"+string(s.file(job)))
	}
	s.jobsd("reload")
	if state := s.readState(); !held(state) {
		s.t.Errorf("the starts of %v are no longer held, so this test shows nothing", jobs)
	}
}

func (s *server) file(job string) []byte {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.root, "jobs.d", job+".toml"))
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// stopHeld stops a job while its start is held. The stop ends the run at once.
func (s *server) stopHeld(job string) {
	s.t.Helper()
	s.jobsd("stop", job)
	if r := s.waitLastRun(job); r.Outcome != statefile.OutcomeStopped {
		s.t.Errorf("%s: got %+v, want the outcome stopped", job, r)
	}
}

// freeze starts the job "frozen" again and again, until the job "freezer" of the user suspends a process of it before
// its program runs.
func (s *server) freeze() int {
	s.t.Helper()
	for range 200 {
		s.jobsd("start", "frozen")
		pid := 0
		s.waitState("frozen to end or to be suspended", func(state *statefile.State) bool {
			j := state.Jobs["frozen"]
			if len(j.Running) != 1 || j.Running[0].PID == nil {
				return len(j.Running) == 0
			}
			pid = *j.Running[0].PID
			return strings.Contains(s.status(pid), "State:\tT")
		})
		if name := s.status(pid); pid > 0 && !strings.Contains(name, "Name:\tsleep") {
			return pid
		}
		s.jobsd("stop", "frozen")
	}
	s.t.Fatal("the user suspended no process of the job before its exec")
	return 0
}

// status returns the status of a process from /proc, or "" if the process does not exist.
func (s *server) status(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	return string(text)
}

// TestFrozenStart: a user suspends all of their processes, again and again. A start that is suspended ends at its
// deadline. Neither other jobs nor the end of the daemon wait for it.
func TestFrozenStart(t *testing.T) {
	t.Parallel()
	s, stranger := newServerForStranger(t)
	user := fmt.Sprintf("user = %d\ngroup = %[1]d\ndir = \"/\"\n", stranger)
	s.writeJobs("freezer.toml", user+"shell = \"while :; do kill -s STOP -- -1; done\"\n")
	s.writeJobs("frozen.toml", user+"cmd = [\"sleep\", \"1000\"]\nstop_timeout = \"100ms\"\n")
	s.startReady()
	s.jobsd("start", "freezer")
	pid := s.freeze()
	s.checkOthersContinue("frozen")
	r := s.waitLastRun("frozen")
	if r.Outcome != statefile.OutcomeStartError || r.StartError.Stage != "timeout" {
		t.Errorf("frozen: got %+v, want a start error at the stage timeout", r)
	}
	if now := s.status(pid); now != "" {
		t.Errorf("the process of the failed start still exists: %s", now)
	}
	s.waitLogged("job=frozen", "timed out")
	s.freeze()
	s.terminate()
}

// TestLeasedProgram: a user has a lease on the program of a job, so that its exec waits until the lease is released.
func TestLeasedProgram(t *testing.T) {
	t.Parallel()
	s, stranger := newServerForStranger(t)
	misbehave := s.copyMisbehave()
	home := s.home(stranger)
	script, program := filepath.Join(s.root, "script"), filepath.Join(home, "program")
	writeProgram(t, script, "#!"+program+"\n")
	writeProgram(t, program, "#!/bin/sh\n")
	if err := os.Chown(program, stranger, stranger); err != nil {
		t.Fatal(err)
	}
	user := fmt.Sprintf("user = %d\ngroup = %[1]d\ndir = \"/\"\n", stranger)
	s.writeJobs("lessee.toml", user+fmt.Sprintf("cmd = [%q, \"lease\", %q]\n", misbehave, program))
	s.writeJobs("roots.toml", fmt.Sprintf("cmd = [%q]\n", program))
	s.writeJobs("theirs.toml", user+fmt.Sprintf("cmd = [%q]\n", program))
	s.writeJobs("interpreted.toml", fmt.Sprintf("cmd = [%q]\n", script))
	s.startReady()
	s.jobsd("start", "lessee")
	s.waitFor("the lease", func() bool { return s.countLines("lessee", "leased") == 1 })
	for _, job := range []string{"roots", "theirs", "interpreted"} {
		s.jobsd("start", job)
		s.checkOthersContinue(job)
	}
	for _, job := range []string{"roots", "theirs"} {
		s.stopHeld(job)
	}
	s.terminate()
}

// TestHungHome: after the job files were read, a user mounts a file system that never answers over a directory of
// theirs. Neither the loop nor the next reload may wait for it.
func TestHungHome(t *testing.T) {
	t.Parallel()
	s, stranger := newServerForStranger(t)
	home := s.home(stranger)
	user := fmt.Sprintf("user = %d\ngroup = %[1]d\n", stranger)
	s.writeJobs("theirs.toml", user+fmt.Sprintf("cmd = [\"true\"]\ndir = %q\n", home+"/sub"))
	s.writeJobs("roots.toml", fmt.Sprintf("cmd = [\"true\"]\ndir = %q\n", home+"/sub"))
	s.writeJobs("program.toml", fmt.Sprintf("cmd = [\"tool\"]\nextra_path = [%q]\n", home))
	s.startReady()
	release := fusetest.HangAt(t, home, stranger)
	jobs := []string{"theirs", "roots", "program"}
	for _, job := range jobs {
		s.jobsd("start", job)
	}
	s.checkOthersContinue(jobs...)
	release()
	s.terminate()
}

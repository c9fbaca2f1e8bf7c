package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"jobsd/internal/fusetest"
	"jobsd/statefile"
)

// These tests have a user who holds up the starts of their own jobs: between the fork and the exec, by whatever a user
// may do to a process or a file of theirs. Whenever a start is held, everything else must go on.

// strangers counts the users that tests have had.
var strangers atomic.Int32

// heldSite returns a site that other users can reach, with a job "other" of the daemon's own user, and the number of a
// user and a group that no other test has, not even in another run of the tests: one of these users stops all of their
// processes.
func heldSite(t *testing.T) (s *site, stranger int) {
	if os.Geteuid() != 0 {
		t.Skip("only root runs jobs of other users")
	}
	s = newSite(t)
	s.open()
	s.write("other.toml", "cmd = [\"true\"]\n")
	return s, 1_000_000_000 + 16*os.Getpid() + int(strangers.Add(1))
}

// home makes a directory of the stranger's.
func (s *site) home(stranger int) string {
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

// goesOnBeside makes sure that the loop answers, that jobs run and that job files are read while the starts of the jobs
// are held.
func (s *site) goesOnBeside(jobs ...string) {
	s.t.Helper()
	held := func(state *statefile.State) bool {
		for _, job := range jobs {
			if r := state.Jobs[job].Running; len(r) != 1 || r[0].State != "starting" || r[0].PID == nil {
				return false
			}
		}
		return true
	}
	s.until(fmt.Sprintf("the starts of %v to be held", jobs), held)
	s.tell("start", "--wait", "other")
	for _, job := range jobs { // so that it is read again
		put(s.t, filepath.Join(s.root, "jobs.d", job+".toml"), "# read again\n"+string(s.file(job)))
	}
	s.tell("reload")
	if state := s.read(); !held(state) {
		s.t.Errorf("the starts of %v are not held any more, so this shows nothing", jobs)
	}
}

func (s *site) file(job string) []byte {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.root, "jobs.d", job+".toml"))
	if err != nil {
		s.t.Fatal(err)
	}
	return text
}

// stopHeld stops a job whose start is held, which is over at once.
func (s *site) stopHeld(job string) {
	s.t.Helper()
	s.tell("stop", job)
	if r := s.lastRun(job); r.Outcome != statefile.OutcomeStopped {
		s.t.Errorf("%s: %+v", job, r)
	}
}

// freeze starts the job "frozen" until the user's job "freezer" has stopped a process of it before its program runs.
func (s *site) freeze() int {
	s.t.Helper()
	for range 200 {
		s.tell("start", "frozen")
		pid := 0
		s.until("frozen to have ended or to be stopped", func(state *statefile.State) bool {
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
		s.tell("stop", "frozen")
	}
	s.t.Fatal("the user stops no process of the job in time")
	return 0
}

// status returns what /proc says of a process; "" if there is none.
func (s *site) status(pid int) string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return ""
	}
	return string(text)
}

// TestFrozenStart has a user who stops all of their processes, again and again: a start of theirs that is stopped ends
// at its deadline, and nothing else waits for it. Nor does the end of the daemon.
func TestFrozenStart(t *testing.T) {
	t.Parallel()
	s, stranger := heldSite(t)
	user := fmt.Sprintf("user = %d\ngroup = %[1]d\ndir = \"/\"\n", stranger)
	s.write("freezer.toml", user+"shell = \"while :; do kill -s STOP -- -1; done\"\n")
	s.write("frozen.toml", user+"cmd = [\"sleep\", \"1000\"]\nstop_timeout = \"100ms\"\n")
	s.begin()
	s.tell("start", "freezer")
	pid := s.freeze()
	s.goesOnBeside("frozen")
	r := s.lastRun("frozen")
	if r.Outcome != statefile.OutcomeStartError || r.StartError.Stage != "timeout" {
		t.Errorf("frozen: %+v", r)
	}
	if now := s.status(pid); now != "" {
		t.Errorf("the process that did not start is left: %s", now)
	}
	if s.said("job=frozen", "timed out") == 0 {
		t.Error("the daemon's log does not say that the start timed out")
	}
	s.freeze()
	s.term()
}

// TestLeasedProgram has a user with a lease on the program of a job: its exec waits until the lease is given back.
func TestLeasedProgram(t *testing.T) {
	t.Parallel()
	s, stranger := heldSite(t)
	zoo, err := exec.LookPath("zoo")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(zoo)
	if err != nil {
		t.Fatal(err)
	}
	putProgram(t, filepath.Join(s.root, "zoo"), string(text))
	home := s.home(stranger)
	script, program := filepath.Join(s.root, "script"), filepath.Join(home, "program")
	putProgram(t, script, "#!"+program+"\n")
	putProgram(t, program, "#!/bin/sh\n")
	if err := os.Chown(program, stranger, stranger); err != nil {
		t.Fatal(err)
	}
	user := fmt.Sprintf("user = %d\ngroup = %[1]d\ndir = \"/\"\n", stranger)
	s.write("lessee.toml", user+fmt.Sprintf("cmd = [%q, \"lease\", %q]\n", filepath.Join(s.root, "zoo"), program))
	s.write("roots.toml", fmt.Sprintf("cmd = [%q]\n", program))
	s.write("theirs.toml", user+fmt.Sprintf("cmd = [%q]\n", program))
	s.write("interpreted.toml", fmt.Sprintf("cmd = [%q]\n", script))
	s.begin()
	s.tell("start", "lessee")
	s.awaits("the lease", func() bool { return s.lines("lessee", "leased") == 1 })
	for _, job := range []string{"roots", "theirs", "interpreted"} {
		s.tell("start", job)
		s.goesOnBeside(job)
	}
	for _, job := range []string{"roots", "theirs"} {
		s.stopHeld(job)
	}
	s.term()
}

// TestHungHome has a user who mounts a file system that never answers over a directory of theirs, after the job files
// were read: neither the starts nor the next look at the job files may wait for it.
func TestHungHome(t *testing.T) {
	t.Parallel()
	s, stranger := heldSite(t)
	home := s.home(stranger)
	user := fmt.Sprintf("user = %d\ngroup = %[1]d\n", stranger)
	s.write("theirs.toml", user+fmt.Sprintf("cmd = [\"true\"]\ndir = %q\n", home+"/sub"))
	s.write("roots.toml", fmt.Sprintf("cmd = [\"true\"]\ndir = %q\n", home+"/sub"))
	s.write("program.toml", fmt.Sprintf("cmd = [\"tool\"]\nextra_path = [%q]\n", home))
	s.begin()
	release := fusetest.HangAt(t, home, stranger)
	jobs := []string{"theirs", "roots", "program"}
	for _, job := range jobs {
		s.tell("start", job)
	}
	s.goesOnBeside(jobs...)
	release()
	s.term()
}

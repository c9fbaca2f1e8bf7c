package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"jobsd/statefile"
)

// needExitInfo skips if a pidfd does not show how a process has ended.
func needExitInfo(t *testing.T) {
	t.Helper()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		t.Fatal(err)
	}
	var major, minor int
	if fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); major < 6 || major == 6 && minor < 15 {
		t.Skipf("needs Linux 6.15, where a pidfd has the exit status; this is %d.%d", major, minor)
	}
}

// keeps waits until the recorder keeps a number of pidfds, and returns its pid.
func (s *server) keeps(n int) (recorder int) {
	s.t.Helper()
	s.waitFor(fmt.Sprintf("a recorder that keeps %d processes", n), func() bool {
		recorder = s.recorderOf()
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", recorder))
		have := 0
		for _, link := range links {
			if to, _ := os.Readlink(link); strings.Contains(to, "pidfd") {
				have++
			}
		}
		return recorder > 0 && have == n
	})
	return recorder
}

// endings writes jobs that wait for a file and then end in different ways, with and without output.
func (s *server) endings(end string, n int) {
	var b strings.Builder
	for i := range n {
		how := fmt.Sprintf("exit %d", i)
		if i%5 == 4 {
			how = "kill -SEGV $$"
		}
		fmt.Fprintf(&b, "[[jobs]]\nname = \"j%02d\"\nat_boot = true\nshell = \"until [ -e %s ]; do sleep 0.05; done; echo last; %s\"\n", i, end, how)
		if i%3 == 2 {
			b.WriteString("log = {discard = true}\n")
		}
	}
	s.writeJobs("endings.toml", b.String())
}

// TestEndedWithoutDaemon: of twenty runs that end while no daemon runs, the next daemon knows how they have ended. So it
// does if it is killed as well before it has loaded the jobs. After that, the recorder keeps nothing.
func TestEndedWithoutDaemon(t *testing.T) {
	needExitInfo(t)
	t.Parallel()
	s := newServer(t)
	end := filepath.Join(s.root, "end")
	const n = 20
	s.endings(end, n)
	s.wrap = []string{ownProgram(t, "misbehave"), "nest"} // the init process of this machine may be slow to reap orphans
	s.start()
	nest := s.cmd.Process
	before := s.waitState("all to run", func(state *statefile.State) bool {
		return len(pidsOf(state)) == n
	})
	recorder := s.keeps(n)
	syscall.Kill(before.Daemon.PID, syscall.SIGKILL)
	waitReaped(t, before.Daemon.PID)
	writeFile(t, end, "")
	for _, pid := range pidsOf(before) {
		waitReaped(t, pid)
	}
	nested := s.done
	defer func() {
		nest.Kill()
		<-nested
	}()
	s.wrap, s.env = nil, []string{waitAt + "=state:1:" + filepath.Join(s.root, "never")}
	s.start()
	s.waitLogged("adopted")
	s.kill(syscall.SIGKILL)
	s.env = nil
	s.startReady()
	after := s.waitState("all outcomes", func(state *statefile.State) bool {
		for _, j := range state.Jobs {
			if j.LastRun == nil {
				return false
			}
		}
		return true
	})
	for name, j := range after.Jobs {
		i, _ := strconv.Atoi(name[1:])
		r := j.LastRun
		if i%5 == 4 {
			if r.Outcome != statefile.OutcomeSignaled || *r.Signal != "SEGV" {
				t.Errorf("%s: got %+v, want it ended by SEGV", name, r)
			}
		} else if r.Outcome != statefile.OutcomeExited || *r.ExitCode != i {
			t.Errorf("%s: got %+v, want the exit code %d", name, r, i)
		}
		if j.Runs != 1 {
			t.Errorf("%s: got %d runs, want 1", name, j.Runs)
		}
	}
	if text := s.jobsd("logs", "j00"); !strings.Contains(text, "last") || !strings.Contains(text, "exited 0") {
		t.Errorf("got the log %q, want the last line and the outcome", text)
	}
	if now := s.keeps(0); now != recorder {
		t.Errorf("got the recorder %d, want %d", now, recorder)
	}
	s.terminate()
}

// TestKeptByTheNextRecorder: a new recorder gets all descriptors, and a short run is not kept.
func TestKeptByTheNextRecorder(t *testing.T) {
	needExitInfo(t)
	t.Parallel()
	s := newServer(t)
	s.endings(filepath.Join(s.root, "end"), 3)
	s.startReady()
	old := s.keeps(3)
	syscall.Kill(old, syscall.SIGKILL)
	waitReaped(t, old)
	if again := s.keeps(3); again == old {
		t.Error("got the same recorder")
	}
	writeFile(t, filepath.Join(s.root, "end"), "")
	s.keeps(0)
	s.terminate()
}

// TestRecorderWaitsForDaemon: when the last run has ended without a daemon, the recorder waits for the next one. It ends
// when its socket is removed, because then no daemon can find it.
func TestRecorderWaitsForDaemon(t *testing.T) {
	needExitInfo(t)
	t.Parallel()
	s := newServer(t)
	end := filepath.Join(s.root, "end")
	s.endings(end, 2)
	s.startReady()
	recorder := s.keeps(2)
	pids := pidsOf(s.readState())
	s.kill(syscall.SIGKILL)
	writeFile(t, end, "")
	for _, pid := range pids {
		waitReaped(t, pid)
	}
	if err := os.Remove(filepath.Join(s.root, "run", "recorder.sock")); err != nil {
		t.Fatalf("the recorder has ended: %v", err)
	}
	began := time.Now()
	waitReaped(t, recorder)
	t.Logf("the recorder ended after %v", time.Since(began).Round(time.Second))
}

// TestSilentRecorder: a recorder that does not answer holds up the next daemon for a moment only. How the run has ended is
// not known then.
func TestSilentRecorder(t *testing.T) {
	needExitInfo(t)
	t.Parallel()
	s := newServer(t)
	end := filepath.Join(s.root, "end")
	s.endings(end, 1)
	s.startReady()
	recorder := s.keeps(1)
	pid := pidsOf(s.readState())["j00"]
	syscall.Kill(recorder, syscall.SIGSTOP)
	defer syscall.Kill(recorder, syscall.SIGKILL)
	s.kill(syscall.SIGKILL)
	writeFile(t, end, "")
	waitReaped(t, pid)
	s.startReady()
	if r := s.waitLastRun("j00"); r.Outcome != statefile.OutcomeLost || *r.LostStage != statefile.LostStarted {
		t.Errorf("got %+v, want it lost at the stage started", r)
	}
	syscall.Kill(recorder, syscall.SIGCONT)
	s.keeps(0) // what it says now is too late
	s.terminate()
}

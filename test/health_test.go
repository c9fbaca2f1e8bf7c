package test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"jobsd/statefile"
)

// checkSound checks what must hold after each fault: the daemon answers, the state file is valid, no child is a zombie,
// no more descriptors are open than before, and only the named jobs have processes.
func (s *server) checkSound(fds int, jobs ...string) {
	s.t.Helper()
	s.reloadByHUP()
	if runtime.GOOS == "linux" { // needs /proc
		s.waitReleased(fds)
	}
	for deadline := time.After(waitLimit); ; {
		all := len(processesOf(s.t, s.root, ""))
		for _, job := range jobs {
			all -= len(processesOf(s.t, s.root, job))
		}
		if all == 0 {
			return
		}
		select {
		case <-deadline:
			s.t.Fatalf("got %d processes of jobs other than %q, want none", all, jobs)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// waitReleased waits until the daemon has no zombies and at most this number of descriptors.
func (s *server) waitReleased(fds int) {
	s.t.Helper()
	pid := s.daemonPID()
	for deadline := time.After(waitLimit); ; {
		zombies, open := zombiesOf(pid), openDescriptors(s.t, pid)
		if len(zombies) == 0 && open <= fds {
			return
		}
		select {
		case <-deadline:
			links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
			for i, link := range links {
				to, _ := os.Readlink(link)
				links[i] = filepath.Base(link) + " " + to
			}
			s.t.Fatalf("got the zombies %v and %d descriptors, want no zombie and at most %d descriptors: %q", zombies, open, fds, links)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// restingDescriptors returns how many descriptors the daemon has open at rest, which means the same number ten times in
// a row.
func (s *server) restingDescriptors() int {
	s.t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	n, same := 0, 0
	deadline := time.After(waitLimit)
	for tick := time.NewTicker(10 * time.Millisecond); same < 10; {
		if now := openDescriptors(s.t, s.daemonPID()); now == n {
			same++
		} else {
			n, same = now, 0
		}
		select {
		case <-deadline:
			s.t.Fatal("timed out waiting for a constant number of descriptors")
		case <-tick.C:
		}
	}
	return n
}

// waitReaped waits until the parent of a process has reaped it.
func waitReaped(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.After(waitLimit); syscall.Kill(pid, 0) == nil; {
		select {
		case <-deadline:
			t.Fatalf("timed out waiting until process %d is reaped", pid)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// beatJobs has a job that writes a line each second, a service, and a job that a test starts by hand.
const beatJobs = `
[[jobs]]
name = "beat"
every = "1s"
cmd = ["echo", "beat"]
[[jobs]]
name = "stays"
keep_alive = true
cmd = ["sleep", "1000"]
[[jobs]]
name = "once"
cmd = ["echo", "once"]
`

// waitBeating waits until the jobs of beatJobs run.
func (s *server) waitBeating() *statefile.State {
	s.t.Helper()
	return s.waitState("the jobs to run", func(state *statefile.State) bool {
		return state.Jobs["beat"].LastRun != nil && pidsOf(state)["stays"] > 0
	})
}

// checkJobsContinue checks that jobs continue while the state cannot be written: scheduled jobs run, commands work, and
// process stays is alive.
func (s *server) checkJobsContinue(stays int) {
	s.t.Helper()
	beat, once := s.countLines("beat", "beat"), s.countLines("once", "once")
	s.jobsd("start", "once")
	s.waitFor("the jobs to continue", func() bool {
		return s.countLines("beat", "beat") >= beat+2 && s.countLines("once", "once") > once
	})
	if !isAlive(stays) {
		s.t.Errorf("process %d of a job has ended, want it alive", stays)
	}
}

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

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
	others := 0
	err := poll(waitLimit, nil, func() bool {
		others = len(processesOf(s.t, s.root, ""))
		for _, job := range jobs {
			others -= len(processesOf(s.t, s.root, job))
		}
		return others == 0
	})
	if err != nil {
		s.t.Fatalf("%v: got %d processes of jobs other than %q, want none", err, others, jobs)
	}
}

// recorderDescriptors is how many descriptors a daemon has for its recorder: its socket, its memory and its pidfd.
const recorderDescriptors = 3

// waitReleased waits until the daemon has no zombies, and at most this number of descriptors beside those for its
// recorder, which starts with the first run.
func (s *server) waitReleased(fds int) {
	s.t.Helper()
	pid := s.daemonPID()
	var zombies []string
	open := 0
	err := poll(waitLimit, nil, func() bool {
		zombies, open = zombiesOf(pid), heldDescriptors(s.t, pid)
		return len(zombies) == 0 && open <= fds+recorderDescriptors
	})
	if err != nil {
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
		for i, link := range links {
			to, _ := os.Readlink(link)
			links[i] = filepath.Base(link) + " " + to
		}
		s.t.Fatalf("%v: got the zombies %v and %d descriptors, want no zombie and at most %d descriptors: %q", err, zombies,
			open, fds+recorderDescriptors, links)
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
	s.waitFor("a constant number of descriptors", func() bool {
		if now := heldDescriptors(s.t, s.daemonPID()); now == n {
			same++
		} else {
			n, same = now, 0
		}
		return same == 10
	})
	return n
}

// waitReaped waits until the parent of a process has reaped it.
func waitReaped(t *testing.T, pid int) {
	t.Helper()
	if err := poll(waitLimit, nil, func() bool { return syscall.Kill(pid, 0) != nil }); err != nil {
		t.Fatalf("%v while the test waited until process %d is reaped", err, pid)
	}
}

// checkMemory checks that the daemon has never had more than 64 MiB of memory, and returns the most that it had, in KiB.
func (s *server) checkMemory() int {
	s.t.Helper()
	rss := peakMemory(s.t, s.daemonPID())
	if rss > 64<<10 && !raceDetector {
		s.t.Errorf("got a peak RSS of %d KiB, want at most 64 MiB", rss)
	}
	return rss
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
	s.startUnwritten("once")
	s.waitFor("the jobs to continue", func() bool {
		return s.countLines("beat", "beat") >= beat+2 && s.countLines("once", "once") > once
	})
	if !isAlive(stays) {
		s.t.Errorf("process %d of a job has ended, want it alive", stays)
	}
}

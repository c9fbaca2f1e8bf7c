package test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/statefile"
)

// sound checks what must hold after each fault: the daemon answers, the state file is valid, no child is a zombie, no more
// descriptors are open than before, and only the named jobs have processes.
func (s *site) sound(fds int, jobs ...string) {
	s.t.Helper()
	s.hup()
	if runtime.GOOS == "linux" { // needs /proc
		s.freed(fds)
	}
	for deadline := time.After(patience); ; {
		all := len(marked(s.t, s.root, ""))
		for _, job := range jobs {
			all -= len(marked(s.t, s.root, job))
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

// freed waits until the daemon has no zombies and at most this number of descriptors.
func (s *site) freed(fds int) {
	s.t.Helper()
	pid := s.daemonPID()
	for deadline := time.After(patience); ; {
		zombies, open := zombiesOf(pid), descriptors(s.t, pid)
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

// steady returns how many descriptors the daemon has open at rest, which means the same number ten times in a row.
func (s *site) steady() int {
	s.t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	n, same := 0, 0
	deadline := time.After(patience)
	for tick := time.NewTicker(10 * time.Millisecond); same < 10; {
		if now := descriptors(s.t, s.daemonPID()); now == n {
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

// reaped waits until the parent of a process has reaped it.
func reaped(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.After(patience); syscall.Kill(pid, 0) == nil; {
		select {
		case <-deadline:
			t.Fatalf("timed out waiting until process %d is reaped", pid)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// put writes a file that only its owner can write.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// putProgram writes a program. During that time, no other test may fork: until its exec, the child would have the file open
// for writing too, and then nobody can execute it (ETXTBSY).
func putProgram(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// beats has a job that writes a line each second, a service, and a job that a test starts by hand.
const beats = `
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

// beatsOn waits until the jobs of beats run.
func (s *site) beatsOn() *statefile.State {
	s.t.Helper()
	return s.until("the jobs to run", func(state *statefile.State) bool {
		return state.Jobs["beat"].LastRun != nil && pids(state)["stays"] > 0
	})
}

// awaits waits for a condition that is not in the state file.
func (s *site) awaits(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.After(patience); !ok(); {
		select {
		case <-deadline:
			s.t.Fatalf("timed out waiting for %s", what)
		case <-s.done:
			s.t.Fatalf("the daemon ended while the test waited for %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// lines returns how often a job's log has this line.
func (s *site) lines(job, line string) int {
	text, _ := os.ReadFile(filepath.Join(s.root, "log", job+".log"))
	return strings.Count("\n"+string(text), "\n"+line+"\n")
}

// logs waits until the daemon's log has a line with all of these words, because a helper of the daemon writes the log. It
// returns the number of such lines.
func (s *site) logs(words ...string) int {
	s.t.Helper()
	s.awaits(fmt.Sprintf("%q in the daemon's log", words), func() bool { return s.said(words...) > 0 })
	return s.said(words...)
}

// said returns how many lines of the daemon's log have all of these words.
func (s *site) said(words ...string) (n int) {
	text, _ := os.ReadFile(s.log)
	for line := range strings.Lines(string(text)) {
		all := true
		for _, word := range words {
			all = all && strings.Contains(line, word)
		}
		if all {
			n++
		}
	}
	return n
}

// goesOn checks that jobs continue while the state cannot be written: scheduled jobs run, commands work, and process stays
// is alive.
func (s *site) goesOn(stays int) {
	s.t.Helper()
	beat, once := s.lines("beat", "beat"), s.lines("once", "once")
	s.tell("start", "once")
	s.awaits("the jobs to continue", func() bool {
		return s.lines("beat", "beat") >= beat+2 && s.lines("once", "once") > once
	})
	if !lives(stays) {
		s.t.Errorf("process %d of a job has ended, want it alive", stays)
	}
}

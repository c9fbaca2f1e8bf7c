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

// sound is what must hold at the end of each fault: the daemon answers, the state file is whole, no child is left unreaped,
// no more descriptors are open than before, and no process carries the mark of any but the jobs named.
func (s *site) sound(fds int, jobs ...string) {
	s.t.Helper()
	s.hup()
	if runtime.GOOS == "linux" { // of the others there is no /proc
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
			s.t.Fatalf("%d processes of other jobs than %q live", all, jobs)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// freed waits until there is no zombie and no more descriptors than there were.
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
			s.t.Fatalf("zombies %v; %d descriptors, there were %d: %q", zombies, open, fds, links)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// steady returns how many descriptors the daemon has open when it is at rest: the same number at ten looks in a row.
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
			s.t.Fatal("the daemon is never at rest")
		case <-tick.C:
		}
	}
	return n
}

// reaped waits until a process is gone with its status, which its parent has taken.
func reaped(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.After(patience); syscall.Kill(pid, 0) == nil; {
		select {
		case <-deadline:
			t.Fatalf("nobody reaps process %d", pid)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// put writes a file that must be trusted.
func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// putProgram writes a program. No process is forked meanwhile: until its exec, the child of another test would have the
// file open for writing too, and then nobody can execute it (ETXTBSY).
func putProgram(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// beats has a job that writes a line each second, whatever becomes of the daemon's files, and one that runs for ever.
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
			s.t.Fatalf("waited in vain for %s", what)
		case <-s.done:
			s.t.Fatalf("the daemon ended: waited for %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// lines counts those of a job's log that are so.
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

// said counts the lines of the daemon's log with all of these words.
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

// goesOn checks that jobs run while the state cannot be written: slots are taken and commands obeyed.
func (s *site) goesOn(stays int) {
	s.t.Helper()
	beat, once := s.lines("beat", "beat"), s.lines("once", "once")
	s.tell("start", "once")
	s.awaits("the jobs to go on", func() bool {
		return s.lines("beat", "beat") >= beat+2 && s.lines("once", "once") > once
	})
	if !lives(stays) {
		s.t.Errorf("process %d of a job has ended", stays)
	}
}

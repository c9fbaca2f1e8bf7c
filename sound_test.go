package main

import (
	"os"
	"syscall"
	"testing"
	"time"

	"jobsd/statefile"
)

// sound is what must hold at the end of each fault: the daemon lives, the state file is whole, no child is left unreaped,
// no more descriptors are open than before, and no process carries the mark of any but the jobs named.
func (s *site) sound(fds int, jobs ...string) {
	s.t.Helper()
	s.until("no zombie and no more descriptors", func(*statefile.State) bool {
		return len(zombiesOf(s.daemonPID())) == 0 && descriptors(s.t, s.daemonPID()) <= fds
	})
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

// steady returns how many descriptors the daemon has open when it is at rest: the same number at ten looks in a row.
func (s *site) steady() int {
	s.t.Helper()
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

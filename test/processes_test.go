package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// These functions look at all processes of the machine. They must not hang, even if a process, perhaps one of another
// test, hangs in the middle of an exec. Reading stat or environ of such a process in /proc hangs; reading status does
// not.

// inGroup returns the processes of a process group that have not ended, by /proc.
func inGroup(group string) (pids []string) {
	files, _ := filepath.Glob("/proc/[0-9]*")
	for _, file := range files {
		name := filepath.Base(file)
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if of, err := syscall.Getpgid(pid); err == nil && strconv.Itoa(of) == group && isAlive(pid) {
			pids = append(pids, name)
		}
	}
	return pids
}

// isAlive reports whether a process exists and has not ended. A zombie has ended.
func isAlive(pid int) bool {
	if syscall.Kill(pid, 0) == syscall.ESRCH {
		return false
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	return err != nil || !hasEnded(string(status))
}

// zombiesOf returns the children of a process that have ended and were not reaped.
func zombiesOf(pid int) (zombies []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/status")
	for _, file := range files {
		status, _ := os.ReadFile(file)
		if text := string(status); hasEnded(text) && strings.Contains(text, fmt.Sprintf("\nPPid:\t%d\n", pid)) {
			zombies = append(zombies, file)
		}
	}
	return zombies
}

func hasEnded(status string) bool {
	return strings.Contains(status, "\nState:\tZ") || strings.Contains(status, "\nState:\tX")
}

// hangingReads has the files of which a read still hangs.
var hangingReads = struct {
	sync.Mutex
	files map[string]bool
}{files: map[string]bool{}}

// readEnviron reads a file of /proc with an environment. If the read takes too long, readEnviron returns nil and leaves
// a goroutine behind that waits for it. Until that read ends, nobody reads this file again.
func readEnviron(file string) []byte {
	hangingReads.Lock()
	skip := hangingReads.files[file]
	hangingReads.Unlock()
	if skip {
		return nil
	}
	came := false
	answer := make(chan []byte, 1)
	go func() {
		text, _ := os.ReadFile(file)
		hangingReads.Lock()
		defer hangingReads.Unlock()
		came = true
		delete(hangingReads.files, file)
		answer <- text
	}()
	tick := time.NewTicker(10 * time.Millisecond) // on a slow machine, ticks get lost: a read must not count as hanging for that
	defer tick.Stop()
	for range 100 {
		select {
		case text := <-answer:
			return text
		case <-tick.C:
		}
	}
	hangingReads.Lock()
	defer hangingReads.Unlock()
	if came {
		return <-answer
	}
	hangingReads.files[file] = true
	return nil
}

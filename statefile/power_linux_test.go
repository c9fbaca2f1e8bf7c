package statefile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestA18WriterForPowerCut is not a test: it writes a state file while TestA18PowerCut traces it.
func TestA18WriterForPowerCut(t *testing.T) {
	dir := os.Getenv("STATEFILE_TEST_DIR")
	if dir == "" {
		t.Skip("only TestA18PowerCut runs this")
	}
	runtime.LockOSThread() // strace counts the calls of each thread
	w := openState(t, dir)
	for n := range 3000 { // more than one write
		w.Update(fmt.Sprint("job", n), &Job{})
	}
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
}

// TestA18PowerCut: if a write stops after any of its system calls, either the old or the new file exists, and it is
// complete. The contents are durable before they get the name, and the name is durable before the write ends.
func TestA18PowerCut(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace(1): ", err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w := openState(t, dir)
	w.Update("old", &Job{})
	if err := w.Write(); err != nil {
		t.Fatal(err)
	}
	const calls = "write,pwrite64,fsync,fdatasync,/^rename,/^link,/^unlink,/^fchmod,ftruncate"
	trace := filepath.Join(t.TempDir(), "trace")
	seen := map[int]bool{} // indexed by the number of jobs
	for n := 1; ; n++ {
		cmd := exec.Command(strace, "-f", "-y", "-o", trace, "-e", "trace="+calls,
			"-e", fmt.Sprintf("inject=%s:signal=KILL:when=%d", calls, n), exe, "-test.run=^TestA18WriterForPowerCut$")
		cmd.Env = append(os.Environ(), "STATEFILE_TEST_DIR="+dir)
		out, err := cmd.CombinedOutput()
		state := readState(t, dir)
		seen[len(state.Jobs)] = true
		if k := len(state.Jobs); k != 1 && k != 3000 {
			t.Fatalf("after call %d: %d jobs", n, k)
		}
		if err == nil {
			break
		}
		text, _ := os.ReadFile(trace)
		switch killed := strings.Contains(string(text), "killed by SIGKILL"); {
		case !killed && n == 1:
			t.Skipf("cannot trace here: %v\n%s", err, out)
		case !killed || n > 500:
			t.Fatalf("call %d: %v\n%s", n, err, out)
		}
		if len(state.Jobs) == 3000 { // restore the old file for the next round
			w := openState(t, dir)
			w.Update("old", &Job{})
			if err := w.Write(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		sweep := openState(t, dir) // the next daemon removes the remains
		sweep.Close()
		if got := names(t, dir); len(got) != 1 {
			t.Errorf("after call %d: files %q", n, got)
		}
	}
	if !seen[1] || !seen[3000] {
		t.Errorf("old and new files seen, by number of jobs: %v", seen)
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	var order []string
	for _, c := range regexp.MustCompile(`(?m)^\d+ +(\w+)\((.*)$`).FindAllStringSubmatch(string(text), -1) {
		switch call, args := c[1], c[2]; {
		case !strings.Contains(args, dir):
		case strings.Contains(args, "<"+dir+">)"):
			order = append(order, call+" directory")
		case len(order) == 0 || order[len(order)-1] != call:
			order = append(order, call)
		}
	}
	got := strings.Join(order, ", ")
	if !regexp.MustCompile(`write, (fchmod, )?fsync, (linkat, )?renameat2?, fsync directory$`).MatchString(got) {
		t.Errorf("the calls were: %s", got)
	}
}

package test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/statefile"
)

// openFiles matches the limit in /proc/PID/limits.
var openFiles = regexp.MustCompile(`(?m)^Max open files +([0-9]+) +([0-9]+) `)

func descriptorLimits(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", pid))
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(openFiles.FindStringSubmatch(string(text))[1:], " ")
}

// TestDescriptorLimits: the daemon and the recorder may open as many files as the hard limit allows, also after an
// upgrade. Jobs have the limits that the daemon was started with.
func TestDescriptorLimits(t *testing.T) {
	t.Parallel()
	prlimit := needProgram(t, "prlimit", "needs prlimit(1), to limit descriptors")
	s := newServer(t)
	s.wrap = []string{prlimit, "--nofile=64:4096"}
	s.writeJobs("plain.toml", "shell = \"ulimit -Sn; ulimit -Hn\"\n")
	s.writeJobs("shim.toml", "shell = \"ulimit -Sn; ulimit -Hn\"\numask = \"027\"\n")
	s.startReady()
	for _, daemon := range []string{"started", "upgraded"} {
		for _, job := range []string{"plain", "shim"} {
			if out := s.jobsd("start", "--wait", job); !strings.Contains(out, "\n64\n4096\n") {
				t.Errorf("%s, with a daemon that was %s: got %q, want the limits 64 and 4096", job, daemon, out)
			}
		}
		for name, pid := range map[string]int{"daemon": s.daemonPID(), "recorder": s.recorder(0)} {
			if got := descriptorLimits(t, pid); got != "4095 4096" && got != "4096 4096" { // Go leaves one out
				t.Errorf("the %s of a daemon that was %s: got the limits %s, want 4096 4096", name, daemon, got)
			}
		}
		s.jobsd("upgrade", "--wait")
	}
	s.terminate()
}

// TestA14ManyRunsAtOnce: more runs are due at once than there are descriptors for. As many as possible run, and the others
// wait. In the end all output is in the logs. With -long there are ten thousand, and no limit but that of the machine.
func TestA14ManyRunsAtOnce(t *testing.T) {
	t.Parallel()
	prlimit := needProgram(t, "prlimit", "needs prlimit(1), to limit descriptors")
	jobs, least := 80, 15
	s := newServer(t)
	if *long {
		jobs, least = 10_000, 9_000
	} else {
		s.wrap = []string{prlimit, "--nofile=64:64"}
	}
	gate := filepath.Join(s.root, "gate")
	if err := syscall.Mkfifo(gate, 0o600); err != nil {
		t.Fatal(err)
	}
	closed, err := os.OpenFile(gate, os.O_RDWR, 0) // with a writer, the jobs wait for a line
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Close()
	var b strings.Builder
	for n := range jobs {
		fmt.Fprintf(&b, "[[jobs]]\nname = \"j%d\"\nat_boot = true\nshell = \"echo one; read x <%s; echo two\"\n", n, gate)
		if n%500 == 499 || n == jobs-1 {
			s.writeJobs(fmt.Sprintf("f%d.toml", n/500), b.String())
			b.Reset()
		}
	}
	s.startReady()
	most := 0
	limit := waitLimit
	if *long {
		limit = 10 * time.Minute
	}
	err = poll(limit, s.done, func() bool {
		state := s.readState()
		run, wait := 0, 0
		for _, j := range state.Jobs {
			for _, r := range j.Running {
				switch {
				case r.State == statefile.RunRunning:
					run++
				case r.Why != nil && *r.Why == statefile.WhyFork:
					wait++
				}
			}
		}
		most = max(most, run)
		return run >= least && run+wait == jobs
	})
	if err != nil {
		t.Fatalf("%v: got at most %d runs at once, want at least %d, and the others waiting for descriptors", err, most, least)
	}
	daemon, recorder := openDescriptors(t, s.daemonPID()), openDescriptors(t, s.recorder(0))
	t.Logf("%d of %d runs at once; the daemon has %d descriptors, and the recorder %d", most, jobs, daemon, recorder)
	open := filepath.Join(s.root, "open")
	writeFile(t, open, "")
	if err := os.Rename(open, gate); err != nil { // the runs that come now do not wait
		t.Fatal(err)
	}
	closed.Close()
	state := s.waitState("all output to be written", func(state *statefile.State) bool {
		for _, j := range state.Jobs {
			if j.LastRun == nil || j.LastRun.Output == nil || j.LastRun.Output.To == nil {
				return false
			}
		}
		return true
	})
	whole := regexp.MustCompile(`^== run [^\n]*\none\ntwo\n== run [^\n]*\n$`)
	for name, j := range state.Jobs {
		if log := s.readLog(name); !whole.MatchString(log) || j.Failures != 0 || j.Runs != 1 {
			t.Errorf("%s: got %d runs, %d failures and the log %q", name, j.Runs, j.Failures, log)
		}
	}
	if n := s.countLogged("the recorder of job output has ended"); n != 0 {
		t.Errorf("got %d recorders that ended, want none", n)
	}
	s.terminate()
}

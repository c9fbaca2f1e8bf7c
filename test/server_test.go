package test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/statefile"
)

// server is a root directory with a daemon of its own, for tests that are no scripts.
type server struct {
	t    *testing.T
	root string
	cmd  *exec.Cmd
	log  string
	done chan struct{}
	wrap []string             // the command in front of the daemon
	attr *syscall.SysProcAttr // of the daemon
	exe  string               // the program; "" is the jobsd of this test binary
	env  []string             // more variables for the daemon
}

func newServer(t *testing.T) *server {
	s := &server{t: t, root: t.TempDir()}
	s.log = filepath.Join(s.root, "daemon.log")
	if err := os.Mkdir(filepath.Join(s.root, "jobs.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if s.cmd != nil {
			s.cmd.Process.Signal(syscall.SIGKILL)
			<-s.done
		}
		noteTurns(t.Name(), s.log)
		if t.Failed() { // the test may have ended before its own cleaning up
			for _, pid := range processesOf(t, s.root, "") {
				syscall.Kill(pid, syscall.SIGKILL)
			}
			t.Logf("%s", tail(s.log))
		}
	})
	return s
}

func (s *server) writeJobs(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.root, "jobs.d", name), []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *server) start() {
	s.t.Helper()
	path := s.program()
	log, err := os.OpenFile(s.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	args := append(slices.Clone(s.wrap), path, "run", "--root", s.root)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, s.attr
	cmd.Env = append(append(os.Environ(), "JOBSD_ROOT="), s.env...)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.cmd = cmd
	s.done = make(chan struct{})
	go func(cmd *exec.Cmd, done chan struct{}) {
		cmd.Wait()
		close(done)
	}(s.cmd, s.done)
}

func (s *server) program() string {
	if s.exe != "" {
		return s.exe
	}
	path, err := exec.LookPath("jobsd") // put there by testscript.Main
	if err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *server) kill(sig syscall.Signal) {
	s.cmd.Process.Signal(sig)
	<-s.done
	s.cmd = nil
}

// readState returns the state file, or nil if there is none. An existing state file must be valid.
func (s *server) readState() *statefile.State {
	s.t.Helper()
	text, err := os.ReadFile(filepath.Join(s.root, "state", "state.json"))
	if os.IsNotExist(err) {
		return nil
	}
	state := &statefile.State{}
	if err == nil {
		err = json.Unmarshal(text, state)
	}
	if err != nil {
		s.t.Fatalf("the state file is broken: %v\n%.2000s", err, text)
	}
	return state
}

// waitState waits until the state meets a condition, and returns it.
func (s *server) waitState(what string, ok func(*statefile.State) bool) *statefile.State {
	s.t.Helper()
	deadline := time.After(2 * waitLimit)
	for {
		state := s.readState()
		if state != nil && ok(state) {
			return state
		}
		select {
		case <-deadline:
			s.t.Fatalf("timed out waiting for %s", what)
		case <-s.done:
			s.t.Fatalf("the daemon ended while the test waited for %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// waitReady waits until the daemon has loaded its jobs.
func (s *server) waitReady() *statefile.State {
	s.t.Helper()
	return s.waitState("the daemon to be ready", func(state *statefile.State) bool {
		return state.Daemon.PID == s.cmd.Process.Pid && state.Daemon.Reload.Done > 0
	})
}

// waitLoggedTimes waits until the daemon's log has the word, followed by a colon, n times.
func (s *server) waitLoggedTimes(n int, word string) {
	s.t.Helper()
	deadline := time.After(waitLimit)
	for {
		text, _ := os.ReadFile(s.log)
		if strings.Count(string(text), word+":") >= n {
			return
		}
		select {
		case <-deadline:
			s.t.Fatalf("timed out waiting for %q in the log", word)
		case <-time.After(time.Millisecond):
		}
	}
}

// daemonPID returns the pid of the daemon, as the test sees it. For a daemon in a pid namespace, that is not the pid
// that it sees itself.
func (s *server) daemonPID() int {
	pid := s.cmd.Process.Pid
	if len(s.wrap) == 0 || !slices.Contains(s.wrap, "-p") {
		return pid
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	if err != nil {
		s.t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		s.t.Fatalf("got the children %q of unshare, want one", text)
	}
	return child
}

// terminate stops the daemon with TERM, and checks its exit code.
func (s *server) terminate() {
	s.t.Helper()
	syscall.Kill(s.daemonPID(), syscall.SIGTERM)
	<-s.done
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("the daemon: got exit code %d, want 0", code)
	}
	s.cmd = nil
}

// jobsd runs a jobsd command on the server, which must succeed, and returns its output.
func (s *server) jobsd(args ...string) string {
	s.t.Helper()
	cmd := exec.Command(s.program(), append([]string{"--root", s.root}, args...)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("jobsd %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// startReady starts the daemon and waits until it has loaded its jobs.
func (s *server) startReady() {
	s.t.Helper()
	s.start()
	s.waitState("the daemon to be ready", func(state *statefile.State) bool {
		return state.Daemon.Reload.Done > 0 && (state.Daemon.PID == s.cmd.Process.Pid || state.Daemon.PID == 1)
	})
}

// waitProcesses waits until so many processes carry the tag of a job.
func (s *server) waitProcesses(job string, n int) []int {
	s.t.Helper()
	deadline := time.After(waitLimit)
	for {
		pids := processesOf(s.t, s.root, job)
		if len(pids) == n {
			return pids
		}
		select {
		case <-deadline:
			s.t.Fatalf("timed out: %s has the processes %v, want %d", job, pids, n)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// waitLastRun waits until a job has no run any more, and returns its last run.
func (s *server) waitLastRun(job string) *statefile.Run {
	s.t.Helper()
	return s.waitState(job+" to have ended", func(state *statefile.State) bool {
		j := state.Jobs[job]
		return j != nil && j.LastRun != nil && len(j.Running) == 0
	}).Jobs[job].LastRun
}

// install replaces the program of the server in one step, as a package manager does.
func (s *server) install(text string) {
	s.t.Helper()
	writeProgram(s.t, s.exe+".new", text)
	if err := os.Rename(s.exe+".new", s.exe); err != nil {
		s.t.Fatal(err)
	}
}

// newInstalledServer returns a server with a program of its own, which a test can replace, and the path of a copy that
// stays.
func newInstalledServer(t *testing.T) (s *server, original string) {
	if runtime.GOOS != "linux" {
		t.Skip("upgrades are for Linux")
	}
	s = newServer(t)
	program, err := os.ReadFile(s.program())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"bin", "real"} {
		if err := os.Mkdir(filepath.Join(s.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		writeProgram(t, filepath.Join(s.root, dir, "jobsd"), string(program))
	}
	s.exe = filepath.Join(s.root, "bin", "jobsd")
	s.env = []string{"PATH=" + filepath.Dir(s.exe) + ":" + os.Getenv("PATH")}
	return s, filepath.Join(s.root, "real", "jobsd")
}

// pidsOf returns the pids of jobs that have one run. A run that is still starting may have no pid yet, and is left out.
func pidsOf(state *statefile.State) map[string]int {
	all := map[string]int{}
	for name, j := range state.Jobs {
		if len(j.Running) == 1 && j.Running[0].PID != nil {
			all[name] = *j.Running[0].PID
		}
	}
	return all
}

// waitLeader waits until a job runs, and returns the pid of its only run.
func (s *server) waitLeader(job string) int {
	s.t.Helper()
	return pidsOf(s.waitState(job+" to run", func(state *statefile.State) bool { return pidsOf(state)[job] > 0 }))[job]
}

// reloadByHUP sends the daemon a HUP and waits for the reload.
func (s *server) reloadByHUP() *statefile.State {
	s.t.Helper()
	before := s.readState().Daemon.Reload
	if err := syscall.Kill(s.daemonPID(), syscall.SIGHUP); err != nil {
		s.t.Fatal(err)
	}
	return s.waitState("the reload", func(state *statefile.State) bool { return state.Daemon.Reload.Done > before.Done })
}

// runStates returns the states of a job's runs.
func runStates(state *statefile.State, job string) (list []statefile.RunState) {
	for _, r := range state.Jobs[job].Running {
		list = append(list, r.State)
	}
	return list
}

// otherUID is the number of a user and a group that no other program has.
const otherUID = 61014

// openToOthers lets other users reach the root of the server, as they reach /var/log.
func (s *server) openToOthers() {
	for dir := s.root; dir != "/" && dir != filepath.Clean(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
}

// waitFor waits for a condition that is not in the state file.
func (s *server) waitFor(what string, ok func() bool) {
	s.t.Helper()
	for deadline := time.After(waitLimit); !ok(); {
		select {
		case <-deadline:
			s.t.Fatalf("timed out waiting for %s", what)
		case <-s.done:
			s.t.Fatalf("the daemon ended while the test waited for %s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// countLines returns how often a job's log has this line.
func (s *server) countLines(job, line string) int {
	text, _ := os.ReadFile(filepath.Join(s.root, "log", job+".log"))
	return strings.Count("\n"+string(text), "\n"+line+"\n")
}

// waitLogged waits until the daemon's log has a line with all of these words, because a helper of the daemon writes the
// log. It returns the number of such lines.
func (s *server) waitLogged(words ...string) int {
	s.t.Helper()
	s.waitFor(fmt.Sprintf("%q in the daemon's log", words), func() bool { return s.countLogged(words...) > 0 })
	return s.countLogged(words...)
}

// countLogged returns how many lines of the daemon's log have all of these words.
func (s *server) countLogged(words ...string) (n int) {
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

// writeFile writes a file that only its owner can write.
func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// writeProgram writes a program. During that time, no other test may fork: until its exec, the child would have the
// file open for writing too, and then nobody can execute it (ETXTBSY).
func writeProgram(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// waitLogLine waits until the daemon's log has a line that ends with this text.
func (s *server) waitLogLine(line string) {
	s.t.Helper()
	for deadline := time.Now().Add(waitLimit); ; {
		text, err := os.ReadFile(s.log)
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.Contains(string(text), line+"\n") {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("timed out waiting for %q in the log", line)
		}
		<-time.After(time.Millisecond)
	}
}

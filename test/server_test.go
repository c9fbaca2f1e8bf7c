package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"jobsd/internal/testdir"
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
	args []string             // more options of run
	out  *os.File             // standard output of the daemon; nil: its log
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

// runInMemory writes a jobsd.toml that puts the run directory on a tmpfs, where it is on most machines. It returns the
// run directory. Without a tmpfs it stays where it is.
func (s *server) runInMemory() string {
	if !testdir.HasMemory() {
		return filepath.Join(s.root, "run")
	}
	dir := testdir.Memory(s.t)
	writeFile(s.t, filepath.Join(s.root, "jobsd.toml"), fmt.Sprintf("run_dir = %q\n", dir))
	return dir
}

func (s *server) writeJobs(name, text string) {
	s.t.Helper()
	writeFile(s.t, filepath.Join(s.root, "jobs.d", name), text)
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
	args = append(args, s.args...)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, s.attr
	if s.out != nil {
		cmd.Stdout = s.out
	}
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
	return ownProgram(s.t, "jobsd")
}

// ownProgram returns the path of one of the programs that this test binary is, too.
func ownProgram(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name) // testscript.Main has put it into PATH
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// copyProgram makes a copy of a program that other users can execute.
func copyProgram(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	writeProgram(t, to, string(text))
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
	var state *statefile.State
	err := poll(2*waitLimit, s.done, func() bool {
		state = s.readState()
		return state != nil && ok(state)
	})
	if err != nil {
		s.t.Fatalf("%v while the test waited for %s", err, what)
	}
	return state
}

// poll calls ok until it returns true. It returns an error after a limit, or if done is closed and ok still returns
// false.
func poll(limit time.Duration, done <-chan struct{}, ok func() bool) error {
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ended := false; !ok(); {
		if ended {
			return errors.New("the daemon ended")
		}
		select {
		case <-deadline.C:
			return errors.New("the time was up")
		case <-done:
			ended = true // look once more: this may be what ok waits for
		case <-tick.C:
		}
	}
	return nil
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
	s.waitFor(fmt.Sprintf("%q in the daemon's log, %d times", word, n), func() bool {
		text, _ := os.ReadFile(s.log)
		return strings.Count(string(text), word+":") >= n
	})
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

// command returns a jobsd command for the root of the server.
func (s *server) command(args ...string) *exec.Cmd {
	s.t.Helper()
	return exec.Command(s.program(), append([]string{"--root", s.root}, args...)...)
}

// jobsd runs a jobsd command, which must succeed, and returns its output.
func (s *server) jobsd(args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
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

// waitProcesses waits until a job has a number of processes, and returns them.
func (s *server) waitProcesses(job string, n int) (pids []int) {
	s.t.Helper()
	err := poll(waitLimit, nil, func() bool {
		pids = processesOf(s.t, s.root, job)
		return len(pids) == n
	})
	if err != nil {
		s.t.Fatalf("%v: %s: got the processes %v, want %d", err, job, pids, n)
	}
	return pids
}

// waitLastRun waits until a job has no run any more, and returns its last run.
func (s *server) waitLastRun(job string) *statefile.Run {
	s.t.Helper()
	return s.waitState(job+" to have ended", func(state *statefile.State) bool {
		j := state.Jobs[job]
		return j != nil && j.LastRun != nil && len(j.Running) == 0
	}).Jobs[job].LastRun
}

// checkExit waits until a job has no run any more, and checks the exit code of its last run.
func (s *server) checkExit(job string, code int) {
	s.t.Helper()
	if r := s.waitLastRun(job); r.Outcome != statefile.OutcomeExited || *r.ExitCode != code {
		s.t.Errorf("%s: got %+v, want exit code %d", job, r, code)
	}
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
	needLinux(t, "upgrades are for Linux")
	s = newServer(t)
	for _, dir := range []string{"bin", "real"} {
		if err := os.Mkdir(filepath.Join(s.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
		copyProgram(t, s.program(), filepath.Join(s.root, dir, "jobsd"))
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

// strangers counts the users that tests have used.
var strangers atomic.Int32

// strangerUID returns the number of a user and a group that no other test has, not even another run of the tests at the
// same time. A test needs such a user if it counts or stops all processes of the user.
func strangerUID() int { return 1_000_000_000 + 16*os.Getpid() + int(strangers.Add(1)) }

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
	if err := poll(waitLimit, s.done, ok); err != nil {
		s.t.Fatalf("%v while the test waited for %s", err, what)
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

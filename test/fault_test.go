package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"jobsd/statefile"
)

// TestA12ProgramBeingWritten: while a program is being written, nobody can execute it. The daemon tries again three
// times within a second, which does not count as a failure. Then the run has a start error.
func TestA12ProgramBeingWritten(t *testing.T) {
	needLinux(t, "only Linux refuses to execute a program that is being written")
	s := newServer(t)
	hold := func(name string) *os.File {
		path := filepath.Join(s.root, name)
		copyProgram(t, "/bin/true", path)
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	hold("busy")
	soon := hold("soon")
	s.writeJobs("jobs.toml", fmt.Sprintf("[[jobs]]\nname = \"busy\"\ncmd = [%q]\n[[jobs]]\nname = \"soon\"\ncmd = [%q]\nat_boot = true\n",
		filepath.Join(s.root, "busy"), filepath.Join(s.root, "soon")))
	closed := filepath.Join(s.root, "closed")
	s.env = []string{waitAt + "=fork:2:" + closed}
	s.start()
	s.waitLoggedTimes(1, "cannot start now; will retry")
	soon.Close()
	writeFile(t, closed, "")
	s.waitReady()
	s.checkExit("soon", 0)
	s.jobsd("start", "busy")
	if r := s.waitLastRun("busy"); r.Outcome != statefile.OutcomeStartError || r.StartError.Errno != "ETXTBSY" {
		t.Errorf("busy: got %+v, want a start error ETXTBSY", r)
	}
	if j := s.readState().Jobs["busy"]; j.Failures != 1 || j.Runs != 0 {
		t.Errorf("busy: got %d failures and %d runs, want 1 and 0", j.Failures, j.Runs)
	}
	s.terminate()
}

// waitAt names the failpoint at which a daemon waits until a file exists, counting from 1:
// fork:2:FILE waits at the second fork.
const waitAt = "TEST_WAITS_AT"

func waitpoint(at string) func(string) {
	f := strings.SplitN(at, ":", 3)
	n, err := strconv.ParseInt(f[1], 10, 64)
	if err != nil {
		panic(err)
	}
	var left atomic.Int64
	left.Store(n)
	return func(name string) {
		if name != f[0] || left.Add(-1) != 0 {
			return
		}
		for {
			if _, err := os.Stat(f[2]); err == nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
}

// TestA22IgnoredSignals: the daemon sees its children end even if the program that started it ignores signals. Jobs
// have no signal ignored or blocked, as under init.
func TestA22IgnoredSignals(t *testing.T) {
	needLinux(t, "reads /proc")
	for _, wrap := range [][]string{{"nohup"}, {"sh", "-c", `trap '' HUP INT QUIT CHLD USR1 USR2 TTOU TSTP PIPE; exec "$@"`, "sh"}} {
		t.Run(wrap[0], func(t *testing.T) {
			s := newServer(t)
			s.wrap = wrap
			s.writeJobs("j.toml", "shell = \"grep -E '^Sig(Ign|Blk)' /proc/self/status; exit 3\"\n")
			s.writeJobs("shim.toml", "umask = \"027\"\nshell = \"grep -E '^Sig(Ign|Blk)' /proc/self/status; exit 3\"\n")
			s.startReady()
			for _, job := range []string{"j", "shim"} {
				s.jobsd("start", job)
				s.checkExit(job, 3)
				log, _ := os.ReadFile(filepath.Join(s.root, "log", job+".log"))
				for line := range strings.Lines(string(log)) {
					if name, mask, ok := strings.Cut(strings.TrimSpace(line), ":\t"); ok && strings.Trim(mask, "0") != "" {
						t.Errorf("%s: got %s %s, want no signal", job, name, mask)
					}
				}
				if strings.Count(string(log), "\nSig") != 2 {
					t.Errorf("the log of %s lacks the two masks: %s", job, log)
				}
			}
			s.terminate()
		})
	}
}

// pidsCgroup makes a cgroup with a limit on the number of processes and threads.
func pidsCgroup(t *testing.T, most string) (dir string) {
	needLinux(t, "needs Linux")
	needRoot(t, "needs root, for a cgroup")
	for _, root := range []string{"/sys/fs/cgroup/pids", "/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		dir, err := os.MkdirTemp(root, "jobsd-test")
		if err != nil {
			continue
		}
		t.Cleanup(func() { os.Remove(dir) })
		if os.WriteFile(filepath.Join(dir, "pids.max"), []byte(most), 0) == nil {
			return dir
		}
	}
	t.Skip("needs a cgroup that counts processes")
	return ""
}

// TestA13ProcessLimitOfCgroup: a hundred jobs and the daemon share a cgroup with room for 64 processes and threads. The
// daemon survives that, and commands and reloads work. Runs that cannot be forked wait, and start once there is room.
// None of this counts as a failure.
func TestA13ProcessLimitOfCgroup(t *testing.T) {
	t.Parallel()
	dir := pidsCgroup(t, "64")
	s := newServer(t)
	s.wrap = []string{"sh", "-c", `echo $$ >` + dir + `/cgroup.procs && exec "$@"`, "sh"}
	for n := range 100 {
		s.writeJobs(fmt.Sprintf("j%d.toml", n), "cmd = [\"sleep\", \"1000\"]\nat_boot = true\nstop_timeout = \"1s\"\n")
	}
	s.startReady()
	count := func(state *statefile.State) (run, wait int) {
		for _, j := range state.Jobs {
			for _, r := range j.Running {
				switch {
				case r.State == statefile.RunRunning:
					run++
				case r.State == statefile.RunPending && r.Why != nil && *r.Why == statefile.WhyFork && r.Error != nil && strings.Contains(*r.Error, "EAGAIN"):
					wait++
				}
			}
		}
		return run, wait
	}
	pid := s.waitState("some to wait and the others to run", func(state *statefile.State) bool {
		run, wait := count(state)
		return run > 10 && run+wait == 100
	}).Daemon.PID
	for n := range 5 {
		s.writeJobs("new.toml", fmt.Sprintf("cmd = [\"true\"]\ndescription = \"%d\"\n", n))
		s.jobsd("reload")
	}
	s.jobsd("stop", "j1")
	if err := os.WriteFile(filepath.Join(dir, "pids.max"), []byte("max"), 0); err != nil {
		t.Fatal(err)
	}
	state := s.waitState("all to run", func(state *statefile.State) bool { run, _ := count(state); return run == 99 })
	for name, j := range state.Jobs {
		if j.Failures != 0 {
			t.Errorf("%s: got %d failures, want none: %+v", name, j.Failures, j.LastRun)
		}
	}
	if state.Daemon.PID != pid || state.Daemon.UncleanRestarts != 0 {
		t.Errorf("got the daemon %+v, want pid %d and no unclean restart", state.Daemon, pid)
	}
	s.terminate()
}

// TestA13ProcessLimitOfUser: the user of the daemon can have no more processes. The run waits and shows why. It does
// not count as a failure, and starts once there is room.
func TestA13ProcessLimitOfUser(t *testing.T) {
	needLinux(t, "needs Linux")
	needRoot(t, "needs root, to limit the processes of another user")
	setpriv := needProgram(t, "setpriv", "needs setpriv(1)")
	uid := strangerUID()
	s := newServer(t)
	copyProgram(t, s.program(), filepath.Join(s.root, "jobsd"))
	s.exe = filepath.Join(s.root, "jobsd")
	s.openToOthers()
	s.wrap = []string{setpriv, fmt.Sprint("--reuid=", uid), fmt.Sprint("--regid=", uid), "--clear-groups", "prlimit", "--nproc=80:80"}
	full := filepath.Join(s.root, "full")
	s.writeJobs("fill.toml", "shell = \"(i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i + 1)); done); : >"+full+"; exec sleep 1000\"\ndir = \"/\"\nstop_timeout = \"1s\"\n")
	late := []string{"a", "b", "c"} // more processes than the job "fill" leaves room for when its forks fail
	for _, job := range late {
		s.writeJobs(job+".toml", "dir = \"/\"\ncmd = [\"sleep\", \"1000\"]\nstop_timeout = \"1s\"\n")
	}
	filepath.WalkDir(s.root, func(path string, _ os.DirEntry, _ error) error { return os.Chown(path, uid, uid) })
	s.startReady()
	s.jobsd("start", "fill")
	s.waitFor("the job fill to use up all processes", func() bool {
		_, err := os.Stat(full)
		return err == nil
	})
	for _, job := range late {
		s.jobsd("start", job)
	}
	s.waitState("a run to wait for a process", func(state *statefile.State) bool {
		for _, job := range late {
			r := state.Jobs[job].Running
			if len(r) == 1 && r[0].State == statefile.RunPending && r[0].Why != nil && *r[0].Why == statefile.WhyFork && r[0].Error != nil &&
				strings.Contains(*r[0].Error, "temporarily unavailable") {
				return true
			}
		}
		return false
	})
	s.jobsd("reload") // the daemon still answers
	s.jobsd("stop", "fill")
	s.waitState("all to run", func(state *statefile.State) bool {
		for _, job := range late {
			if r := state.Jobs[job].Running; len(r) != 1 || r[0].State != statefile.RunRunning {
				return false
			}
		}
		return true
	})
	for _, job := range late {
		if j := s.readState().Jobs[job]; j.Failures != 0 || j.Runs != 1 {
			t.Errorf("%s: got %d failures and %d runs, want 0 and 1", job, j.Failures, j.Runs)
		}
	}
	s.terminate()
}

// TestA14FewDescriptors: the daemon may open only a few files, and many jobs are due. Runs that cannot start wait. In
// the end all have run, the state is written, and no descriptor leaks.
func TestA14FewDescriptors(t *testing.T) {
	needLinux(t, "counts descriptors in /proc")
	prlimit := needProgram(t, "prlimit", "needs prlimit(1), to limit descriptors")
	const jobs = 40
	s := newServer(t)
	s.wrap = []string{prlimit, "--nofile=40:40"}
	var b strings.Builder
	for n := range jobs {
		fmt.Fprintf(&b, "[[jobs]]\nname = \"j%d\"\ncmd = [\"sleep\", \"0.3\"]\nat_boot = true\n", n)
	}
	s.writeJobs("jobs.toml", b.String())
	s.startReady()
	before := openDescriptors(t, s.daemonPID())
	waited := false
	state := s.waitState("all to have run", func(state *statefile.State) bool {
		ended := 0
		for _, j := range state.Jobs {
			if j.LastRun != nil {
				ended++
			}
			for _, r := range j.Running {
				waited = waited || r.Why != nil && *r.Why == statefile.WhyFork
			}
		}
		return ended == jobs
	})
	for name, j := range state.Jobs {
		if j.LastRun.Outcome != statefile.OutcomeExited || j.Failures != 0 {
			t.Errorf("%s: got %+v, %+v, %d failures, want a normal exit", name, j.LastRun, j.LastRun.StartError, j.Failures)
		}
	}
	if !waited {
		t.Log("the test saw no run wait for a descriptor")
	}
	// The count from the beginning may include descriptors of the first runs.
	if after := openDescriptors(t, s.daemonPID()); after > min(before, 25) {
		t.Errorf("got %d open descriptors at the end, want at most %d", after, min(before, 25))
	}
	s.terminate()
}

func openDescriptors(t *testing.T, pid int) int {
	return len(descriptors(t, pid))
}

// heldDescriptors is openDescriptors without those of control groups, which the daemon keeps for later runs and gives
// back after some seconds of rest.
func heldDescriptors(t *testing.T, pid int) (n int) {
	for _, target := range descriptors(t, pid) {
		if !strings.HasPrefix(target, "/sys/fs/cgroup/") {
			n++
		}
	}
	return n
}

// descriptors returns what the descriptors of a process refer to.
func descriptors(t *testing.T, pid int) (targets []string) {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	fds, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		target, _ := os.Readlink(filepath.Join(dir, fd.Name()))
		targets = append(targets, target)
	}
	return targets
}

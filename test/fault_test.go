package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"jobsd/statefile"
)

// TestA12ProgramBeingWritten: a program that is being written. Three tries within a second, which do not count, then that is said.
func TestA12ProgramBeingWritten(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems do not mind")
	}
	s := newSite(t)
	hold := func(name string) *os.File {
		path := filepath.Join(s.root, name)
		text, err := os.ReadFile("/bin/true")
		if err != nil {
			t.Fatal(err)
		}
		putProgram(t, path, string(text))
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	hold("busy")
	soon := hold("soon")
	s.write("jobs.toml", fmt.Sprintf("[[jobs]]\nname = \"busy\"\ncmd = [%q]\n[[jobs]]\nname = \"soon\"\ncmd = [%q]\nat_boot = true\n",
		filepath.Join(s.root, "busy"), filepath.Join(s.root, "soon")))
	s.start()
	s.logged(1, "cannot start now; will retry")
	soon.Close()
	s.ready()
	if r := s.lastRun("soon"); r.Outcome != statefile.OutcomeExited || *r.ExitCode != 0 {
		t.Errorf("soon: %+v", r)
	}
	s.tell("start", "busy")
	if r := s.lastRun("busy"); r.Outcome != statefile.OutcomeStartError || r.StartError.Errno != "ETXTBSY" {
		t.Errorf("busy: %+v", r)
	}
	if j := s.read().Jobs["busy"]; j.Failures != 1 || j.Runs != 0 {
		t.Errorf("busy: %d failures, %d runs", j.Failures, j.Runs)
	}
	s.term()
}

// TestA22IgnoredSignals: whatever its starter ignored or blocked, the daemon sees its children end, and they are as init
// would have them.
func TestA22IgnoredSignals(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	for _, wrap := range [][]string{{"nohup"}, {"sh", "-c", `trap '' HUP INT QUIT CHLD USR1 USR2 TTOU TSTP PIPE; exec "$@"`, "sh"}} {
		t.Run(wrap[0], func(t *testing.T) {
			s := newSite(t)
			s.wrap = wrap
			s.write("j.toml", "shell = \"grep -E '^Sig(Ign|Blk)' /proc/self/status; exit 3\"\n")
			s.write("shim.toml", "umask = \"027\"\nshell = \"grep -E '^Sig(Ign|Blk)' /proc/self/status; exit 3\"\n")
			s.begin()
			for _, job := range []string{"j", "shim"} {
				s.tell("start", job)
				if r := s.lastRun(job); r.Outcome != statefile.OutcomeExited || *r.ExitCode != 3 {
					t.Errorf("%s: %+v", job, r)
				}
				log, _ := os.ReadFile(filepath.Join(s.root, "log", job+".log"))
				for line := range strings.Lines(string(log)) {
					if name, mask, ok := strings.Cut(strings.TrimSpace(line), ":\t"); ok && strings.Trim(mask, "0") != "" {
						t.Errorf("%s has %s %s", job, name, mask)
					}
				}
				if strings.Count(string(log), "\nSig") != 2 {
					t.Errorf("the log of %s: %s", job, log)
				}
			}
			s.term()
		})
	}
}

// pidsCgroup makes a cgroup that may hold so many processes and threads.
func pidsCgroup(t *testing.T, most string) (dir string) {
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("needs root, for a cgroup")
	}
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

// TestA13ProcessLimitOfCgroup: a hundred jobs, and the daemon with them, in a cgroup with room for 64 processes and threads. The runtime
// of the daemon survives that, commands and reloads work, what cannot be forked waits, and all of it runs once there is
// room. Nothing of it counts as a failure.
func TestA13ProcessLimitOfCgroup(t *testing.T) {
	t.Parallel()
	dir := pidsCgroup(t, "64")
	s := newSite(t)
	s.wrap = []string{"sh", "-c", `echo $$ >` + dir + `/cgroup.procs && exec "$@"`, "sh"}
	for n := range 100 {
		s.write(fmt.Sprintf("j%d.toml", n), "cmd = [\"sleep\", \"1000\"]\nat_boot = true\nstop_timeout = \"1s\"\n")
	}
	s.begin()
	count := func(state *statefile.State) (run, wait int) {
		for _, j := range state.Jobs {
			for _, r := range j.Running {
				switch {
				case r.State == "running":
					run++
				case r.State == "pending" && r.Why != nil && *r.Why == statefile.WhyFork && r.Error != nil && strings.Contains(*r.Error, "EAGAIN"):
					wait++
				}
			}
		}
		return run, wait
	}
	pid := s.until("some to wait and the others to run", func(state *statefile.State) bool {
		run, wait := count(state)
		return run > 10 && run+wait == 100
	}).Daemon.PID
	for n := range 5 {
		s.write("new.toml", fmt.Sprintf("cmd = [\"true\"]\ndescription = \"%d\"\n", n))
		s.tell("reload")
	}
	s.tell("stop", "j1")
	if err := os.WriteFile(filepath.Join(dir, "pids.max"), []byte("max"), 0); err != nil {
		t.Fatal(err)
	}
	state := s.until("all to run", func(state *statefile.State) bool { run, _ := count(state); return run == 99 })
	for name, j := range state.Jobs {
		if j.Failures != 0 {
			t.Errorf("%s failed: %+v", name, j.LastRun)
		}
	}
	if state.Daemon.PID != pid || state.Daemon.UncleanRestarts != 0 {
		t.Errorf("the daemon: %+v", state.Daemon)
	}
	s.term()
}

// TestA13ProcessLimitOfUser: no process can be had. That is weather: the run waits and shows why, nothing is counted, and once there
// is room it starts.
func TestA13ProcessLimitOfUser(t *testing.T) {
	if os.Geteuid() != 0 || runtime.GOOS != "linux" {
		t.Skip("needs root, to limit the processes of another user")
	}
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Skip("needs setpriv(1): ", err)
	}
	const uid = 61013 // nobody else's
	s := newSite(t)
	s.exe = filepath.Join(s.root, "jobsd")
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(exe)
	if err != nil {
		t.Fatal(err)
	}
	putProgram(t, s.exe, string(text))
	for dir := s.root; dir != "/" && dir != os.TempDir(); dir = filepath.Dir(dir) {
		os.Chmod(dir, 0o755)
	}
	s.wrap = []string{setpriv, fmt.Sprint("--reuid=", uid), fmt.Sprint("--regid=", uid), "--clear-groups", "prlimit", "--nproc=80:80"}
	full := filepath.Join(s.root, "full")
	s.write("fill.toml", "shell = \"(i=0; while [ $i -lt 100 ]; do sleep 1000 & i=$((i + 1)); done); : >"+full+"; exec sleep 1000\"\ndir = \"/\"\nstop_timeout = \"1s\"\n")
	late := []string{"a", "b", "c"} // more than what the filler leaves when it gives up
	for _, job := range late {
		s.write(job+".toml", "dir = \"/\"\ncmd = [\"sleep\", \"1000\"]\nstop_timeout = \"1s\"\n")
	}
	filepath.WalkDir(s.root, func(path string, _ os.DirEntry, _ error) error { return os.Chown(path, uid, uid) })
	s.begin()
	s.tell("start", "fill")
	s.awaits("the filler to have filled", func() bool {
		_, err := os.Stat(full)
		return err == nil
	})
	for _, job := range late {
		s.tell("start", job)
	}
	s.until("a run to wait for a process", func(state *statefile.State) bool {
		for _, job := range late {
			r := state.Jobs[job].Running
			if len(r) == 1 && r[0].State == "pending" && r[0].Why != nil && *r[0].Why == statefile.WhyFork && r[0].Error != nil &&
				strings.Contains(*r[0].Error, "temporarily unavailable") {
				return true
			}
		}
		return false
	})
	s.tell("reload") // it hears
	s.tell("stop", "fill")
	s.until("all to run", func(state *statefile.State) bool {
		for _, job := range late {
			if r := state.Jobs[job].Running; len(r) != 1 || r[0].State != "running" {
				return false
			}
		}
		return true
	})
	for _, job := range late {
		if j := s.read().Jobs[job]; j.Failures != 0 || j.Runs != 1 {
			t.Errorf("%s: %d failures, %d runs", job, j.Failures, j.Runs)
		}
	}
	s.term()
}

// TestA14FewDescriptors: the daemon may open few files, and many jobs are due. Those that cannot start wait; all run in the
// end, the state is written, and nothing leaks.
func TestA14FewDescriptors(t *testing.T) {
	prlimit, err := exec.LookPath("prlimit")
	if err != nil || runtime.GOOS != "linux" {
		t.Skip("needs prlimit(1): ", err)
	}
	const jobs = 40
	s := newSite(t)
	s.wrap = []string{prlimit, "--nofile=32:32"}
	var b strings.Builder
	for n := range jobs {
		fmt.Fprintf(&b, "[[jobs]]\nname = \"j%d\"\ncmd = [\"sleep\", \"0.3\"]\nat_boot = true\n", n)
	}
	s.write("jobs.toml", b.String())
	s.begin()
	before := descriptors(t, s.daemonPID())
	waited := false
	state := s.until("all to have run", func(state *statefile.State) bool {
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
			t.Errorf("%s: %+v, %+v, %d failures", name, j.LastRun, j.LastRun.StartError, j.Failures)
		}
	}
	if !waited {
		t.Log("none was seen to wait for a descriptor")
	}
	// Before the jobs began there were as many, but for what the first of them already had.
	if after := descriptors(t, s.daemonPID()); after > min(before, 24) {
		t.Errorf("%d descriptors are open at the end, %d were at the beginning", after, before)
	}
	s.term()
}

func descriptors(t *testing.T, pid int) int {
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}

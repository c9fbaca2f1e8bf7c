package test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/spawn"
	"jobsd/statefile"
)

// environments are environments of the daemon. In none of them may a process of a stopped run survive.
var environments = []struct {
	name string
	wrap []string
	root bool
}{
	{name: "ordinary"},
	{name: "without cgroups", root: true, wrap: withoutCgroups},
	{name: "as PID 1", root: true, wrap: []string{"unshare", "-m", "-p", "-f", "--kill-child", "--mount-proc"}},
}

// inEnvironments runs a test in each of them, at the same time if the test is no heavy load. CI runs it again as an
// ordinary user.
func inEnvironments(t *testing.T, parallel bool, test func(t *testing.T, s *server)) {
	needLinux(t, "looks for processes in /proc")
	for _, h := range environments {
		t.Run(h.name, func(t *testing.T) {
			if parallel {
				t.Parallel()
			}
			if h.root {
				needRoot(t, "needs root, for namespaces")
				needProgram(t, "unshare", "needs unshare(1), for namespaces")
			}
			s := newServer(t)
			s.wrap = h.wrap
			test(t, s)
			if s.cmd != nil {
				s.terminate()
			}
			if left := processesOf(t, s.root, ""); len(left) > 0 {
				t.Errorf("got the processes %v of jobs after the test, want none", left)
			}
		})
	}
}

// TestA5B27EscapedProcesses: processes that fork twice, make sessions of their own, ignore TERM, or are replaced by a
// child again and again. After a stop, none of them is alive. A job of the same name of another daemon is not touched.
func TestA5B27EscapedProcesses(t *testing.T) {
	misbehave := ownProgram(t, "misbehave")
	inEnvironments(t, false, func(t *testing.T, s *server) {
		jobs := fmt.Sprintf(`
[[jobs]]
name = "forked"
stop_timeout = "1s"
shell = "trap '' TERM; (setsid sh -c 'sleep 1000; sleep 1000' &) ; (setsid setsid sleep 1000 &) ; sleep 1000; sleep 1000"
[[jobs]]
name = "hops"
stop_timeout = "1s"
shell = "%s hop 3; sleep 1000"
`, misbehave)
		s.writeJobs("jobs.toml", jobs)
		s.startReady()
		other := newServer(t)
		other.writeJobs("jobs.toml", jobs)
		other.startReady()
		defer other.terminate()
		other.jobsd("start", "forked")
		theirs := other.waitProcesses("forked", 5)

		s.jobsd("start", "forked")
		s.jobsd("start", "hops")
		s.waitProcesses("forked", 5)
		began := time.Now()
		s.jobsd("stop", "forked")
		t.Logf("stopped after %v, of which 1 s is the stop_timeout", time.Since(began).Round(time.Millisecond))
		if left := processesOf(t, s.root, "forked"); len(left) > 0 {
			t.Errorf("got the processes %v of forked after the stop, want none", left)
		}
		s.jobsd("stop", "hops")
		if left := processesOf(t, s.root, "hops"); len(left) > 0 {
			t.Errorf("got the processes %v of hops after the stop, want none", left)
		}
		if r := s.waitLastRun("forked"); r.Outcome != statefile.OutcomeStopped || r.By == nil {
			t.Errorf("forked: got the outcome %s, by %v, want stopped, by a person", r.Outcome, r.By)
		}
		if now := processesOf(t, other.root, "forked"); len(now) != len(theirs) {
			t.Errorf("got the processes %v of the other daemon's job, want %v", now, theirs)
		}
		log, err := os.ReadFile(filepath.Join(s.root, "log", "forked.log"))
		if err != nil || !strings.Contains(string(log), "escaped processes of") {
			t.Errorf("the log does not name the killed processes: %v\n%s", err, log)
		}
	})
}

// TestA6A7StopOfStubbornProcesses: A6: the leader ends at TERM, but another process of its group ignores it. The stop
// is over only when that process is gone. A7: a suspended process is continued, so that it ends at TERM.
func TestA6A7StopOfStubbornProcesses(t *testing.T) {
	inEnvironments(t, true, func(t *testing.T, s *server) {
		s.writeJobs("jobs.toml", `
[[jobs]]
name = "member"
stop_timeout = "1s"
shell = "sh -c \"trap '' TERM; sleep 1000; sleep 1000\" & sleep 1000"
[[jobs]]
name = "asleep"
stop_timeout = "10m"
shell = "kill -STOP $$; sleep 1000"
`)
		s.startReady()
		s.jobsd("start", "member")
		s.jobsd("start", "asleep")
		s.waitProcesses("member", 4)
		s.waitProcesses("asleep", 1)
		s.jobsd("stop", "member")
		if left := processesOf(t, s.root, "member"); len(left) > 0 {
			t.Errorf("got the processes %v of member after the stop, want none", left)
		}
		s.jobsd("stop", "asleep")
		if r := s.waitLastRun("asleep"); r.Outcome != statefile.OutcomeStopped || r.Signal == nil || *r.Signal != "TERM" {
			t.Errorf("asleep: got %+v, want stopped by TERM", r)
		}
	})
}

// TestA8LeftoverInItsOwnSession: when a run ends normally, a process that it leaves in a session of its own is left
// alone. When a run exceeds its timeout, such a process is stopped, too.
func TestA8LeftoverInItsOwnSession(t *testing.T) {
	inEnvironments(t, true, func(t *testing.T, s *server) {
		s.writeJobs("jobs.toml", `
[[jobs]]
name = "leaves"
shell = "setsid sh -c ': >$JOBSD_ROOT/away; exec sleep 1000' & until [ -e $JOBSD_ROOT/away ]; do sleep 0.01; done; exit 0"
[[jobs]]
name = "late"
timeout = "500ms"
shell = "setsid sleep 1000 & sleep 1000"
`)
		s.startReady()
		s.jobsd("start", "--wait", "leaves")
		s.checkExit("leaves", 0)
		left := s.waitProcesses("leaves", 1)
		s.jobsd("start", "late")
		if r := s.waitLastRun("late"); r.Outcome != statefile.OutcomeTimeout {
			t.Errorf("late: got %+v, want the outcome timeout", r)
		}
		s.waitProcesses("late", 0)
		s.terminate()
		if now := processesOf(t, s.root, "leaves"); !slices.Contains(s.wrap, "-p") && !slices.Equal(now, left) {
			t.Errorf("got the processes %v of leaves, want %v", now, left)
		}
		for _, pid := range left {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		s.waitProcesses("leaves", 0)
	})
}

// TestA23B29B31ExitCodesAndSignals: jobs end with each exit code and by each signal that ends a process. They leave
// orphans.
func TestA23B29B31ExitCodesAndSignals(t *testing.T) {
	inEnvironments(t, false, func(t *testing.T, s *server) {
		var b strings.Builder
		for code := range 256 {
			fmt.Fprintf(&b, "[[jobs]]\nname = \"code%d\"\nat_boot = true\nshell = \"(sleep 0.0$$ &) ; exit %d\"\n", code, code)
		}
		spared := []syscall.Signal{syscall.SIGCHLD, syscall.SIGCONT, syscall.SIGSTOP, syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU,
			syscall.SIGURG, syscall.SIGWINCH} // these do not end a process
		for sig := syscall.Signal(1); sig <= 31; sig++ {
			if !slices.Contains(spared, sig) {
				fmt.Fprintf(&b, "[[jobs]]\nname = \"signal%d\"\nat_boot = true\nlimits = {core = 0}\nshell = \"kill -%d $$; sleep 1000\"\n", sig, sig)
			}
		}
		s.writeJobs("jobs.toml", b.String())
		s.startReady()
		state := s.waitState("all to have ended", func(state *statefile.State) bool {
			for _, j := range state.Jobs {
				if j.LastRun == nil || len(j.Running) > 0 {
					return false
				}
			}
			return true
		})
		for code := range 256 {
			r := state.Jobs[fmt.Sprint("code", code)].LastRun
			if r.Outcome != statefile.OutcomeExited || r.ExitCode == nil || *r.ExitCode != code || r.Signal != nil {
				t.Errorf("exit %d: got %+v", code, r)
			}
		}
		for sig := syscall.Signal(1); sig <= 31; sig++ {
			if slices.Contains(spared, sig) {
				continue
			}
			r := state.Jobs[fmt.Sprint("signal", int(sig))].LastRun
			if r.Outcome != statefile.OutcomeSignaled || r.ExitCode != nil || r.Signal == nil || *r.Signal != spawn.SignalName(sig) {
				t.Errorf("signal %d: got %+v", sig, r)
			}
		}
		// As PID 1, the daemon also reaps the orphans, which may have just ended.
		s.waitFor("all zombies to be reaped", func() bool { return len(zombiesOf(s.daemonPID())) == 0 })
	})
}

// TestB41AtBootInContainer: if the daemon is PID 1 of a container, each start is a boot. Otherwise a new daemon is no
// boot.
func TestB41AtBootInContainer(t *testing.T) {
	inEnvironments(t, true, func(t *testing.T, s *server) {
		s.writeJobs("boot.toml", "cmd = [\"true\"]\nat_boot = true\n")
		boots := uint64(0)
		for range 2 {
			s.startReady()
			if boots == 0 || slices.Contains(s.wrap, "-p") {
				boots++
			}
			s.waitState("the boot run", func(state *statefile.State) bool {
				return state.Jobs["boot"].Runs == boots && len(state.Jobs["boot"].Running) == 0
			})
			s.terminate()
		}
		if n := s.readState().Jobs["boot"].Runs; n != boots {
			t.Errorf("got %d runs in %d boots, want one in each", n, boots)
		}
	})
}

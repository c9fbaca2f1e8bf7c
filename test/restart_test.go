package test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"jobsd/statefile"
)

// TestNoJobVanishes: at any moment, a reader finds all jobs in the state file, also while a daemon starts that knows
// only the running job so far. The reader never finds the new daemon together with the jobs of the previous one.
func TestNoJobVanishes(t *testing.T) {
	s := newServer(t)
	const jobs = 400
	for n := range jobs - 1 {
		s.writeJobs(fmt.Sprintf("j%d.toml", n), "every = \"1h\"\ncmd = [\"true\"]\n")
	}
	s.writeJobs("runs.toml", "cmd = [\"sleep\", \"999\"]\n")
	s.startReady()
	s.jobsd("start", "runs")
	was := s.waitState("it to run", func(state *statefile.State) bool { return pidsOf(state)["runs"] > 0 }).Daemon
	s.kill(syscall.SIGKILL)
	s.start()
	for {
		state := s.readState()
		if len(state.Jobs) != jobs {
			t.Fatalf("got %d jobs, want %d; the last load was at %s", len(state.Jobs), jobs, state.Daemon.Reload.At)
		}
		if state.Daemon.StartedAt.Time().Equal(was.StartedAt.Time()) {
			select {
			case <-s.done:
				t.Fatal("the daemon ended")
			default:
				continue
			}
		}
		if state.Daemon.Reload.At.IsZero() {
			t.Error("the daemon wrote its state before its first load was in force")
		}
		if r := state.Jobs["runs"].Running; len(r) != 1 || !r[0].Adopted {
			t.Errorf("got the runs %+v, want one that is adopted", r)
		}
		break
	}
	if said := s.jobsd("status"); !strings.Contains(said, fmt.Sprint(s.cmd.Process.Pid)) {
		t.Errorf("status: got %s, want the pid %d", said, s.cmd.Process.Pid)
	}
	s.jobsd("stop", "runs")
	s.terminate()
}

// TestEarlyClients: the new daemon serves clients also while the state file is still that of the previous daemon.
func TestEarlyClients(t *testing.T) {
	s := newServer(t)
	s.writeJobs("j.toml", "cmd = [\"true\"]\n")
	s.startReady()
	for _, ask := range [][]string{{"status"}, {"reload"}, {"start", "--wait", "j"}, {"start", "j"}} {
		s.kill(syscall.SIGKILL)
		s.start()
		s.waitFor("the daemon to have the lock", func() bool {
			text, _ := os.ReadFile(s.root + "/run/jobsd.pid")
			return strings.TrimSpace(string(text)) == fmt.Sprint(s.cmd.Process.Pid)
		})
		s.jobsd(ask...)
		if state := s.readState(); state.Daemon.PID != s.cmd.Process.Pid {
			t.Errorf("after %q: got the state file of pid %d, want %d", ask, state.Daemon.PID, s.cmd.Process.Pid)
		}
	}
	s.terminate()
}

// TestDirectoryAway: a daemon starts while the jobs directory is missing, for example because a disk is not mounted
// yet. It becomes ready, reports the problem, and shows the jobs that it knew.
func TestDirectoryAway(t *testing.T) {
	s := newServer(t)
	s.writeJobs("j.toml", "every = \"1h\"\ncmd = [\"true\"]\n")
	s.startReady()
	s.kill(syscall.SIGKILL)
	dir := s.root + "/jobs.d"
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	s.startReady()
	state := s.waitState("the report", func(state *statefile.State) bool { return len(state.Daemon.Degraded) > 0 })
	if j := state.Jobs["j"]; j == nil || j.State != "waiting" || !j.NextRun.IsZero() || len(state.Daemon.Reload.Errors) == 0 {
		t.Errorf("got %+v, %+v, want the job waiting without a next run, and an error of the load", state.Daemon, state.Jobs)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	s.jobsd("reload")
	s.waitState("the job to have a next run", func(state *statefile.State) bool {
		j := state.Jobs["j"]
		return len(state.Daemon.Degraded) == 0 && j != nil && !j.NextRun.IsZero()
	})
	s.terminate()
}

package test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"jobsd/statefile"
)

// TestNoJobVanishes: a reader that looks at any moment finds all jobs, also while a daemon begins that knows none of them
// yet but the one that runs. Nor does it find that daemon with the jobs of the one before it.
func TestNoJobVanishes(t *testing.T) {
	s := newSite(t)
	const jobs = 400
	for n := range jobs - 1 {
		s.write(fmt.Sprintf("j%d.toml", n), "every = \"1h\"\ncmd = [\"true\"]\n")
	}
	s.write("runs.toml", "cmd = [\"sleep\", \"999\"]\n")
	s.begin()
	s.tell("start", "runs")
	was := s.until("it to run", func(state *statefile.State) bool { return pids(state)["runs"] > 0 }).Daemon
	s.kill(syscall.SIGKILL)
	s.start()
	for {
		state := s.read()
		if len(state.Jobs) != jobs {
			t.Fatalf("there are %d jobs of %d, and the last load was at %s", len(state.Jobs), jobs, state.Daemon.Reload.At)
		}
		if state.Daemon.StartedAt.Equal(was.StartedAt.Time) {
			continue
		}
		if state.Daemon.Reload.At.IsZero() {
			t.Error("the daemon wrote its state before its first load was in force")
		}
		if r := state.Jobs["runs"].Running; len(r) != 1 || !r[0].Adopted {
			t.Errorf("what ran runs as %+v", r)
		}
		break
	}
	if said := s.tell("status"); !strings.Contains(said, fmt.Sprint(s.cmd.Process.Pid)) {
		t.Errorf("status: %s", said)
	}
	s.tell("stop", "runs")
	s.term()
}

// TestEarlyClients: a client that comes while the state file is still that of the daemon before is served by the new one.
func TestEarlyClients(t *testing.T) {
	s := newSite(t)
	s.write("j.toml", "cmd = [\"true\"]\n")
	s.begin()
	for _, ask := range [][]string{{"status"}, {"reload"}, {"start", "--wait", "j"}, {"start", "j"}} {
		s.kill(syscall.SIGKILL)
		s.start()
		s.awaits("the daemon to have the lock", func() bool {
			text, _ := os.ReadFile(s.root + "/run/jobsd.pid")
			return strings.TrimSpace(string(text)) == fmt.Sprint(s.cmd.Process.Pid)
		})
		s.tell(ask...)
		if state := s.read(); state.Daemon.PID != s.cmd.Process.Pid {
			t.Errorf("after %q the state file is of pid %d, not of %d", ask, state.Daemon.PID, s.cmd.Process.Pid)
		}
	}
	s.term()
}

// TestDirectoryAway: a daemon that begins while the jobs directory is away, such as a disk that is not mounted yet, is
// ready, says so, and shows the jobs that there were.
func TestDirectoryAway(t *testing.T) {
	s := newSite(t)
	s.write("j.toml", "every = \"1h\"\ncmd = [\"true\"]\n")
	s.begin()
	s.kill(syscall.SIGKILL)
	dir := s.root + "/jobs.d"
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	s.begin()
	state := s.until("it to say what is wrong", func(state *statefile.State) bool { return len(state.Daemon.Degraded) > 0 })
	if j := state.Jobs["j"]; j == nil || j.State != "waiting" || !j.NextRun.IsZero() || len(state.Daemon.Reload.Errors) == 0 {
		t.Errorf("%+v, %+v", state.Daemon, state.Jobs)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
	s.tell("reload")
	s.until("it to be well again", func(state *statefile.State) bool {
		j := state.Jobs["j"]
		return len(state.Daemon.Degraded) == 0 && j != nil && !j.NextRun.IsZero()
	})
	s.term()
}

package test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"jobsd/statefile"
)

// newServerWithoutBootID returns a server whose daemon cannot read the boot id of the kernel.
func newServerWithoutBootID(t *testing.T) *server {
	t.Helper()
	needRoot(t, "needs root, to hide the kernel's boot id")
	s := newServer(t)
	s.wrap = []string{"unshare", "-m", "sh", "-c", `mount --bind /dev/null /proc/sys/kernel/random/boot_id && exec "$@"`, "sh"}
	s.writeJobs("jobs.toml", `
[[jobs]]
name = "boot"
cmd = ["true"]
at_boot = true
[[jobs]]
name = "other"
cmd = ["true"]
[[jobs]]
name = "stays"
cmd = ["sleep", "1000"]
keep_alive = true
`)
	return s
}

// runOther starts a job by hand and waits for its end. By then the daemon has started the jobs with at_boot.
func (s *server) runOther() *statefile.State {
	s.t.Helper()
	s.jobsd("start", "--wait", "other")
	return s.waitState("the boot run to end and the service to run", func(state *statefile.State) bool {
		return len(state.Jobs["boot"].Running) == 0 && pidsOf(state)["stays"] > 0
	})
}

// TestBootUnknown: the daemon cannot tell one boot from another. It says so, starts no job by at_boot, and still adopts
// runs that are proven to be alive by their cgroup or their ownership tag.
func TestBootUnknown(t *testing.T) {
	t.Parallel()
	for _, cgroups := range []bool{true, false} {
		s := newServerWithoutBootID(t)
		if !cgroups {
			s.wrap[4] = "umount -R -l /sys/fs/cgroup && " + s.wrap[4]
		}
		s.startReady()
		state := s.runOther()
		stays := pidsOf(state)["stays"]
		if n := state.Jobs["boot"].Runs; n != 0 {
			t.Errorf("at_boot ran %d times, want 0: the boot is unknown", n)
		}
		said := func(text string) bool { return strings.Contains(text, "at_boot starts no job") }
		if !slices.ContainsFunc(state.Daemon.Degraded, said) {
			t.Errorf("got degraded %q, want a sentence about at_boot", state.Daemon.Degraded)
		}
		s.kill(syscall.SIGKILL)
		s.startReady()
		state = s.runOther()
		if j := state.Jobs["stays"]; pidsOf(state)["stays"] != stays || !j.Running[0].Adopted || j.Runs != 1 {
			t.Errorf("cgroups %t: pid %d was not adopted: got %+v, %d runs", cgroups, stays, j.Running[0], j.Runs)
		}
		if n := state.Jobs["boot"].Runs; n != 0 {
			t.Errorf("at_boot ran %d times after a crash, want 0", n)
		}
		s.terminate()
	}
}

// TestBootKept: without a boot id of the kernel, a file on a tmpfs tells boots apart.
func TestBootKept(t *testing.T) {
	t.Parallel()
	s := newServerWithoutBootID(t)
	run := filepath.Join(s.root, "run")
	mountSmall(t, run, "1m")
	for range 2 {
		s.startReady()
		state := s.runOther()
		if n := state.Jobs["boot"].Runs; n != 1 || len(state.Daemon.Degraded) > 0 {
			t.Errorf("at_boot ran %d times in one boot, want 1; degraded: %q", n, state.Daemon.Degraded)
		}
		s.terminate()
	}
	if err := os.Remove(filepath.Join(run, "boot_id")); err != nil { // as a boot does
		t.Fatal(err)
	}
	s.startReady()
	if n := s.runOther().Jobs["boot"].Runs; n != 2 {
		t.Errorf("at_boot ran %d times in two boots, want 2", n)
	}
	s.terminate()
}

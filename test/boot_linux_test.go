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

// bootless is a site whose daemon is not told by the kernel which boot it is.
func bootless(t *testing.T) *site {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to hide the kernel's boot id")
	}
	s := newSite(t)
	s.wrap = []string{"unshare", "-m", "sh", "-c", `mount --bind /dev/null /proc/sys/kernel/random/boot_id && exec "$@"`, "sh"}
	s.write("jobs.toml", `
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

// afterOther waits until a job ran that was started by hand: what at_boot has started is under way by then.
func (s *site) afterOther() *statefile.State {
	s.t.Helper()
	s.tell("start", "--wait", "other")
	return s.until("all but the service to be over", func(state *statefile.State) bool {
		return len(state.Jobs["boot"].Running) == 0 && pids(state)["stays"] > 0
	})
}

// TestBootUnknown: nothing tells one boot from another. The daemon says so, starts nothing by at_boot, and still adopts
// what its cgroup or its mark proves to be alive.
func TestBootUnknown(t *testing.T) {
	t.Parallel()
	for _, cgroups := range []bool{true, false} {
		s := bootless(t)
		if !cgroups {
			s.wrap[4] = "umount -R -l /sys/fs/cgroup && " + s.wrap[4]
		}
		s.begin()
		state := s.afterOther()
		stays := pids(state)["stays"]
		if n := state.Jobs["boot"].Runs; n != 0 {
			t.Errorf("at_boot ran %d times, in a boot that nobody can tell", n)
		}
		said := func(text string) bool { return strings.Contains(text, "at_boot starts no job") }
		if !slices.ContainsFunc(state.Daemon.Degraded, said) {
			t.Errorf("the state says of it %q", state.Daemon.Degraded)
		}
		s.kill(syscall.SIGKILL)
		s.begin()
		state = s.afterOther()
		if j := state.Jobs["stays"]; pids(state)["stays"] != stays || !j.Running[0].Adopted || j.Runs != 1 {
			t.Errorf("cgroups %t: pid %d was not adopted: %+v, %d runs", cgroups, stays, j.Running[0], j.Runs)
		}
		if n := state.Jobs["boot"].Runs; n != 0 {
			t.Errorf("at_boot ran %d times", n)
		}
		s.term()
	}
}

// TestBootKept: where the kernel does not tell which boot it is, a file on a tmpfs does.
func TestBootKept(t *testing.T) {
	t.Parallel()
	s := bootless(t)
	run := filepath.Join(s.root, "run")
	small(t, run, "1m")
	for range 2 {
		s.begin()
		state := s.afterOther()
		if n := state.Jobs["boot"].Runs; n != 1 || len(state.Daemon.Degraded) > 0 {
			t.Errorf("at_boot ran %d times in one boot; degraded: %q", n, state.Daemon.Degraded)
		}
		s.term()
	}
	if err := os.Remove(filepath.Join(run, "boot_id")); err != nil { // what a boot does to a tmpfs
		t.Fatal(err)
	}
	s.begin()
	if n := s.afterOther().Jobs["boot"].Runs; n != 2 {
		t.Errorf("at_boot ran %d times in two boots", n)
	}
	s.term()
}

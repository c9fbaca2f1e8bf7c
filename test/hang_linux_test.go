package test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"jobsd/internal/fusetest"
	"jobsd/statefile"
)

// TestA9Unkillable: a process of a run hangs in the kernel and survives KILL. The job is shown as unkillable and does not
// start again; everything else continues. Once the process is gone, so is the word.
func TestA9Unkillable(t *testing.T) {
	t.Parallel()
	dir, release := fusetest.Hang(t)
	s := newSite(t)
	s.write("stuck.toml", fmt.Sprintf("shell = \"cat %s/file\"\nstop_timeout = \"1s\"\n", dir))
	s.write("other.toml", "cmd = [\"true\"]\n")
	s.begin()
	s.tell("start", "stuck")
	s.populated("stuck", 2)
	stop := exec.Command(s.path(), "--root", s.root, "stop", "stuck")
	if err := stop.Start(); err != nil {
		t.Fatal(err)
	}
	s.until("the job to be unkillable", func(state *statefile.State) bool { return state.Jobs["stuck"].Unkillable })
	if list := s.tell("list"); !strings.Contains(list, "unkillable") {
		t.Errorf("list does not show unkillable:\n%s", list)
	}
	s.tell("start", "--wait", "other")
	s.tell("reload")
	s.tell("start", "stuck")
	s.until("the next run to wait", func(state *statefile.State) bool {
		r := state.Jobs["stuck"].Running
		return len(r) == 2 && r[1].State == "pending" && r[1].Why != nil && *r[1].Why == statefile.WhyDraining
	})
	release()
	if err := stop.Wait(); err != nil {
		t.Error("stop: ", err)
	}
	s.until("the process to be gone", func(state *statefile.State) bool {
		j := state.Jobs["stuck"]
		return !j.Unkillable && j.Runs == 2 && len(j.Running) == 0
	})
	s.term()
}

// TestA15HungDirectory: a job with a directory or program on a file system that hangs delays no other job.
func TestA15HungDirectory(t *testing.T) {
	t.Parallel()
	dir, release := fusetest.Hang(t)
	s := newSite(t)
	s.write("stuck.toml", fmt.Sprintf("cmd = [\"true\"]\ndir = %q\n", dir+"/sub"))
	s.write("program.toml", fmt.Sprintf("cmd = [%q]\n", dir+"/program"))
	s.write("other.toml", "cmd = [\"true\"]\n")
	s.begin()
	s.tell("start", "stuck")
	s.tell("start", "program")
	s.tell("start", "--wait", "other")
	s.tell("reload")
	s.until("the start to hang", func(state *statefile.State) bool {
		r := state.Jobs["stuck"].Running
		return len(r) == 1 && r[0].State == "starting" && r[0].PID != nil
	})
	state := s.until("both to be unkillable", func(state *statefile.State) bool {
		return state.Jobs["stuck"].Unkillable && state.Jobs["program"].Unkillable
	})
	for _, job := range []string{"stuck", "program"} {
		if r := state.Jobs[job].LastRun; r == nil || r.Outcome != statefile.OutcomeStartError || r.StartError.Stage != "timeout" {
			t.Errorf("%s: got %+v, want a start error at the stage timeout", job, r)
		}
	}
	release()
	s.until("their shims to be gone", func(state *statefile.State) bool {
		return len(state.Jobs["stuck"].Running) == 0 && len(state.Jobs["program"].Running) == 0
	})
	s.term()
}

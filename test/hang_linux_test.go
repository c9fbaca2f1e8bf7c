package test

import (
	"fmt"
	"strings"
	"testing"

	"jobsd/internal/fusetest"
	"jobsd/statefile"
)

// TestA9Unkillable: a process of a run hangs in the kernel and survives KILL. The job is shown as unkillable and does
// not start again; everything else continues. Once the process is gone, so is the word.
func TestA9Unkillable(t *testing.T) {
	t.Parallel()
	dir, release := fusetest.Hang(t)
	s := newServer(t)
	s.writeJobs("stuck.toml", fmt.Sprintf("shell = \"cat %s/file\"\nstop_timeout = \"1s\"\n", dir))
	s.writeJobs("other.toml", "cmd = [\"true\"]\n")
	s.startReady()
	s.jobsd("start", "stuck")
	s.waitProcesses("stuck", 2)
	stop := s.command("stop", "stuck")
	if err := stop.Start(); err != nil {
		t.Fatal(err)
	}
	s.waitState("the job to be unkillable", func(state *statefile.State) bool { return state.Jobs["stuck"].Unkillable })
	if list := s.jobsd("list"); !strings.Contains(list, "unkillable") {
		t.Errorf("list does not show unkillable:\n%s", list)
	}
	s.jobsd("start", "--wait", "other")
	s.jobsd("reload")
	s.jobsd("start", "stuck")
	s.waitState("the next run to wait", func(state *statefile.State) bool {
		r := state.Jobs["stuck"].Running
		return len(r) == 2 && r[1].State == statefile.RunPending && r[1].Why != nil && *r[1].Why == statefile.WhyDraining
	})
	release()
	if err := stop.Wait(); err != nil {
		t.Error("stop: ", err)
	}
	s.waitState("the process to be gone", func(state *statefile.State) bool {
		j := state.Jobs["stuck"]
		return !j.Unkillable && j.Runs == 2 && len(j.Running) == 0
	})
	s.terminate()
}

// TestA15HungDirectory: a job with a directory or program on a file system that hangs delays no other job.
func TestA15HungDirectory(t *testing.T) {
	t.Parallel()
	dir, release := fusetest.Hang(t)
	s := newServer(t)
	s.writeJobs("stuck.toml", fmt.Sprintf("cmd = [\"true\"]\ndir = %q\n", dir+"/sub"))
	s.writeJobs("program.toml", fmt.Sprintf("cmd = [%q]\n", dir+"/program"))
	s.writeJobs("other.toml", "cmd = [\"true\"]\n")
	s.startReady()
	s.jobsd("start", "stuck")
	s.jobsd("start", "program")
	s.jobsd("start", "--wait", "other")
	s.jobsd("reload")
	s.waitState("the start to hang", func(state *statefile.State) bool {
		r := state.Jobs["stuck"].Running
		return len(r) == 1 && r[0].State == statefile.RunStarting && r[0].PID != nil
	})
	state := s.waitState("both to be unkillable", func(state *statefile.State) bool {
		return state.Jobs["stuck"].Unkillable && state.Jobs["program"].Unkillable
	})
	for _, job := range []string{"stuck", "program"} {
		if r := state.Jobs[job].LastRun; r == nil || r.Outcome != statefile.OutcomeStartError || r.StartError.Stage != "timeout" {
			t.Errorf("%s: got %+v, want a start error at the stage timeout", job, r)
		}
	}
	release()
	s.waitState("their shims to be gone", func(state *statefile.State) bool {
		return len(state.Jobs["stuck"].Running) == 0 && len(state.Jobs["program"].Running) == 0
	})
	s.terminate()
}

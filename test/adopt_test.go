package test

import (
	"slices"
	"strings"
	"syscall"
	"testing"

	"jobsd/statefile"
)

// TestStopOutlivesDaemon: a daemon is killed in the middle of stops. The next daemon finishes them. No process of a
// stopped run survives, whether its leader is alive or not. A job that keeps its leftovers still keeps them.
func TestStopOutlivesDaemon(t *testing.T) {
	inEnvironments(t, true, func(t *testing.T, s *server) {
		if slices.Contains(s.wrap, "-p") {
			t.Skip("all processes end with PID 1")
		}
		jobs := `
[[jobs]]
name = "deaf"
stop_timeout = "1h"
shell = "trap '' TERM; setsid sleep 1000 & sleep 1000; sleep 1000"
[[jobs]]
name = "gone"
stop_timeout = "1h"
shell = "(trap '' TERM; setsid sh -c 'sleep 1000; sleep 1000' &) ; sleep 1000"
[[jobs]]
name = "drains"
stop_timeout = "1h"
shell = "(trap '' TERM; : >$JOBSD_ROOT/deaf; sleep 1000; sleep 1000) & until [ -e $JOBSD_ROOT/deaf ]; do sleep 0.01; done"
[[jobs]]
name = "keeps"
leftovers = "keep"
shell = "sleep 1000 &"
`
		s.writeJobs("jobs.toml", jobs)
		s.startReady()
		for job, n := range map[string]int{"deaf": 3, "gone": 4} {
			s.jobsd("start", job)
			s.waitProcesses(job, n)
		}
		s.jobsd("start", "drains")
		s.jobsd("start", "keeps")
		for _, job := range []string{"deaf", "gone"} {
			stop := s.command("stop", job)
			if err := stop.Start(); err != nil {
				t.Fatal(err)
			}
			defer stop.Wait()
		}
		s.waitState("the stops to begin", func(state *statefile.State) bool {
			return slices.Equal(runStates(state, "deaf"), []statefile.RunState{statefile.RunStopping}) &&
				slices.Equal(runStates(state, "gone"), []statefile.RunState{statefile.RunDraining}) &&
				slices.Equal(runStates(state, "drains"), []statefile.RunState{statefile.RunDraining}) && state.Jobs["keeps"].LastRun != nil
		})
		s.kill(syscall.SIGKILL)
		left := []int{len(processesOf(t, s.root, "deaf")), len(processesOf(t, s.root, "gone")), len(processesOf(t, s.root, "drains"))}
		if slices.Contains(left, 0) {
			t.Fatalf("the killed daemon left %v processes of the three jobs, want some of each", left)
		}
		s.writeJobs("jobs.toml", strings.ReplaceAll(jobs, "1h", "1s")) // the next daemon stops runs as the file says then
		s.startReady()
		for _, job := range []string{"deaf", "gone", "drains"} {
			s.waitState(job+" to be over", func(state *statefile.State) bool { return len(state.Jobs[job].Running) == 0 })
			s.waitProcesses(job, 0)
		}
		for _, job := range []string{"deaf", "gone"} {
			if r := s.waitLastRun(job); r.Outcome != statefile.OutcomeStopped || r.By == nil {
				t.Errorf("%s: got %+v, want the outcome stopped, by a person", job, r)
			}
		}
		for _, pid := range s.waitProcesses("keeps", 1) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		s.waitProcesses("keeps", 0)
	})
}

package test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"jobsd/statefile"
)

// TestA20FloodOfHUPs sends HUPs as fast as possible while short jobs run. The last reload sees the last change, and
// TERM is obeyed. With -long, there are 100,000 HUPs in 5 s, and 1,000 jobs.
func TestA20FloodOfHUPs(t *testing.T) {
	jobs, hups, during := 50, 5000, time.Second
	if *long {
		jobs, hups, during = 1000, 100_000, 5*time.Second
	}
	s := newServer(t)
	at := time.Now().Add(during / 2).UTC().Format(time.RFC3339)
	for n := range jobs {
		s.writeJobs(fmt.Sprintf("j%d.toml", n), fmt.Sprintf("at = %q\nshell = \"exit %d\"\n", at, n%200))
	}
	s.writeJobs("last.toml", "cmd = [\"true\"]\n")
	s.start()
	before := s.waitReady().Daemon.Reload
	pause := during / time.Duration(hups/100)
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for n := range hups {
		if n%100 == 0 {
			<-tick.C
		}
		if n == hups-1 {
			s.writeJobs("last.toml", "cmd = [\"false\"]\ndescription = \"changed\"\nat = \"2099-01-01 00:00\"\n")
		}
		if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	state := s.waitState("the last change to be in force and all jobs to end", func(state *statefile.State) bool {
		ended := 0
		for _, j := range state.Jobs {
			if j.LastRun != nil {
				ended++
			}
		}
		return !state.Jobs["last"].NextRun.IsZero() && ended == jobs
	})
	if state.Daemon.Reload.Begun <= before.Begun {
		t.Error("got no reload, want at least one")
	}
	for n := range jobs {
		name := fmt.Sprintf("j%d", n)
		if r := state.Jobs[name].LastRun; r.Outcome != statefile.OutcomeExited || *r.ExitCode != n%200 {
			t.Errorf("%s: got %+v, want exit code %d", name, r, n%200)
		}
	}
	reloads := 0
	for e, err := range statefile.History(filepath.Join(s.root, "state")) {
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind() == "reloaded" {
			reloads++
		}
	}
	began := time.Now()
	s.kill(syscall.SIGTERM)
	t.Logf("%d HUPs: %d reloads; TERM obeyed after %v", hups, reloads, time.Since(began).Round(time.Millisecond))
	if reloads > hups/10 {
		t.Errorf("got %d reloads for %d HUPs, want them merged", reloads, hups)
	}
}

// TestKilled kills the daemon at random moments. The state file is valid each time, and no counter goes back. A state
// file made from the journal alone is the same as before. With -long, the test kills 100 times.
func TestKilled(t *testing.T) {
	laps := 8
	if *long {
		laps = 100
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	s := newServer(t)
	for n := range 10 {
		s.writeJobs(fmt.Sprintf("j%d.toml", n), fmt.Sprintf("every = \"1s\"\nshell = \"sleep 0.%d; exit %d\"\n", n, n%2))
	}
	last := map[string]*statefile.Job{}
	for lap := range laps {
		s.start()
		if lap%2 == 0 {
			s.waitReady()
		}
		<-time.After(time.Duration(rng.IntN(1500)) * time.Millisecond) // the random moment
		s.kill(syscall.SIGKILL)
		state := s.readState()
		if state == nil {
			continue
		}
		for name, j := range state.Jobs {
			if was := last[name]; was != nil && (j.Runs < was.Runs || j.Failures < was.Failures || j.Missed < was.Missed ||
				was.LastRun != nil && j.LastRun.Run < was.LastRun.Run) {
				t.Fatalf("lap %d: a counter of %s went back: got %+v, before %+v", lap, name, j, was)
			}
		}
		last = state.Jobs
	}
	checkNoSlotTwice(t, s)

	// Now no job is due or runs, so the journal must give the same state as the state file.
	for n := range 10 {
		s.writeJobs(fmt.Sprintf("j%d.toml", n), fmt.Sprintf("at = \"2099-01-0%d 00:00\"\ncmd = [\"true\"]\n", n%9+1))
	}
	s.start()
	s.waitReady()
	idle := s.waitState("the jobs to end", func(state *statefile.State) bool {
		for _, j := range state.Jobs {
			if len(j.Running) > 0 || j.LastRun != nil && j.LastRun.Output == nil {
				return false
			}
		}
		return true
	})
	s.kill(syscall.SIGKILL)
	if err := os.Remove(filepath.Join(s.root, "state", "state.json")); err != nil {
		t.Fatal(err)
	}
	s.start()
	rebuilt := s.waitReady()
	if !reflect.DeepEqual(jobsAsJSON(t, idle.Jobs), jobsAsJSON(t, rebuilt.Jobs)) {
		t.Errorf("state from the journal: got %v\nwant %v", jobsAsJSON(t, rebuilt.Jobs), jobsAsJSON(t, idle.Jobs))
	}
	s.kill(syscall.SIGTERM)
}

// jobsAsJSON returns the states of jobs as JSON.
func jobsAsJSON(t *testing.T, jobs map[string]*statefile.Job) map[string]string {
	all := map[string]string{}
	for name, j := range jobs {
		text, err := json.Marshal(j)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = string(text)
	}
	return all
}

// checkNoSlotTwice checks in the journal that no slot was executed twice.
func checkNoSlotTwice(t *testing.T, s *server) {
	started, slots := map[uint64]string{}, map[string]uint64{}
	for e, err := range statefile.History(filepath.Join(s.root, "state")) {
		if err != nil {
			t.Fatal(err)
		}
		switch r := e.Record.(type) {
		case *statefile.Intent:
			started[r.Run] = fmt.Sprint(r.Job, r.Slot.Time().UTC(), r.Epoch)
		case *statefile.Started:
			slot := started[r.Run]
			if first := slots[slot]; first != 0 {
				t.Errorf("slot %s was executed twice, by run %d and run %d", slot, first, r.Run)
			}
			slots[slot] = r.Run
		}
	}
	t.Logf("%d slots executed, none twice", len(slots))
}

type processUsage struct{ ns, switches, rss int }

// usageOf returns what a process has used: CPU time and context switches of all threads, and memory in KiB.
func usageOf(t *testing.T, pid int) processUsage {
	var c processUsage
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		t.Skip("no /proc: ", err)
	}
	for _, task := range tasks {
		dir := fmt.Sprintf("/proc/%d/task/%s/", pid, task.Name())
		var ran, waited, slices int
		sched, _ := os.ReadFile(dir + "schedstat")
		fmt.Sscan(string(sched), &ran, &waited, &slices)
		c.ns += ran
		status, _ := os.ReadFile(dir + "status")
		c.rss = statusField(string(status), "VmRSS:")
		c.switches += statusField(string(status), "voluntary_ctxt_switches:") + statusField(string(status), "nonvoluntary_ctxt_switches:")
	}
	return c
}

// recorderUsage returns what the recorder of the daemon has used so far, nothing if there is none yet.
func (s *server) recorderUsage() processUsage {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", s.daemonPID()))
	if err != nil {
		s.t.Skip("the kernel does not list the children of a process: ", err)
	}
	for child := range strings.FieldsSeq(string(text)) {
		pid, _ := strconv.Atoi(child)
		if command, _ := os.ReadFile("/proc/" + child + "/cmdline"); strings.HasPrefix(string(command), "jobsd:recorder\x00") {
			return usageOf(s.t, pid)
		}
	}
	return processUsage{}
}

// statusField returns a number from a status file of /proc.
func statusField(status, name string) (n int) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			fmt.Sscan(rest, &n)
		}
	}
	return n
}

// TestA21ManyShortJobs runs many short jobs as fast as possible, in a storm of signals. Every outcome is right, and no
// zombie is left. With -long, there are 10,000 jobs and no storm, which would count as cost of the jobs.
func TestA21ManyShortJobs(t *testing.T) {
	jobs := 400
	if *long {
		jobs = 10_000
	}
	s := newServer(t)
	var b strings.Builder
	at := time.Now().Add(3 * time.Second).UTC().Format(time.RFC3339)
	for n := range jobs {
		fmt.Fprintf(&b, "[[jobs]]\nname = \"j%d\"\nat = %q\ncmd = [\"sh\", \"-c\", \"exit %d\"]\nsuccess_codes = [%d]\n", n, at, n%256, n%256)
		if n%500 == 499 || n == jobs-1 {
			s.writeJobs(fmt.Sprintf("f%d.toml", n/500), b.String())
			b.Reset()
		}
	}
	s.start()
	s.waitReady()
	before := usageOf(t, s.daemonPID())
	began := time.Now()
	all := func(state *statefile.State) bool {
		for _, j := range state.Jobs {
			if j.LastRun == nil {
				return false
			}
		}
		return true
	}
	var storm sync.WaitGroup
	stop := make(chan struct{})
	if !*long {
		daemon := s.cmd.Process
		storm.Go(func() {
			for tick := time.NewTicker(time.Millisecond); ; {
				select {
				case <-stop:
					return
				case <-tick.C:
					daemon.Signal(syscall.SIGUSR1)
					daemon.Signal(syscall.SIGUSR2)
				}
			}
		})
	}
	state := s.waitState("all to have ended", all)
	close(stop)
	storm.Wait()
	after := usageOf(t, s.daemonPID())
	var first, last time.Time
	for name, j := range state.Jobs {
		n, _ := strconv.Atoi(name[1:])
		if r := j.LastRun; r.Outcome != statefile.OutcomeExited || *r.ExitCode != n%256 || j.Runs != 1 || j.Failures != 0 {
			t.Errorf("%s: got %+v, %d runs, %d failures, want exit code %d, 1 run, no failure", name, r, j.Runs, j.Failures, n%256)
		}
		if at := j.LastRun.StartedAt.Time(); first.IsZero() || at.Before(first) {
			first = at
		}
		if at := j.LastRun.EndedAt.Time(); at.After(last) {
			last = at
		}
	}
	if zombies := zombiesOf(s.daemonPID()); len(zombies) > 0 {
		t.Errorf("got the zombies %v, want none", zombies)
	}
	t.Logf("%d jobs in %v, %.0f us of the daemon's own CPU each; RSS %.1f MB before, %.1f MB after; seen after %v", jobs,
		last.Sub(first).Round(time.Millisecond), float64(after.ns-before.ns)/1000/float64(jobs), float64(before.rss)/1024,
		float64(after.rss)/1024, time.Since(began).Round(time.Millisecond))
	s.kill(syscall.SIGTERM)
}

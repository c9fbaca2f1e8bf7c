package test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"jobsd/internal/cli"
	"jobsd/runner"
	"jobsd/statefile"
)

// slowUpgrade is an environment variable with a directory. A program that takes over in an upgrade first writes the
// file "go" there. Then it waits until the processes that the file "ending" lists have ended, and sends itself several
// signals.
const slowUpgrade = "TEST_UPGRADES_SLOWLY"

// jobsdMain is jobsd as the tests run it.
func jobsdMain() {
	useDisk()
	usePauses()
	if at := os.Getenv(dieAt); at != "" {
		runner.Failpoint = failpoint(at)
	}
	if at := os.Getenv(waitAt); at != "" {
		runner.Failpoint = waitpoint(at)
	}
	if dir := os.Getenv(slowUpgrade); dir != "" {
		runner.Failpoint = func(at string) {
			if at == "handover" {
				upgradeSlowly(dir)
			}
		}
	}
	os.Exit(cli.Main(os.Args[1:]))
}

func upgradeSlowly(dir string) {
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o644); err != nil {
		panic(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "ending"))
	if err != nil {
		panic(err)
	}
	for pid := range strings.Lines(string(text)) {
		for {
			status, err := os.ReadFile("/proc/" + strings.TrimSpace(pid) + "/status")
			if err != nil {
				panic(err)
			}
			if strings.Contains(string(status), "State:\tZ") {
				break
			}
		}
	}
	for _, sig := range []syscall.Signal{syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2} {
		syscall.Kill(os.Getpid(), sig)
	}
	if _, err := os.Stat(filepath.Join(dir, "term")); err == nil {
		syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}
}

// TestA38UpgradeKeepsJobs: fifty jobs run, and five of them end before the new program looks at its children. The
// daemon and the jobs keep their pids, and all five exit codes are right. The output of a job has no gap, and a client
// that waits for a run still waits.
func TestA38UpgradeKeepsJobs(t *testing.T) {
	t.Parallel()
	s, program := newInstalledServer(t)
	s.env = append(s.env, slowUpgrade+"="+s.root)
	var jobs strings.Builder
	for n := range 44 {
		fmt.Fprintf(&jobs, "[[jobs]]\nname = \"service%d\"\nkeep_alive = true\ncmd = [\"sleep\", \"1000\"]\n", n)
	}
	for n := 1; n <= 5; n++ {
		fmt.Fprintf(&jobs, "[[jobs]]\nname = \"ends%d\"\nat_boot = true\nsuccess_codes = [%d]\nshell = \"while [ ! -e %s/go ]; do sleep 0.01; done; exit %d\"\n", n, n, s.root, n)
	}
	fmt.Fprintf(&jobs, "[[jobs]]\nname = \"writes\"\nshell = \"i=0; while [ ! -e %s/enough ]; do i=$((i+1)); echo $i; done; echo end; exit 3\"\n", s.root)
	s.writeJobs("jobs.toml", jobs.String())
	s.startReady()
	waiter := exec.Command(program, "--root", s.root, "start", "--wait", "writes")
	var heard strings.Builder
	waiter.Stdout = &heard
	if err := waiter.Start(); err != nil {
		t.Fatal(err)
	}
	before := s.waitState("fifty jobs to run", func(state *statefile.State) bool { return len(pidsOf(state)) == 50 })
	was := pidsOf(before)
	var ending strings.Builder
	for n := 1; n <= 5; n++ {
		fmt.Fprintln(&ending, was[fmt.Sprint("ends", n)])
	}
	writeFile(t, filepath.Join(s.root, "ending"), ending.String())
	out, err := exec.Command(program, "--root", s.root, "upgrade", "--wait").CombinedOutput()
	if said := string(out); err != nil || !strings.HasPrefix(said, "upgraded from ") {
		t.Errorf("upgrade: got %q, %v, want \"upgraded from\"", said, err)
	}
	after := s.waitState("five to have ended", func(state *statefile.State) bool { return len(pidsOf(state)) == 45 })
	if after.Daemon.PID != before.Daemon.PID || after.Daemon.Upgrades != 1 || after.Daemon.UncleanRestarts != 0 {
		t.Errorf("got the daemon %+v, want pid %d and one upgrade", after.Daemon, before.Daemon.PID)
	}
	for name, pid := range pidsOf(after) {
		if was[name] != pid || after.Jobs[name].Running[0].Adopted {
			t.Errorf("%s: got %+v, want pid %d, not adopted", name, after.Jobs[name].Running[0], was[name])
		}
	}
	for n := 1; n <= 5; n++ {
		r := after.Jobs[fmt.Sprint("ends", n)].LastRun
		if r == nil || r.ExitCode == nil || *r.ExitCode != n || after.Jobs[fmt.Sprint("ends", n)].Failures != 0 {
			t.Errorf("ends%d: got %+v, want exit code %d", n, r, n)
		}
	}
	writeFile(t, filepath.Join(s.root, "enough"), "")
	if waiter.Wait(); waiter.ProcessState.ExitCode() != 3 {
		t.Errorf("start --wait: got exit code %d, want 3", waiter.ProcessState.ExitCode())
	}
	lines := strings.Split(strings.TrimSpace(heard.String()), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.HasPrefix(line, "== run ") })
	for i, line := range lines[:len(lines)-1] {
		if line != fmt.Sprint(i+1) {
			t.Fatalf("line %d of the job: got %q, want the number", i+1, line)
		}
	}
	if lines[len(lines)-1] != "end" {
		t.Errorf("the last line: got %q, want \"end\"", lines[len(lines)-1])
	}
	s.terminate()
}

// TestA38TermDuringUpgrade: the new program obeys a TERM that came in the middle of the upgrade.
func TestA38TermDuringUpgrade(t *testing.T) {
	t.Parallel()
	s, program := newInstalledServer(t)
	s.env = append(s.env, slowUpgrade+"="+s.root)
	for _, file := range []string{"ending", "term"} {
		writeFile(t, filepath.Join(s.root, file), "")
	}
	s.writeJobs("a.toml", "cmd = [\"sleep\", \"1000\"]\nkeep_alive = true\n")
	s.startReady()
	s.waitState("a to run", func(state *statefile.State) bool { return len(pidsOf(state)) == 1 })
	if out, err := exec.Command(program, "--root", s.root, "upgrade").CombinedOutput(); err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	<-s.done
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the daemon: got exit code %d, want 0", code)
	}
	s.cmd = nil
	if left := processesOf(t, s.root, ""); len(left) > 0 {
		t.Errorf("got the processes %v of jobs, want none", left)
	}
	if d := s.readState().Daemon; d.Upgrades != 1 {
		t.Errorf("got %d upgrades, want 1: %+v", d.Upgrades, d)
	}
}

// TestA38UpgradeLosesNothing: an upgrade is refused while a restart waits. It works if the state directory or the
// socket was removed before, and jobs stay.
func TestA38UpgradeLosesNothing(t *testing.T) {
	t.Parallel()
	s, program := newInstalledServer(t)
	s.exe, s.env = program, []string{"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH")}
	s.writeJobs("web.toml", "cmd = [\"sleep\", \"1000\"]\nkeep_alive = true\n")
	s.writeJobs("slow.toml", "shell = \"trap 'while [ ! -e "+s.root+"/go ]; do sleep 0.01; done; exit 0' TERM; sleep 1000 & wait\"\nstop_timeout = \"1m\"\n")
	s.startReady()
	web := s.waitProcesses("web", 1)
	s.jobsd("start", "slow")
	s.waitProcesses("slow", 2)
	s.jobsd("restart", "slow")
	if out, err := exec.Command(program, "--root", s.root, "upgrade").CombinedOutput(); err == nil || !strings.Contains(string(out), "is still waiting") {
		t.Errorf("upgrade during a restart: got %v, %s, want \"is still waiting\"", err, out)
	}
	writeFile(t, filepath.Join(s.root, "go"), "")
	s.waitState("the restart", func(state *statefile.State) bool {
		j := state.Jobs["slow"]
		return j.LastRun != nil && len(j.Running) == 1 && j.Running[0].State == statefile.RunRunning
	})
	for _, lost := range []string{"state", "run/jobsd.sock"} {
		conn := s.dial()
		if err := os.RemoveAll(filepath.Join(s.root, lost)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(conn, `{"version":1,"verb":"upgrade"}`)
		io.Copy(io.Discard, conn) // until the exec of the new program
		s.waitState("the new program", func(state *statefile.State) bool { return state.Daemon.Reload.Done > 0 })
		s.jobsd("reload")
		if now := s.waitProcesses("web", 1); now[0] != web[0] {
			t.Errorf("without %s: got the processes %d of web, want %d", lost, now, web)
		}
	}
	s.terminate()
}

// TestA38UpgradeRefused: the daemon refuses a program that cannot or must not take over, and continues unchanged.
func TestA38UpgradeRefused(t *testing.T) {
	t.Parallel()
	s, program := newInstalledServer(t)
	s.writeJobs("a.toml", "cmd = [\"sleep\", \"1000\"]\nkeep_alive = true\n")
	s.startReady()
	was := s.waitState("a to run", func(state *statefile.State) bool { return len(pidsOf(state)) == 1 })
	refused := func(what, why string) {
		t.Helper()
		out, err := exec.Command(program, "--root", s.root, "upgrade", "--wait").CombinedOutput()
		if err == nil || !strings.Contains(string(out), why) {
			t.Errorf("upgrade to %s: got %v, %s, want %q", what, err, out, why)
		}
		if out, err := exec.Command(program, "--root", s.root, "reload").CombinedOutput(); err != nil {
			t.Errorf("reload after an upgrade to %s: %v, %s", what, err, out)
		}
		now := s.readState()
		if now.Daemon.PID != was.Daemon.PID || now.Daemon.Upgrades != 0 || pidsOf(now)["a"] != pidsOf(was)["a"] {
			t.Errorf("upgrade to %s: got the daemon %+v and the jobs %v, want both unchanged", what, now.Daemon, pidsOf(now))
		}
	}
	s.install("#!/bin/sh\necho oops; exit 3\n")
	refused("a broken program", "exited 3 when asked for its version: oops")
	s.install("#!/bin/sh\nsleep 1000 &\necho oops; exit 3\n")
	refused("a broken program that leaves a process behind", "exited 3 when asked for its version: oops")
	s.install("no program")
	refused("a text file", "cannot upgrade: cannot start: "+s.exe+" is neither a program for this machine nor a script")
	s.install("#!/bin/sh\nkill -SEGV $$\n")
	refused("a program that crashes", "died of SEGV")
	s.install("#!/bin/sh\necho '{\"version\":\"0.0.1\",\"state_version\":0,\"handover\":1}'\n")
	refused("an older program", "version 0.0.1 cannot read")
	s.install("#!/bin/sh\nexec " + program + " \"$@\"\n")
	os.Chmod(s.exe, 0o777)
	refused("a program that others can write", "can be written by")
	os.Chmod(s.exe, 0o644)
	refused("a program that nobody can execute", "chmod +x")
	os.Remove(s.exe)
	refused("a program that was removed", "no such file")
	s.install("#!/bin/sh\nsleep 1000\n")
	refused("a program that does not answer", "died of KILL")
	s.writeJobs("../jobsd.toml", "nonsense = 1\n")
	s.install("#!/bin/sh\nexec " + program + " \"$@\"\n")
	out, err := exec.Command(program, "--root", s.root, "upgrade").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "nonsense") {
		t.Errorf("upgrade with a mistake in jobsd.toml: got %v, %s, want an error about \"nonsense\"", err, out)
	}
	os.Remove(filepath.Join(s.root, "jobsd.toml"))
	// This program answers, but is gone before the exec. By then the daemon has released its jobs, and must take them
	// back.
	s.install(fmt.Sprintf("#!/bin/sh\nrm %s; exec %s \"$@\"\n", s.exe, program))
	refused("a program that vanishes", "continues with the old one")
	syscall.Kill(pidsOf(was)["a"], syscall.SIGKILL)
	s.waitState("a new life of a", func(state *statefile.State) bool {
		pid := pidsOf(state)["a"]
		return pid != 0 && pid != pidsOf(was)["a"]
	})
	s.terminate()
}

// TestA38ManyUpgrades: many upgrades in a row, while a service ends and restarts all the time. No exit code is lost.
func TestA38ManyUpgrades(t *testing.T) {
	t.Parallel()
	times := 10
	if *long {
		times = 100
	}
	s, program := newInstalledServer(t)
	s.exe, s.env = program, []string{"PATH=" + filepath.Dir(program) + ":" + os.Getenv("PATH")}
	s.writeJobs("jobs.toml", `
[[jobs]]
name = "stays"
keep_alive = true
cmd = ["sleep", "1000"]
[[jobs]]
name = "comes"
keep_alive = {delay = "1ms", max_delay = "1ms"}
shell = "sleep 0.02; exit 5"
`)
	s.startReady()
	was := s.waitState("it to run", func(state *statefile.State) bool { return pidsOf(state)["stays"] != 0 })
	for range times {
		runs := s.readState().Jobs["comes"].Runs
		s.waitState("comes to run again", func(state *statefile.State) bool { return state.Jobs["comes"].Runs > runs })
		s.jobsd("upgrade", "--wait")
	}
	s.terminate()
	state := s.readState()
	if state.Daemon.PID != was.Daemon.PID || state.Daemon.Upgrades != uint64(times) || state.Jobs["stays"].Runs != 1 {
		t.Errorf("got the daemon %+v and %d runs of stays, want pid %d, %d upgrades and 1 run", state.Daemon, state.Jobs["stays"].Runs, was.Daemon.PID, times)
	}
	lives := 0
	for e, err := range statefile.History(filepath.Join(s.root, "state"), "comes") {
		if err != nil {
			t.Fatal(err)
		}
		r, ok := e.Record.(*statefile.Ended)
		if !ok || r.Outcome.Outcome == statefile.OutcomeStopped {
			continue
		}
		if lives++; r.Outcome.Outcome != statefile.OutcomeExited || *r.Outcome.ExitCode != 5 {
			t.Errorf("run %d: got %+v, want exit code 5", r.Outcome.Run, r.Outcome)
		}
	}
	t.Logf("%d upgrades, %d runs of a short service", times, lives)
	if lives < times {
		t.Errorf("got %d runs of the short service in %d upgrades, want at least one for each", lives, times)
	}
}

package test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/spawn"
	"jobsd/statefile"
)

// TestA2EndedWithoutDaemon: of fifty runs, ten end while neither a daemon nor a recorder runs. Their outcome is lost. The
// services among them run again, the scheduled jobs do not. The next daemon adopts the other forty.
func TestA2EndedWithoutDaemon(t *testing.T) {
	needLinux(t, "looks for processes in /proc")
	t.Parallel()
	s := newServer(t)
	mails := filepath.Join(s.root, "mails")
	writeFile(t, filepath.Join(s.root, "jobsd.toml"),
		fmt.Sprintf("[mail]\nsendmail = [\"sh\", \"-c\", 'cat >>%s']\nto = [\"a@example.org\"]\n", mails))
	var b strings.Builder
	at := time.Now().Add(2 * time.Second).UTC().Format(time.RFC3339)
	for n := range 25 {
		fmt.Fprintf(&b, "[[jobs]]\nname = \"s%d\"\nkeep_alive = true\ncmd = [\"sleep\", \"1000\"]\n", n)
		fmt.Fprintf(&b, "[[jobs]]\nname = \"j%d\"\nat = %q\ncmd = [\"sleep\", \"1000\"]\n", n, at)
	}
	s.writeJobs("jobs.toml", b.String())
	// The init process of this machine may be slow to reap orphans, and until then the daemon could read their exit
	// codes.
	misbehave := ownProgram(t, "misbehave")
	s.wrap = []string{misbehave, "nest"}
	s.start()
	nest := s.cmd.Process
	before := s.waitState("all to run", func(state *statefile.State) bool {
		for name := range state.Jobs {
			if got := runStates(state, name); len(got) != 1 || got[0] != statefile.RunRunning {
				return false
			}
		}
		return true
	})
	recorder := s.recorderOf()
	if recorder == 0 {
		t.Fatal("the daemon has no recorder")
	}
	for _, pid := range []int{before.Daemon.PID, recorder} {
		syscall.Kill(pid, syscall.SIGKILL)
		waitReaped(t, pid)
	}
	ended := map[string]bool{}
	for n := range 5 {
		for _, job := range []string{fmt.Sprint("s", n), fmt.Sprint("j", n)} {
			pid := pidsOf(before)[job]
			syscall.Kill(pid, syscall.SIGKILL)
			waitReaped(t, pid)
			ended[job] = true
		}
	}
	nested := s.done
	defer func() {
		nest.Kill()
		<-nested
	}()
	s.wrap = nil
	s.startReady()
	fds := s.restingDescriptors() + len(ended) // for the services that start again
	after := s.waitState("the lost services to run again", func(state *statefile.State) bool {
		for job := range ended {
			want := map[byte][]statefile.RunState{'s': {statefile.RunRunning}, 'j': nil}[job[0]]
			if state.Jobs[job].LastRun == nil || !slices.Equal(runStates(state, job), want) {
				return false
			}
		}
		return true
	})
	for job := range before.Jobs {
		is := after.Jobs[job]
		if !ended[job] {
			if r := is.Running; pidsOf(after)[job] != pidsOf(before)[job] || !r[0].Adopted || r[0].State != statefile.RunRunning || is.Runs != 1 {
				t.Errorf("%s: got %+v, %d runs, want the adopted run with pid %d", job, r, is.Runs, pidsOf(before)[job])
			}
			continue
		}
		r := is.LastRun
		if r.Outcome != statefile.OutcomeLost || r.LostStage == nil || *r.LostStage != statefile.LostStarted {
			t.Errorf("%s: got %+v, want it lost at the stage started", job, r)
		}
		if r.EndedAt.Time().Before(after.Daemon.StartedAt.Time()) || r.EndedAt.Time().After(time.Now()) || is.Failures != 1 {
			t.Errorf("%s: got the end %v and %d failures, want an end after the start of the daemon at %v and 1 failure", job, r.EndedAt,
				is.Failures, after.Daemon.StartedAt)
		}
		if want := map[byte]uint64{'s': 2, 'j': 1}[job[0]]; is.Runs != want {
			t.Errorf("%s: got %d runs, want %d", job, is.Runs, want)
		}
	}
	// The death of a service sends no mail, only a crash loop does. One mail may have several notifications.
	told := regexp.MustCompile(`(?m)^[js]\d+ failed: lost`)
	var text []byte
	s.waitState("the mails to be sent", func(*statefile.State) bool {
		text, _ = os.ReadFile(mails)
		return len(told.FindAll(text, -1)) >= 5
	})
	for n := range 5 {
		if !strings.Contains(string(text), fmt.Sprintf("\nj%d failed: lost (started)", n)) || len(told.FindAll(text, -1)) != 5 {
			t.Errorf("want mails about j%d and the four other lost jobs only, got\n%s", n, text)
		}
	}
	var jobs []string
	for job := range before.Jobs {
		jobs = append(jobs, job)
	}
	s.checkSound(fds, jobs...)
	s.terminate()
	s.waitProcesses("", 0)
}

// madeID is the id of a state directory that a test makes.
const madeID = "0123456789abcdef0123456789abcdef"

// madeAt is when the records of a made journal were written.
var madeAt = statefile.At(time.Date(2026, 11, 27, 1, 15, 47, 0, time.UTC))

func intentOf(job string, run uint64) *statefile.Intent {
	return &statefile.Intent{Job: job, Identity: statefile.Identity{Run: run, Slot: madeAt, Reason: statefile.ReasonSchedule, Attempt: 1}}
}

// writeJournal gives the server a journal of the present boot with these records.
func (s *server) writeJournal(id string, records ...statefile.Record) {
	s.t.Helper()
	dir := filepath.Join(s.root, "state")
	if err := os.Mkdir(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	j, _, _, err := statefile.OpenJournal(dir, 0, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	facts := statefile.NewFacts(id)
	facts.BootID, facts.BootReady = spawn.BootID(), true
	var entries []statefile.Entry
	for _, r := range records {
		entries = append(entries, statefile.Entry{At: madeAt, Record: r})
	}
	if err := errors.Join(j.Rotate(facts, madeAt), j.Append(entries...), j.Close()); err != nil {
		s.t.Fatal(err)
	}
}

// startSleep starts a process that leads a session, as runs do, but that no daemon started. died is closed when it has
// ended.
func startSleep(t *testing.T, env ...string) (pid int, died <-chan struct{}) {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	cmd.Env = env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	return cmd.Process.Pid, ended
}

// TestA4KilledAroundFork: the journal ends with two intents. One run was not forked: it is lost at the stage intent.
// The other was forked, but its pid is not in the journal: the daemon finds its process by the ownership tag, adopts
// it, and does not start it again.
func TestA4KilledAroundFork(t *testing.T) {
	needLinux(t, "jobsd looks for ownership tags on Linux only")
	s := newServer(t)
	s.writeJournal(madeID, intentOf("unborn", 1), intentOf("forked", 2))
	s.writeJobs("unborn.toml", "cmd = [\"true\"]\n")
	s.writeJobs("forked.toml", "cmd = [\"sleep\", \"1000\"]\n")
	forked, died := startSleep(t, "JOBSD_MARK="+madeID+"/forked/2")
	s.waitProcesses("forked", 1) // it has its tag from the exec on
	s.startReady()
	fds := s.restingDescriptors()
	if r := s.waitLastRun("unborn"); r.Outcome != statefile.OutcomeLost || r.LostStage == nil || *r.LostStage != statefile.LostIntent || r.Run != 1 {
		t.Errorf("unborn: got %+v, want run 1 lost at the stage intent", r)
	}
	state := s.readState()
	j := state.Jobs["forked"]
	if r := j.Running; len(r) != 1 || !r[0].Adopted || r[0].State != statefile.RunRunning || pidsOf(state)["forked"] != forked || j.Runs != 1 {
		t.Errorf("forked: got %+v, %d runs, want one adopted run with pid %d", r, j.Runs, forked)
	}
	s.waitProcesses("forked", 1)
	s.jobsd("stop", "forked")
	<-died
	s.waitProcesses("forked", 0)
	if r := s.waitLastRun("forked"); r.Outcome != statefile.OutcomeStopped || r.Run != 2 {
		t.Errorf("forked: got %+v, want run 2 stopped", r)
	}
	s.checkSound(fds)
	s.terminate()
}

// TestA3PidOfAnotherProcess: a pid in the journal belongs to another process by now, as its inode, its start time or
// its boot id shows. The run is lost. The daemon never signals that process, although it leads a group as a run does.
func TestA3PidOfAnotherProcess(t *testing.T) {
	needLinux(t, "reads /proc, and ids of processes from Linux")
	strace := needProgram(t, "strace", "needs strace(1), to see all signals of the daemon")
	pid, died := startSleep(t)
	start, err := spawn.StartTime(pid)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t)
	var records []statefile.Record
	jobs := []string{"inode", "time", "boot"}
	for n, started := range []statefile.Started{
		{Inode: 1, BootID: spawn.BootID()},
		{PIDStart: 1, BootID: spawn.BootID()},
		{PIDStart: start, BootID: "00000000-0000-4000-8000-000000000000"},
	} {
		started.Job, started.Run, started.PID = jobs[n], uint64(n+1), pid
		records = append(records, intentOf(jobs[n], started.Run), &started)
		s.writeJobs(jobs[n]+".toml", "cmd = [\"true\"]\nstop_timeout = \"1s\"\n")
	}
	s.writeJournal(madeID, records...)
	trace := filepath.Join(s.root, "trace")
	s.wrap = []string{strace, "-D", "-f", "-o", trace, "-e", "trace=kill,tkill,tgkill,pidfd_send_signal,rt_sigqueueinfo"}
	s.startReady()
	fds := s.restingDescriptors()
	for _, job := range jobs {
		if r := s.waitLastRun(job); r.Outcome != statefile.OutcomeLost || r.LostStage == nil || *r.LostStage != statefile.LostStarted {
			t.Errorf("%s: got %+v, want it lost at the stage started", job, r)
		}
		if out := s.jobsd("stop", job); strings.Contains(out, "stopped") {
			t.Errorf("stop %s: got %s, want that nothing is stopped", job, out)
		}
		s.jobsd("start", "--wait", job)
	}
	s.checkSound(fds)
	s.terminate()
	select {
	case <-died:
		t.Error("the other process was killed")
	default:
	}
	var text []byte // strace writes its end after the daemon has ended
	for deadline := time.After(waitLimit); !strings.Contains(string(text), "exited with 0"); text, _ = os.ReadFile(trace) {
		select {
		case <-deadline:
			t.Fatalf("no trace of the daemon: %s", text)
		case <-time.After(10 * time.Millisecond):
		}
	}
	// Signal 0 sends nothing. The trace does not show the process of a pidfd, so there must be no signal to any pidfd.
	for _, m := range regexp.MustCompile(`(?m)^.*(?:(?:kill|tkill|rt_sigqueueinfo)\(-?(\d+), SIG|pidfd_send_signal\(\d+, SIG).*$`).FindAllStringSubmatch(string(text), -1) {
		if m[1] == "" || m[1] == fmt.Sprint(pid) {
			t.Errorf("got the signal %s, want none to pid %d or to a pidfd", m[0], pid)
		}
	}
}

// recorderOf returns the pid of the recorder of a server.
func (s *server) recorderOf() int {
	s.t.Helper()
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		title, _ := os.ReadFile(dir + "/cmdline")
		if !strings.HasPrefix(string(title), "jobsd:recorder") {
			continue
		}
		if fds, _ := filepath.Glob(dir + "/fd/*"); fds != nil {
			for _, fd := range fds {
				if to, _ := os.Readlink(fd); strings.HasPrefix(to, s.root) {
					pid, _ := strconv.Atoi(filepath.Base(dir))
					return pid
				}
			}
		}
	}
	return 0
}

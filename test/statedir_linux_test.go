package test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"jobsd/statefile"
)

// checkSecondRefused starts another daemon on the same directories, which must fail because the daemon with this pid
// holds them.
func (s *server) checkSecondRefused(pid int) {
	s.t.Helper()
	cmd := s.command("run")
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 6 || !strings.Contains(string(out), fmt.Sprint("held by pid ", pid)) {
		s.t.Errorf("a second daemon: got exit code %d, %v, want 6 and \"held by pid %d\"\n%s", code, err, pid, out)
	}
}

// newBeatingServer returns a server whose jobs run, its state, the pid of the job "stays", and the number of open
// descriptors.
func newBeatingServer(t *testing.T) (s *server, before *statefile.State, stays, fds int) {
	s = newServer(t)
	s.writeJobs("jobs.toml", beatJobs)
	s.startReady()
	before = s.waitBeating()
	return s, before, pidsOf(before)["stays"], s.restingDescriptors()
}

// TestA17ReadOnlyFileSystem: the daemon starts on a read-only file system, which is made writable later.
func TestA17ReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := filepath.Join(s.root, "state")
	mountSmall(t, dir, "1m")
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|flags, "mode=755,size=1m"); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	s.writeJobs("jobs.toml", beatJobs)
	s.start()
	s.waitLoggedTimes(1, "ready")
	s.waitFor("the jobs to run", func() bool { return s.countLines("beat", "beat") > 0 })
	fds := s.restingDescriptors()
	s.startUnwritten("once")
	s.waitFor("the jobs to continue", func() bool { return s.countLines("beat", "beat") > 2 && s.countLines("once", "once") == 1 })
	if n := s.waitLogged("read-only file system") - s.countLogged("starting without a durable journal entry"); n < 1 || n > 3 { // at the start, the journal, the state file
		t.Errorf("the log reports the read-only file system %d times, want 1 to 3", n)
	}
	s.checkSecondRefused(s.daemonPID())
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("got the files %v, %v, want none", entries, err)
	}
	remount(0)
	state := s.waitState("the state to be complete", func(state *statefile.State) bool {
		return len(state.Daemon.Degraded) == 0 && state.Jobs["beat"].Runs > 2 && state.Jobs["once"].Runs == 1
	})
	if got := runStates(state, "stays"); len(got) != 1 || got[0] != statefile.RunRunning || state.Jobs["stays"].Runs != 1 {
		t.Errorf("stays: got the runs %v of %d, want one, running", got, state.Jobs["stays"].Runs)
	}
	s.checkSound(fds+1, "beat", "stays", "once") // one more for the journal
	s.terminate()
}

// TestA17StateDirectoryReadOnly: the state directory is made read-only while the daemon runs, and writable again.
func TestA17StateDirectoryReadOnly(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	if os.Geteuid() == 0 { // modes do not stop root
		setpriv := needProgram(t, "setpriv", "root needs setpriv(1), to obey modes")
		s.wrap = []string{setpriv, "--bounding-set=-dac_override,-dac_read_search"}
	}
	s.writeJobs("jobs.toml", beatJobs)
	s.startReady()
	before := s.waitBeating()
	stays := pidsOf(before)["stays"]
	fds := s.restingDescriptors()
	dir := filepath.Join(s.root, "state")
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	s.waitFor("the daemon to notice", func() bool { return s.countLogged("permission denied") > 0 })
	s.checkJobsContinue(stays)
	if n := s.countLogged("permission denied"); n != 1 {
		t.Errorf("the log reports it %d times, want 1", n)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.waitRecovered(before)
	s.checkSound(fds, "beat", "stays", "once")
	s.terminate()
}

// TestA17StateDirectoryRemoved: somebody removes the state directory. The daemon makes it again and locks it, with all
// facts that it knows.
func TestA17StateDirectoryRemoved(t *testing.T) {
	t.Parallel()
	s, before, stays, fds := newBeatingServer(t)
	for range 2 {
		s.waitFor("the directory to be removed", func() bool { return os.RemoveAll(filepath.Join(s.root, "state")) == nil })
		s.waitState("the directory to be there again", func(*statefile.State) bool { return true })
		s.checkSecondRefused(s.daemonPID())
		s.checkJobsContinue(stays)
		s.waitRecovered(before)
		before = s.readState()
	}
	s.checkSound(fds, "beat", "stays", "once")

	// The next daemon finds all facts too: it adopts the service, and uses no number of a run again.
	runs := s.readState().Jobs["beat"].LastRun.Run
	s.kill(syscall.SIGKILL)
	s.startReady()
	state := s.waitState("the jobs to run", func(state *statefile.State) bool { return state.Jobs["beat"].LastRun.Run > runs })
	if r := state.Jobs["stays"].Running; len(r) != 1 || pidsOf(state)["stays"] != stays || !r[0].Adopted || state.Jobs["beat"].Runs < before.Jobs["beat"].Runs {
		t.Errorf("got the runs %+v of stays and %d runs of beat, want the adopted run with pid %d and at least %d runs", r,
			state.Jobs["beat"].Runs, stays, before.Jobs["beat"].Runs)
	}
	s.terminate()
}

// TestA17StateDirectoryReplacedByFile: a file replaces the state directory, and is removed later.
func TestA17StateDirectoryReplacedByFile(t *testing.T) {
	t.Parallel()
	s, before, stays, fds := newBeatingServer(t)
	dir := filepath.Join(s.root, "state")
	place := filepath.Join(s.root, "file")
	writeFile(t, place, "a file\n")
	// In one step, so that the daemon cannot make the directory again in between.
	swap(t, place, dir)
	if err := os.RemoveAll(place); err != nil { // the old directory of the daemon
		t.Fatal(err)
	}
	s.waitFor("the daemon to notice", func() bool { return s.countLogged("not a directory") > 0 })
	s.checkJobsContinue(stays)
	if text, err := os.ReadFile(dir); err != nil || string(text) != "a file\n" {
		t.Errorf("got the file %q, %v, want it unchanged", text, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	s.waitRecovered(before)
	s.checkSecondRefused(s.daemonPID())
	s.checkSound(fds, "beat", "stays", "once")
	s.terminate()
}

// TestA17StateDirectoryOfAnotherDaemon: the state directory was replaced by that of another daemon, which holds it or
// has left a journal in it. The first daemon writes nothing there, and its jobs continue.
func TestA17StateDirectoryOfAnotherDaemon(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.writeJobs("jobs.toml", beatJobs)
	s.startReady()
	stays := pidsOf(s.waitBeating())["stays"]
	fds := s.restingDescriptors()
	dir := filepath.Join(s.root, "state")
	theirs := filepath.Join(s.root, "theirs")
	if err := os.Mkdir(theirs, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := statefile.Lock(theirs, filepath.Join(s.root, "run"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	swap(t, theirs, dir)
	if err := os.RemoveAll(theirs); err != nil { // the old directory of the daemon
		t.Fatal(err)
	}
	s.waitFor("the daemon to notice", func() bool { return s.countLogged("held by") > 0 })
	s.checkJobsContinue(stays)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("got the files %v, %v in the directory of the other daemon, want none", entries, err)
	}
	writeFile(t, filepath.Join(dir, "history.jsonl"), "theirs\n")
	lock.Close()
	s.waitFor("the daemon to notice the other journal", func() bool { return s.countLogged("already contains history.jsonl") > 0 })
	s.checkJobsContinue(stays)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("got the files %v, %v in the directory of the other daemon, want its journal", entries, err)
	}
	os.Remove(filepath.Join(dir, "history.jsonl")) // now the daemon may use the directory
	s.waitBeating()
	s.checkSound(fds, "beat", "stays", "once")
	s.terminate()
}

// swap exchanges two files or directories in one step.
func swap(t *testing.T, a, b string) {
	t.Helper()
	if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
		t.Skip("this file system cannot exchange names: ", err)
	}
}

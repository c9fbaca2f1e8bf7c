package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"jobsd/statefile"
)

// second starts another daemon on the same directories, which must fail because the daemon with this pid holds them.
func (s *site) second(pid int) {
	s.t.Helper()
	cmd := exec.Command(s.path(), "--root", s.root, "run")
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != 6 || !strings.Contains(string(out), fmt.Sprint("held by pid ", pid)) {
		s.t.Errorf("a second daemon: got exit code %d, %v, want 6 and \"held by pid %d\"\n%s", code, err, pid, out)
	}
}

// beating returns a site whose jobs run, its state, the pid of the job "stays", and the number of open descriptors.
func beating(t *testing.T) (s *site, before *statefile.State, stays, fds int) {
	s = newSite(t)
	s.write("jobs.toml", beats)
	s.begin()
	before = s.beatsOn()
	return s, before, pids(before)["stays"], s.steady()
}

// TestA17ReadOnlyFileSystem: the daemon starts on a read-only file system, which is made writable later.
func TestA17ReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := filepath.Join(s.root, "state")
	small(t, dir, "1m")
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("", dir, "", syscall.MS_REMOUNT|flags, "mode=755,size=1m"); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	s.write("jobs.toml", beats)
	s.start()
	s.logged(1, "ready")
	s.awaits("the jobs to run", func() bool { return s.lines("beat", "beat") > 0 })
	fds := s.steady()
	s.tell("start", "once")
	s.awaits("the jobs to continue", func() bool { return s.lines("beat", "beat") > 2 && s.lines("once", "once") == 1 })
	if n := s.logs("read-only file system") - s.said("starting without a durable journal entry"); n < 1 || n > 3 { // at the start, the journal, the state file
		t.Errorf("the log reports the read-only file system %d times, want 1 to 3", n)
	}
	s.second(s.daemonPID())
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("got the files %v, %v, want none", entries, err)
	}
	remount(0)
	state := s.until("the state to be complete", func(state *statefile.State) bool {
		return len(state.Daemon.Degraded) == 0 && state.Jobs["beat"].Runs > 2 && state.Jobs["once"].Runs == 1
	})
	if got := states(state, "stays"); len(got) != 1 || got[0] != "running" || state.Jobs["stays"].Runs != 1 {
		t.Errorf("stays: got the runs %v of %d, want one, running", got, state.Jobs["stays"].Runs)
	}
	s.sound(fds+1, "beat", "stays", "once") // one more for the journal
	s.term()
}

// TestA17StateDirectoryReadOnly: the state directory is made read-only while the daemon runs, and writable again.
func TestA17StateDirectoryReadOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if os.Geteuid() == 0 { // modes do not stop root
		setpriv, err := exec.LookPath("setpriv")
		if err != nil {
			t.Skip("root needs setpriv(1), to obey modes: ", err)
		}
		s.wrap = []string{setpriv, "--bounding-set=-dac_override,-dac_read_search"}
	}
	s.write("jobs.toml", beats)
	s.begin()
	before := s.beatsOn()
	stays := pids(before)["stays"]
	fds := s.steady()
	dir := filepath.Join(s.root, "state")
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	s.awaits("the daemon to notice", func() bool { return s.said("permission denied") > 0 })
	s.goesOn(stays)
	if n := s.said("permission denied"); n != 1 {
		t.Errorf("the log reports it %d times, want 1", n)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.recovers(before)
	s.sound(fds, "beat", "stays", "once")
	s.term()
}

// TestA17StateDirectoryRemoved: somebody removes the state directory. The daemon makes it again and locks it, with all
// facts that it knows.
func TestA17StateDirectoryRemoved(t *testing.T) {
	t.Parallel()
	s, before, stays, fds := beating(t)
	for range 2 {
		s.awaits("the directory to be removed", func() bool { return os.RemoveAll(filepath.Join(s.root, "state")) == nil })
		s.until("the directory to be there again", func(*statefile.State) bool { return true })
		s.second(s.daemonPID())
		s.goesOn(stays)
		s.recovers(before)
		before = s.read()
	}
	s.sound(fds, "beat", "stays", "once")

	// The next daemon finds all facts too: it adopts the service, and uses no number of a run again.
	runs := s.read().Jobs["beat"].LastRun.Run
	s.kill(syscall.SIGKILL)
	s.begin()
	state := s.until("the jobs to run", func(state *statefile.State) bool { return state.Jobs["beat"].LastRun.Run > runs })
	if r := state.Jobs["stays"].Running; len(r) != 1 || pids(state)["stays"] != stays || !r[0].Adopted || state.Jobs["beat"].Runs < before.Jobs["beat"].Runs {
		t.Errorf("stays: %+v, %d runs of beat", r, state.Jobs["beat"].Runs)
	}
	s.term()
}

// TestA17StateDirectoryReplacedByFile: a file replaces the state directory, and is removed later.
func TestA17StateDirectoryReplacedByFile(t *testing.T) {
	t.Parallel()
	s, before, stays, fds := beating(t)
	dir := filepath.Join(s.root, "state")
	place := filepath.Join(s.root, "file")
	put(t, place, "a file\n")
	// In one step, so that the daemon cannot make the directory again in between.
	swap(t, place, dir)
	if err := os.RemoveAll(place); err != nil { // the old directory of the daemon
		t.Fatal(err)
	}
	s.awaits("the daemon to notice", func() bool { return s.said("not a directory") > 0 })
	s.goesOn(stays)
	if text, err := os.ReadFile(dir); err != nil || string(text) != "a file\n" {
		t.Errorf("got the file %q, %v, want it unchanged", text, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	s.recovers(before)
	s.second(s.daemonPID())
	s.sound(fds, "beat", "stays", "once")
	s.term()
}

// TestA17StateDirectoryOfAnotherDaemon: the state directory was replaced by that of another daemon, which holds it or has
// left a journal in it. The first daemon writes nothing there, and its jobs continue.
func TestA17StateDirectoryOfAnotherDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.write("jobs.toml", beats)
	s.begin()
	stays := pids(s.beatsOn())["stays"]
	fds := s.steady()
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
	s.awaits("the daemon to notice", func() bool { return s.said("held by") > 0 })
	s.goesOn(stays)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("got the files %v, %v in the directory of the other daemon, want none", entries, err)
	}
	put(t, filepath.Join(dir, "history.jsonl"), "theirs\n")
	lock.Close()
	s.awaits("the daemon to notice the other journal", func() bool { return s.said("already contains history.jsonl") > 0 })
	s.goesOn(stays)
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("got the files %v, %v in the directory of the other daemon, want its journal", entries, err)
	}
	os.Remove(filepath.Join(dir, "history.jsonl")) // now the daemon may use the directory
	s.beatsOn()
	s.sound(fds, "beat", "stays", "once")
	s.term()
}

// swap exchanges two files or directories in one step.
func swap(t *testing.T, a, b string) {
	t.Helper()
	if err := unix.Renameat2(unix.AT_FDCWD, a, unix.AT_FDCWD, b, unix.RENAME_EXCHANGE); err != nil {
		t.Skip("this file system cannot exchange names: ", err)
	}
}

package test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"jobsd/statefile"
)

// mountSmall makes a directory and mounts a file system of this size there.
func mountSmall(t *testing.T, dir, size string) {
	t.Helper()
	needRoot(t, "needs root, to mount a small file system")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755,size="+size); err != nil {
		t.Skip("cannot mount a small file system: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// fillDisk uses up all free space, and returns a function that frees it again.
func fillDisk(t *testing.T, dir string) (free func()) {
	t.Helper()
	ballast := filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(ballast); err != nil {
			t.Error(err)
		}
	}
}

// strayFiles returns the names of files that do not belong into the state directory.
func (s *server) strayFiles() (names []string) {
	s.t.Helper()
	entries, err := os.ReadDir(filepath.Join(s.root, "state"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		switch name := e.Name(); {
		case name == "state.json", name == "accepted", name == "ballast", strings.HasPrefix(name, "history.jsonl"):
		default:
			names = append(names, name)
		}
	}
	return names
}

// waitRecovered waits until the state file is complete again: it has the runs of the time of the fault, and no degraded
// note.
func (s *server) waitRecovered(since *statefile.State) {
	s.t.Helper()
	s.waitState("the state to be complete again", func(state *statefile.State) bool {
		return len(state.Daemon.Degraded) == 0 && state.Jobs["beat"].Runs >= since.Jobs["beat"].Runs+2 &&
			state.Jobs["once"].Runs > since.Jobs["once"].Runs
	})
	s.waitFor("the temporary files to be gone", func() bool { return len(s.strayFiles()) == 0 })
}

// TestA16DiskFull: the disk of the state directory is full, and later has room again.
func TestA16DiskFull(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	dir := filepath.Join(s.root, "state")
	mountSmall(t, dir, "64k")
	s.writeJobs("jobs.toml", beatJobs)
	s.startReady()
	before := s.waitBeating()
	fds := s.restingDescriptors()
	stays := pidsOf(before)["stays"]

	free := fillDisk(t, dir)
	s.waitFor("the daemon to notice", func() bool {
		return s.countLogged("state.json", "no space left") > 0 || s.countLogged("cannot write", "no space left") > 0
	})
	old, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	s.checkJobsContinue(stays)
	if now, err := os.ReadFile(filepath.Join(dir, "state.json")); err != nil || string(now) != string(old) {
		t.Errorf("the state file was changed on a full disk: %v\ngot  %s\nwant %s", err, now, old)
	}
	s.waitFor("the temporary files to be gone", func() bool { return len(s.strayFiles()) == 0 })
	if n := s.countLogged("no space left") - s.countLogged("starting without a durable journal entry"); n > 2 { // the journal, the state file
		t.Errorf("the log reports the full disk %d times, want at most 2", n)
	}
	free()
	s.waitRecovered(before)
	s.checkSound(fds, "beat", "stays", "once")
	s.terminate()
	if state := s.readState(); !state.Daemon.CleanShutdown && state.Jobs["stays"].LastRun.Outcome != statefile.OutcomeStopped {
		t.Errorf("after the shutdown: got %+v, want the outcome stopped", state.Jobs["stays"].LastRun)
	}
}

// endTracer ends a tracer. In the middle of a fork there can be a deadlock: the tracer waits for the parent, the parent
// for the child, and the child for the tracer. If the tracer is killed, the kernel releases the other two.
func endTracer(t *testing.T, tracer *exec.Cmd, ended <-chan error) {
	t.Helper()
	tracer.Process.Signal(syscall.SIGINT)
	select {
	case <-ended:
		return
	case <-time.After(5 * time.Second):
		tracer.Process.Kill()
	}
	select {
	case <-ended:
	case <-time.After(waitLimit):
		t.Fatal("timed out waiting for the end of strace")
	}
}

// TestA16WriteErrors: the system calls of a write fail, one after the other. If the state file can be written, it says
// what is wrong. With -long, each call fails with each error.
func TestA16WriteErrors(t *testing.T) {
	strace := needProgram(t, "strace", "needs strace(1), to have system calls fail")
	t.Parallel()
	s := newServer(t)
	s.writeJobs("jobs.toml", beatJobs)
	s.startReady()
	stays := pidsOf(s.waitBeating())["stays"]
	fds := s.restingDescriptors()
	journal := filepath.Join(s.root, "state", "history.jsonl")
	for _, c := range []struct {
		call, errno, words string
		only               string // only calls on this file fail
		state              bool   // the state file cannot be written
	}{
		{call: "write", errno: "ENOSPC", words: "no space left", only: journal},
		{call: "write", errno: "EIO", words: "input/output error", only: journal},
		{call: "fdatasync", errno: "EIO", words: "input/output error", only: journal},
		{call: "fdatasync", errno: "ENOSPC", words: "no space left", only: journal},
		{call: "fsync", errno: "EIO", words: "input/output error", state: true},
		{call: "fsync", errno: "ENOSPC", words: "no space left", state: true},
		{call: "/^rename", errno: "ENOSPC", words: "no space left", state: true},
		{call: "/^rename", errno: "EIO", words: "input/output error", state: true},
	} {
		if !*long && (c.errno == "EIO") == (c.call == "write" || c.call == "fsync") {
			continue
		}
		before := s.readState()
		trace := filepath.Join(s.root, "trace")
		os.Remove(trace)
		args := []string{"-f", "-o", trace, "-p", fmt.Sprint(s.daemonPID()), "-e", "inject=" + c.call + ":error=" + c.errno}
		if c.only != "" {
			args = append(args, "-P", c.only)
		}
		tracer := exec.Command(strace, args...)
		var words strings.Builder
		tracer.Stderr = &words
		if err := tracer.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- tracer.Wait() }()
		s.waitFor(c.call+" to fail", func() bool {
			select {
			case err := <-ended:
				t.Skipf("cannot have system calls fail here: %v\n%s", err, words.String())
			default:
			}
			text, _ := os.ReadFile(trace)
			return strings.Contains(string(text), "(INJECTED)")
		})
		if c.state {
			text, err := os.ReadFile(filepath.Join(s.root, "state", "state.json"))
			if err != nil {
				t.Fatal(err)
			}
			s.checkJobsContinue(stays)
			if now, err := os.ReadFile(filepath.Join(s.root, "state", "state.json")); err != nil || string(now) != string(text) {
				t.Errorf("%s fails with %s: the state file was changed, want it unchanged: %v", c.call, c.errno, err)
			}
		} else {
			s.waitState("the error of "+c.call+" in the state file", func(state *statefile.State) bool {
				return strings.Contains(fmt.Sprint(state.Daemon.Degraded), c.words)
			})
			s.checkJobsContinue(stays)
		}
		endTracer(t, tracer, ended)
		s.waitRecovered(before)
	}
	s.checkSound(fds, "beat", "stays", "once")
	s.terminate()
}

// TestFilesNoSpace: on a full disk, add and edit write no job file in part, and lose none.
func TestFilesNoSpace(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	jobs := filepath.Join(s.root, "jobs.d")
	mountSmall(t, jobs, "64k")
	s.jobsd("add", "old", "--shell", "true")
	free := fillDisk(t, jobs)
	was, err := os.ReadFile(filepath.Join(jobs, "old.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"add", "new", "--shell", "true"}, {"edit", "old"}} {
		cmd := s.command(args...)
		cmd.Env = append(os.Environ(), "VISUAL=", `EDITOR=printf "nice = 5\n" >>`, "TMPDIR="+s.root)
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), "no space left on device") {
			t.Errorf("%v on a full disk: got %v, %s, want the error \"no space left on device\"", args, err, out)
		}
	}
	entries, err := os.ReadDir(jobs)
	if now, e := os.ReadFile(filepath.Join(jobs, "old.toml")); err != nil || len(entries) != 2 || e != nil || string(now) != string(was) {
		t.Errorf("got the files %v, %v, want old.toml and the ballast; old.toml: got %v %q, want %q", entries, err, e, now, was)
	}
	free()
	s.jobsd("add", "new", "--shell", "true")
}

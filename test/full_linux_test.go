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

// small makes a directory and mounts a file system of this size there.
func small(t *testing.T, dir, size string) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small file system")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=755,size="+size); err != nil {
		t.Skip("cannot mount a small file system: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// fill uses up all free space, and returns a function that frees it again.
func fill(t *testing.T, dir string) (free func()) {
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

// strays returns the names of files that do not belong into the state directory.
func (s *site) strays() (names []string) {
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

// recovers waits until the state file is complete again: it has the runs of the time of the fault, and no degraded note.
func (s *site) recovers(since *statefile.State) {
	s.t.Helper()
	s.until("the state to be complete again", func(state *statefile.State) bool {
		return len(state.Daemon.Degraded) == 0 && state.Jobs["beat"].Runs >= since.Jobs["beat"].Runs+2 &&
			state.Jobs["once"].Runs > since.Jobs["once"].Runs
	})
	s.awaits("the temporary files to be gone", func() bool { return len(s.strays()) == 0 })
}

// TestA16DiskFull: the disk of the state directory is full, and later has room again.
func TestA16DiskFull(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	dir := filepath.Join(s.root, "state")
	small(t, dir, "64k")
	s.write("jobs.toml", beats)
	s.begin()
	before := s.beatsOn()
	fds := s.steady()
	stays := pids(before)["stays"]

	free := fill(t, dir)
	s.awaits("the daemon to notice", func() bool {
		return s.said("state.json", "no space left") > 0 || s.said("cannot write", "no space left") > 0
	})
	old, err := os.ReadFile(filepath.Join(dir, "state.json"))
	if err != nil {
		t.Fatal(err)
	}
	s.goesOn(stays)
	if now, err := os.ReadFile(filepath.Join(dir, "state.json")); err != nil || string(now) != string(old) {
		t.Errorf("the state file was changed on a full disk: %v\ngot  %s\nwant %s", err, now, old)
	}
	s.awaits("the temporary files to be gone", func() bool { return len(s.strays()) == 0 })
	if n := s.said("no space left") - s.said("starting without a durable journal entry"); n > 2 { // the journal, the state file
		t.Errorf("the log reports the full disk %d times, want at most 2", n)
	}
	free()
	s.recovers(before)
	s.sound(fds, "beat", "stays", "once")
	s.term()
	if state := s.read(); !state.Daemon.CleanShutdown && state.Jobs["stays"].LastRun.Outcome != statefile.OutcomeStopped {
		t.Errorf("after the shutdown: got %+v, want the outcome stopped", state.Jobs["stays"].LastRun)
	}
}

// letGo ends a tracer. In the middle of a fork there can be a deadlock: the tracer waits for the parent, the parent for the
// child, and the child for the tracer. If the tracer is killed, the kernel releases the other two.
func letGo(t *testing.T, tracer *exec.Cmd, ended <-chan error) {
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
	case <-time.After(patience):
		t.Fatal("timed out waiting for the end of strace")
	}
}

// TestA16WriteErrors: the system calls of a write fail, one after the other. If the state file can be written, it says what
// is wrong. With -long, each call fails with each error.
func TestA16WriteErrors(t *testing.T) {
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace(1), to have system calls fail: ", err)
	}
	t.Parallel()
	s := newSite(t)
	s.write("jobs.toml", beats)
	s.begin()
	stays := pids(s.beatsOn())["stays"]
	fds := s.steady()
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
		before := s.read()
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
		s.awaits(c.call+" to fail", func() bool {
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
			s.goesOn(stays)
			if now, err := os.ReadFile(filepath.Join(s.root, "state", "state.json")); err != nil || string(now) != string(text) {
				t.Errorf("%s fails with %s: the state file was changed, want it unchanged: %v", c.call, c.errno, err)
			}
		} else {
			s.until("the error of "+c.call+" in the state file", func(state *statefile.State) bool {
				return strings.Contains(fmt.Sprint(state.Daemon.Degraded), c.words)
			})
			s.goesOn(stays)
		}
		letGo(t, tracer, ended)
		s.recovers(before)
	}
	s.sound(fds, "beat", "stays", "once")
	s.term()
}

// TestFilesNoSpace: on a full disk, add and edit write no job file in part, and lose none.
func TestFilesNoSpace(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	jobs := filepath.Join(s.root, "jobs.d")
	small(t, jobs, "64k")
	s.tell("add", "old", "--shell", "true")
	free := fill(t, jobs)
	was, err := os.ReadFile(filepath.Join(jobs, "old.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"add", "new", "--shell", "true"}, {"edit", "old"}} {
		cmd := exec.Command(s.path(), append([]string{"--root", s.root}, args...)...)
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
	s.tell("add", "new", "--shell", "true")
}
